import { type AccessChange, type ComparedApi, compareAccess } from '../access/compareAccess.ts';
import { anonymous } from '../data/anonymous.ts';
import { changedLines } from '../data/changedLines.ts';
import {
  type DataSections,
  dataSections,
  eachLine,
  nothing,
  type Span,
  valueAt,
} from '../data/dataSections.ts';
import { type GrantLine, readGrantLine } from '../data/grantLine.ts';
import type { PrincipalLine } from '../data/principalLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { countMembers } from './countMembers.ts';
import { type DocumentChange, diffDocuments } from './diffDocuments.ts';
import { diffGrants, type GrantChange, type HeldGrant } from './diffGrants.ts';
import { diffHeads, type HeadChanges } from './diffHeads.ts';
import { heldFrom } from './heldFrom.ts';
import { principalReader } from './principalReader.ts';

/** One change that befell everybody in `who` alike. */
export type Change = AccessChange & {
  /** The group through which all of it comes; null when some of it does not come through one group. */
  group: string | null;
  /** How many active people and services are in that group, as it was for `loses` and as it is otherwise; else 0. */
  members: number;
  /** `user:` and `service:`, sorted; or `anonymous`, which is anybody, by operations that are public. */
  who: readonly string[];
};

export type DataDiff = {
  changes: readonly Change[];
  /** Every grant that came, went or reads otherwise, whether or not anybody's access changed by it. */
  grants: readonly GrantChange[];
  /** Of networks also the grants that ask for them afterwards. */
  heads: Omit<HeadChanges, 'networks'> & { networks: readonly NetworkChange[] };
  /** Whether the directory says something else of somebody, whom tokens may tell more of. */
  directoryChanged: boolean;
  /** Data documents that are otherwise, by name. */
  documents: readonly DocumentChange[];
  /** Principals of grants that came or changed whom no directory lists, or who are groups without anybody in them; sorted. */
  unknown: readonly { principal: string; grants: readonly string[] }[];
};

type NetworkChange = HeadChanges['networks'][number] & { grants: readonly string[] };
type Side = { data: Buffer; sections: DataSections };
type Pair<T> = { before: T; after: T };

const nobody: PrincipalLine = { active: false, groups: [] };
const anybody: PrincipalLine = { active: true, groups: [] };

/**
 * Compares effective access of two documents in line form: what each active person and service may do by its own
 * grants and those of its groups, and what anybody may. Whom the directory does not list has none, as groups that come with tokens are not
 * known here. A suspended grant gives nothing, nor does one that has expired at `at` (whole
 * seconds since 1970); without an instant no grant has expired. Lines that are equal are never parsed, so the time
 * taken is that of reading the bytes plus what really changed.
 */
export function diffData(before: Buffer, after: Buffer, options: { at: number | null }): DataDiff {
  const sides = {
    before: { data: before, sections: dataSections(before) },
    after: { data: after, sections: dataSections(after) },
  };
  const { lines, held } = changedGrantLines(sides);
  const affected = affectedPrincipals(sides, lines);
  const changes = changesOf(sides, affected, lines, options.at);
  const grants = diffGrants(held.before, held.after);
  const heads = diffHeads(sides.before.sections.head, sides.after.sections.head);
  const asking = heldFrom(
    heads.networks.map(({ network }) => network),
    sides.after,
    options.at,
  );
  return {
    changes: withMembers(sides, changes),
    grants,
    unknown: unknownPrincipals(sides.after, grants),
    directoryChanged: [...affected.values()].some(({ moved }) => moved),
    heads: {
      ...heads,
      networks: heads.networks.map((one) => ({ ...one, grants: asking.get(one.network) ?? [] })),
    },
    documents: diffDocuments(
      { data: before, documents: sides.before.sections.documents },
      { data: after, documents: sides.after.sections.documents },
    ),
  };
}

/** What data.json tells of them: that it lists nobody of that name. */
function unknownPrincipals({ data, sections }: Side, grants: readonly GrantChange[]): DataDiff['unknown'] {
  const open = new Map<string, string[]>();
  for (const { grant, change, principal } of grants) {
    if (change === 'removed' || principal === anonymous) continue;
    const known = open.get(principal);
    if (known === undefined) open.set(principal, [grant]);
    else known.push(grant);
  }
  if (open.size === 0) return [];
  const parse = principalReader(data);
  const met = new Set<PrincipalLine>();
  eachLine(data, sections.principals, (name, line) => {
    open.delete(name);
    const principal = parse(line);
    if (met.has(principal)) return;
    met.add(principal);
    for (const group of principal.groups) open.delete(group);
  });
  return [...open]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([principal, of]) => ({ principal, grants: of }));
}

/** API → principals whose line of grants is not what it was; and all grants on these lines. */
function changedGrantLines(sides: Pair<Side>) {
  const { before, after } = sides;
  const lines = new Map<string, Set<string>>();
  const held: Pair<HeldGrant[]> = { before: [], after: [] };
  const take = (when: 'before' | 'after', api: string, principal: string, line: Span | null) => {
    if (line === null) return;
    for (const grant of readGrantLine(valueAt(sides[when].data, line)))
      held[when].push({ api, principal, grant });
  };
  for (const api of new Set([...before.sections.grants.keys(), ...after.sections.grants.keys()])) {
    const section = ({ data, sections }: Side) => ({ data, section: sections.grants.get(api) ?? nothing });
    const changed = new Set<string>();
    changedLines(section(before), section(after), (principal, old, now) => {
      changed.add(principal);
      take('before', api, principal, old);
      take('after', api, principal, now);
    });
    if (changed.size > 0) lines.set(api, changed);
  }
  return { lines, held };
}

/** Everybody who could do something else than before; `moved` when the directory says something else of them. */
type Affected = Map<string, Pair<PrincipalLine> & { moved: boolean }>;

function affectedPrincipals({ before, after }: Pair<Side>, lines: Map<string, Set<string>>): Affected {
  const affected: Affected = new Map();
  const parsers = new Map([before, after].map((side) => [side, principalReader(side.data)]));
  const entry = (side: Side, line: Span | null) =>
    line === null ? nobody : (parsers.get(side)?.(line) ?? nobody);
  changedLines(
    { data: before.data, section: before.sections.principals },
    { data: after.data, section: after.sections.principals },
    (name, old, now) =>
      affected.set(name, { before: entry(before, old), after: entry(after, now), moved: true }),
  );
  const touched = new Set([...lines.values()].flatMap((names) => [...names]));
  if (touched.size === 0) return affected;
  if (touched.has(anonymous)) affected.set(anonymous, { before: anybody, after: anybody, moved: false });
  const groups = new Set([...touched].filter((name) => name.startsWith('group:')));
  const parse = principalReader(after.data);
  eachLine(after.data, after.sections.principals, (name, line) => {
    if (affected.has(name)) return;
    const principal = parse(line);
    if (principal.active && (touched.has(name) || principal.groups.some((group) => groups.has(group))))
      affected.set(name, { before: principal, after: principal, moved: false });
  });
  return affected;
}

/** Holder → API → its line, for those in `wanted` only. */
type Holdings = ReadonlyMap<string, ReadonlyMap<string, Span>>;

function holdings({ data, sections }: Side, wanted: ReadonlySet<string>): Holdings {
  const found = new Map<string, Map<string, Span>>();
  for (const [api, section] of sections.grants)
    eachLine(data, section, (holder, line) => {
      if (!wanted.has(holder)) return;
      const ofHolder = found.get(holder);
      if (ofHolder === undefined) found.set(holder, new Map([[api, line]]));
      else ofHolder.set(api, line);
    });
  return found;
}

type Row = { change: AccessChange; who: string[] };

function changesOf(
  sides: Pair<Side>,
  affected: Affected,
  lines: Map<string, Set<string>>,
  at: number | null,
): Row[] {
  const wanted = (side: keyof Pair<Side>) =>
    new Set([
      anonymous,
      ...[...affected].flatMap(([name, pair]) => (pair[side].active ? [name, ...pair[side].groups] : [])),
    ]);
  const read = (side: keyof Pair<Side>) => {
    const { data } = sides[side];
    const held = holdings(sides[side], wanted(side));
    const parsed = new Map<number, readonly GrantLine[]>();
    return {
      apis: (holder: string) => held.get(holder)?.keys() ?? [],
      /** Where the line stands tells it from all others of its side; 0 for none. */
      line: (holder: string, api: string) => held.get(holder)?.get(api)?.start ?? 0,
      grants(holder: string, api: string): readonly GrantLine[] {
        const line = held.get(holder)?.get(api);
        if (line === undefined) return [];
        let grants = parsed.get(line.start);
        if (grants === undefined) {
          grants = readGrantLine(valueAt(data, line));
          parsed.set(line.start, grants);
        }
        return grants;
      },
    };
  };
  const [old, now] = [read('before'), read('after')];
  const ratesOf = apiRates(sides);
  const rows = new Map<string, Row>();
  const known = new Map<string, Row[]>();

  for (const [name, { before, after, moved }] of affected) {
    const holders = (principal: PrincipalLine) => (principal.active ? [name, ...principal.groups] : []);
    const [was, is] = [holders(before), holders(after)];
    const apis = moved
      ? new Set([...was.flatMap((one) => [...old.apis(one)]), ...is.flatMap((one) => [...now.apis(one)])])
      : [...lines].filter(([, changed]) => was.some((one) => changed.has(one))).map(([api]) => api);
    for (const api of apis) {
      // Members of the same groups with no grants of their own fare alike.
      const places = (all: readonly string[], side: typeof old) =>
        all.map((one) => side.line(one, api)).join();
      const key = `${api} ${places(was, old)} ${places(is, now)}`;
      let found = known.get(key);
      if (found === undefined) {
        const held = (all: readonly string[], side: typeof old) =>
          all.flatMap((through) => side.grants(through, api).map((grant) => ({ through, grant })));
        const open = { before: old.grants(anonymous, api), after: now.grants(anonymous, api) };
        const compared = {
          ...{ name: api, rates: ratesOf(api) },
          ...(name !== anonymous && { open }),
        };
        found = compareAccess(compared, held(was, old), held(is, now), at).map((change) => {
          const text = JSON.stringify(change);
          const row = rows.get(text) ?? { change, who: [] };
          rows.set(text, row);
          return row;
        });
        known.set(key, found);
      }
      for (const row of found) row.who.push(name);
    }
  }
  return [...rows.values()];
}

/** The rate of an API on each side that has it; read when first asked for. */
function apiRates({ before, after }: Pair<Side>): (api: string) => ComparedApi['rates'] {
  let read: readonly Record<string, { rate?: string }>[] | null = null;
  return (api) => {
    read ??= [...new Set([before.sections.head.apis, after.sections.head.apis])].map(
      (text) => JSON.parse(text) as Record<string, { rate?: string }>,
    );
    return read.flatMap((apis) => (Object.hasOwn(apis, api) ? [apis[api]?.rate] : []));
  };
}

const order = ['loses', 'gains', 'tightened', 'shortened', 'altered', 'loosened', 'extended'];

/** Puts rows in order, and tells those of one group as that group's. */
function withMembers({ before, after }: Pair<Side>, rows: readonly Row[]): Change[] {
  const sideOf = ({ kind }: AccessChange) => (kind === 'loses' ? before : after);
  const groupOf = ({ kind, before: old, after: now }: AccessChange) => {
    const ways = kind === 'loses' ? old : kind === 'gains' ? now : [...old, ...now];
    const through = ways[0]?.through ?? '';
    return through.startsWith('group:') && ways.every((way) => way.through === through) ? through : null;
  };
  const counts = new Map<Side, Map<string, number>>();
  for (const side of [before, after]) {
    const named = rows.flatMap(({ change }) => (sideOf(change) === side ? (groupOf(change) ?? []) : []));
    counts.set(side, countMembers(side, new Set(named)));
  }
  return rows
    .map(({ change, who }): Change => {
      const group = groupOf(change);
      const members = counts.get(sideOf(change))?.get(group ?? '') ?? 0;
      return { ...change, group, members, who: who.sort(compareCodePoints) };
    })
    .sort(
      (a, b) =>
        order.indexOf(a.kind) - order.indexOf(b.kind) ||
        compareCodePoints(a.api, b.api) ||
        compareCodePoints(a.group ?? a.who[0] ?? '', b.group ?? b.who[0] ?? '') ||
        compareCodePoints(a.operations.join(), b.operations.join()) ||
        compareCodePoints(a.who.join(), b.who.join()),
    );
}
