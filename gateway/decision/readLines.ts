import { bySoonest, parseRate } from '../../bundle/format/rate.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { grantsOn } from '../revision/grantsOn.ts';
import type { HeldLine } from '../revision/slices.ts';
import type { GrantBounds } from './decision.ts';

/** What a line of grants says beside what the policy reads. `bounds`: of those grants that have a rate or an end. */
export type KnownLine = {
  readonly bounds: ReadonlyMap<string, GrantBounds>;
  /** When its grants expire, whole seconds since 1970. */
  readonly ends: readonly number[];
  /** Names of the path parameters that its grants restrict, and of the claims they compare them with; sorted. */
  readonly params: readonly string[];
  readonly claims: readonly string[];
};

type Options = { read?: (line: Uint8Array) => KnownLine; mostBytes?: number };

/**
 * Reads the lines that one decision is about. A group's line is read once for all its members, for as long as it is among
 * those used last; a person's own has no other reader, and is known while nobody else is asked about. Throws BundleError
 * `data-malformed`: who holds a grant that cannot be read is refused, by whichever other it may be.
 */
export function createReadLines({ read = readLine, mostBytes = 16 * MiB }: Options = {}) {
  const groups = lruCache<KnownLine>(
    mostBytes,
    ({ bounds, ends, params, claims }) =>
      400 + 250 * bounds.size + 16 * ends.length + lettersOf(params) + lettersOf(claims),
  );
  // Who asks about one principal again and again, as a search does, has the same bytes each time.
  let own: { line: Uint8Array; known: KnownLine } | null = null;
  return (api: string, lines: readonly HeldLine[]): readonly KnownLine[] =>
    lines.map(({ name, line }) => {
      if (!name.startsWith('group:')) {
        if (own?.line !== line) own = { line, known: read(line) };
        return own.known;
      }
      const key = `${api}\n${name}`;
      const before = groups.get(key);
      if (before !== undefined) return before;
      const known = read(line);
      groups.set(key, known);
      return known;
    });
}

const lettersOf = (names: readonly string[]): number =>
  names.reduce((sum, { length }) => sum + length + 24, 0);

const none: ReadonlyMap<string, GrantBounds> = new Map();

/**
 * The bounds of these grants, for those that have any: those with a rate in the order in which they are taken from, of
 * rates that are alike in that of the grants.
 */
export function boundsOf(
  grants: readonly string[],
  lines: readonly KnownLine[],
): ReadonlyMap<string, GrantBounds> {
  const bounding = lines.filter(({ bounds }) => bounds.size > 0);
  if (bounding.length === 0) return none;
  const found: [string, GrantBounds][] = [];
  for (const id of grants)
    for (const { bounds } of bounding) {
      const own = bounds.get(id);
      if (own !== undefined) found.push([id, own]);
    }
  return new Map(
    found.sort(([, { rate: a }], [, { rate: b }]) => (a && b ? bySoonest(a, b) : a ? -1 : b ? 1 : 0)),
  );
}

/** What a decision must know of the grants on a line, besides what the policy says of them. */
export function readLine(line: Uint8Array): KnownLine {
  const bounds = new Map<string, GrantBounds>();
  const ends: number[] = [];
  let restricted: Restricted | null = null;
  for (const { id, rate, expires, conditions } of grantsOn(line)) {
    if (conditions?.params !== undefined) {
      restricted ??= { params: new Set(), claims: new Set() };
      for (const [name, wanted] of Object.entries(conditions.params)) {
        restricted.params.add(name);
        if ('claim' in wanted) restricted.claims.add(wanted.claim);
      }
    }
    if (rate === undefined && expires === undefined) continue;
    bounds.set(id, { rate: rate === undefined ? null : parseRate(rate), expires: expires ?? null });
    if (expires !== undefined) ends.push(expires);
  }
  if (restricted === null) return { bounds, ends, params: nothing, claims: nothing };
  const { params, claims } = restricted;
  return { bounds, ends, params: [...params].sort(), claims: [...claims].sort() };
}

type Restricted = { params: Set<string>; claims: Set<string> };
const nothing: readonly string[] = [];

/** The names of all lines, each once and sorted, so that the same question reads the same. */
export function namesOf(lines: readonly KnownLine[], part: 'params' | 'claims'): readonly string[] {
  let names: readonly string[] = nothing;
  for (const line of lines) {
    const more = line[part];
    if (more.length > 0) names = names.length === 0 ? more : [...new Set([...names, ...more])].sort();
  }
  return names;
}
