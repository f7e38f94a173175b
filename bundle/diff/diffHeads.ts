import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import type { DataSections } from '../format/dataSections.ts';

/** What grants refer to and now means something else. Each list is sorted. */
export type HeadChanges = {
  /** Networks that grants may name: their blocks before and after; null where there is none of that name. */
  networks: readonly { network: string; before: readonly string[] | null; after: readonly string[] | null }[];
  /** Operations that stand for another method or path than before. */
  operations: readonly { api: string; operation: string; before: string; after: string }[];
  /** APIs that take other ways to authenticate; null: all of them. */
  authentication: readonly {
    api: string;
    before: readonly string[] | null;
    after: readonly string[] | null;
  }[];
  /** APIs that pages of other origins may call otherwise than before; null: what the API's own answers say. */
  cors: readonly { api: string; before: object | null; after: object | null }[];
  /** Facts of a request that policies are told otherwise than before: where each comes from and what it may be; null: not at all. */
  facts: readonly { api: string; fact: string; before: object | null; after: object | null }[];
  /** What else gateways do otherwise for an API, by the key in data.json: where it goes, how much it takes, who answers for it; null: not set. */
  settings: readonly { api: string; setting: Setting; before: unknown; after: unknown }[];
  /** Services that are known by other credentials than before. The credentials themselves are not told. */
  credentials: readonly string[];
};

const settings = [
  'assertion',
  'body',
  'encoded_slash',
  'host_header',
  'owner',
  'rate',
  'route',
  'tier',
  'upstream',
] as const;
export type Setting = (typeof settings)[number];

type Apis = Record<
  string,
  { [key in Setting]?: unknown } & {
    operations: Record<string, string>;
    authentication?: string[];
    cors?: object;
    facts?: Record<string, object>;
  }
>;

const names = (before: object, after: object) =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareCodePoints);

/** Compares the parts of data.json that are no lines. */
export function diffHeads(before: DataSections['head'], after: DataSections['head']): HeadChanges {
  const [oldNetworks, newNetworks] = read<Record<string, string[]>>(before.networks, after.networks);
  const [oldApis, newApis] = read<Apis>(before.apis, after.apis);
  const [oldHolders, newHolders] = read<object>(before.credentials, after.credentials).map(holders) as [
    Set<string>,
    Set<string>,
  ];
  const shared = names(oldApis, newApis).flatMap((api) => {
    const [was, is] = [oldApis[api], newApis[api]];
    return was === undefined || is === undefined ? [] : [{ api, was, is }];
  });
  return {
    networks: names(oldNetworks, newNetworks).flatMap((network) => {
      const [was, is] = [oldNetworks[network] ?? null, newNetworks[network] ?? null];
      return same(was, is) ? [] : [{ network, before: was, after: is }];
    }),
    operations: shared.flatMap(({ api, was, is }) =>
      names(was.operations, is.operations).flatMap((operation) => {
        const [old, now] = [was.operations[operation], is.operations[operation]];
        if (old === undefined || now === undefined || old === now) return [];
        return [{ api, operation, before: old, after: now }];
      }),
    ),
    authentication: shared.flatMap(({ api, was, is }) => {
      const [old, now] = [was.authentication ?? null, is.authentication ?? null];
      return same(old, now) ? [] : [{ api, before: old, after: now }];
    }),
    cors: shared.flatMap(({ api, was, is }) => {
      const [old, now] = [was.cors ?? null, is.cors ?? null];
      return same(old, now) ? [] : [{ api, before: old, after: now }];
    }),
    facts: shared.flatMap(({ api, was: { facts: was = {} }, is: { facts: is = {} } }) =>
      names(was, is).flatMap((fact) => {
        const [old, now] = [was[fact] ?? null, is[fact] ?? null];
        return same(old, now) ? [] : [{ api, fact, before: old, after: now }];
      }),
    ),
    settings: shared.flatMap(({ api, was, is }) =>
      settings.flatMap((setting) => {
        const [old, now] = [was[setting] ?? null, is[setting] ?? null];
        return same(old, now) ? [] : [{ api, setting, before: old, after: now }];
      }),
    ),
    credentials: [...oldHolders.symmetricDifference(newHolders)]
      .map((entry) => String(JSON.parse(entry)[1]))
      .filter((service, index, all) => all.indexOf(service) === index)
      .sort(compareCodePoints),
  };
}

/** Both parsed; when they are the same text, neither needs to be. */
function read<T extends object>(before: string, after: string): [T, T] {
  if (before === after) return [{} as T, {} as T];
  return [JSON.parse(before) as T, JSON.parse(after) as T];
}

const same = (left: unknown, right: unknown) => canonicalJson(left) === canonicalJson(right);

/** Every credential with its service, as one text. */
function holders(credentials: object): Set<string> {
  const found = new Set<string>();
  for (const [kind, entries] of Object.entries(credentials)) {
    if (Array.isArray(entries))
      for (const { service, ...claims } of entries as { service: string }[])
        found.add(canonicalJson([canonicalJson([kind, claims]), service]));
    else
      for (const [value, service] of Object.entries(entries as Record<string, string>))
        found.add(canonicalJson([canonicalJson([kind, value]), service]));
  }
  return found;
}
