import type { DataSections } from '../data/dataSections.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';

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

type Named<T> = Readonly<Record<string, T | undefined>>;

const own = <T>(of: Named<T>, name: string): T | undefined =>
  Object.hasOwn(of, name) ? of[name] : undefined;

/** What is otherwise than before, by name, sorted; null: not there. */
const changed = <T>(old: Named<T>, now: Named<T>) =>
  names(old, now).flatMap((name) => {
    // An operation may be called `toString`.
    const [before, after] = [own(old, name) ?? null, own(now, name) ?? null];
    return canonicalJson(before) === canonicalJson(after) ? [] : [{ name, before, after }];
  });

const nameless = <T extends { name: string }>({ name: _, ...one }: T) => one;

/** Compares the parts of data.json that are no lines. */
export function diffHeads(before: DataSections['head'], after: DataSections['head']): HeadChanges {
  const [oldNetworks, newNetworks] = read<Record<string, string[]>>(before.networks, after.networks);
  const [oldApis, newApis] = read<Apis>(before.apis, after.apis);
  const [oldHolders, newHolders] = read<object>(before.credentials, after.credentials).map(holders) as [
    Set<string>,
    Set<string>,
  ];
  const shared = names(oldApis, newApis).flatMap((api) => {
    const [was, is] = [own(oldApis, api), own(newApis, api)];
    return was === undefined || is === undefined ? [] : [{ api, was, is }];
  });
  /** Of each API that stays, what one part of it holds by name that is otherwise. */
  const inApis = <T>(part: (api: Apis[string]) => Named<T>) =>
    shared.flatMap(({ api, was, is }) => changed(part(was), part(is)).map((one) => ({ api, ...one })));
  return {
    networks: changed(oldNetworks, newNetworks).map(({ name, ...sides }) => ({ network: name, ...sides })),
    operations: inApis(({ operations }) => operations).flatMap(({ api, name, before, after }) =>
      // One that came or went is told by whom it is granted to.
      before === null || after === null ? [] : [{ api, operation: name, before, after }],
    ),
    authentication: inApis(({ authentication }) => ({ authentication })).map(nameless),
    cors: inApis(({ cors }) => ({ cors })).map(nameless),
    facts: inApis(({ facts = {} }) => facts).map(({ api, name, ...sides }) => ({
      api,
      fact: name,
      ...sides,
    })),
    settings: shared.flatMap(({ api, was, is }) =>
      settings.flatMap((setting) =>
        changed({ [setting]: was[setting] }, { [setting]: is[setting] }).map(({ before, after }) => ({
          ...{ api, setting, before, after },
        })),
      ),
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
