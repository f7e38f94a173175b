import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { createDirectoryHistory } from '../../../reviewer/evidence/directoryHistory.ts';

export const day = 86_400;
export const instant = (at: number) => new Date(at * 1000).toISOString();

export type Person = { login: string; status?: string; id?: string };
export type Service = { name: string; state?: string; owner?: string; credentials?: number };
export type Moment = {
  at: number;
  /** When the directory was read; left out, when it was committed. */
  synced?: number;
  people?: readonly Person[];
  groups?: Readonly<Record<string, readonly string[]>>;
  provider?: string;
  services?: readonly Service[] | null;
  /** Not all of it was read. */
  short?: boolean;
  /** Providers whose file goes. */
  gone?: readonly string[];
  /** On a branch that was merged then. */
  mergedAt?: number;
};

export const key = (at: number) => ({ api_key_sha256: at.toString(16).padStart(64, '0') });
export const servicesOf = (services: readonly Service[]) =>
  services.map(({ name, state = 'active', owner = 'user:ann', credentials = 1 }, index) => ({
    ...{ name, owner, state },
    credentials: Array.from({ length: credentials }, (_, other) => key(index * 10 + other)),
  }));

/** Steps through moments; JSON is YAML. */
export function historyOf(
  moments: readonly Moment[],
  grants: readonly { principal: string; owner?: string }[],
  today = moments.findLast(({ services }) => services !== undefined)?.services ?? [],
) {
  const organisation = {
    grants: grants.map(({ principal, owner = 'user:ann' }, index) => ({
      ...{ id: `g-${index}`, principal, owner, grantedAt: 0 },
    })),
    services: new Map(servicesOf(today).map((service) => [service.name, service])),
  } as unknown as Organisation;
  const history = createDirectoryHistory(organisation);
  const bytes = (value: object) => Buffer.from(JSON.stringify(value));
  const last = new Map<string, Buffer | null>();
  for (const moment of moments) {
    const { at, synced = at, people, groups = {}, provider = 'okta', services, gone = [], short } = moment;
    const files = gone.map((one) => ({ path: `grants/directory/${one}.yaml`, bytes: null as Buffer | null }));
    if (people !== undefined)
      files.push({
        path: `grants/directory/${provider}.yaml`,
        bytes: bytes({
          ...{ provider, synced: instant(synced), complete: short !== true },
          people: people.map(({ login, id = `id-${login}`, status = 'active' }) => ({ login, id, status })),
          groups: Object.entries(groups).map(([name, members]) => ({ name, members })),
        }),
      });
    if (services !== undefined)
      files.push({
        path: 'grants/directory/services.yaml',
        bytes: services === null ? null : bytes({ services: servicesOf(services) }),
      });
    const { mergedAt } = moment;
    const changes = files.map((file) => ({
      ...{ path: file.path, before: last.get(file.path) ?? null, after: file.bytes },
    }));
    for (const file of files) last.set(file.path, file.bytes);
    if (mergedAt === undefined) history.step({ commit: 'c', at, blind: false, files });
    else history.aside({ at, mergedAt, merge: `m-${mergedAt}`, files: changes });
  }
  return history.end();
}

export const ann = { login: 'ann' };
