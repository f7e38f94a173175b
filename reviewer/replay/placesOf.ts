import { isWithinBlocks } from '../../bundle/format/isWithinBlocks.ts';

/** Network → its blocks, as one revision declares them. */
export type Networks = ReadonlyMap<string, readonly string[]>;

/** Where a caller was by one revision's networks; `unknown` are those that the record cannot tell. */
export type Places = { in: readonly string[]; unknown: readonly string[] };

/** Translates the networks on record into those of another revision. */
export type PlacesOf = (recorded: readonly string[] | null) => Places;

/**
 * The record names networks as the revision that decided declared them. In one that is declared alike now the caller is
 * as it was. In one that has grown it still is, and in one that has shrunk it still is not; of all others nobody knows.
 * `then` is null where it is not known how they were declared.
 */
export function createPlacesOf(then: Networks | null, now: Networks): PlacesOf {
  if (then !== null && isSame(then, now)) return (recorded) => known(recorded, now);
  const around = new Map<string, { within: readonly string[]; holding: readonly string[] }>();
  for (const [name, blocks] of now) {
    const others = [...(then ?? [])];
    around.set(name, {
      within: others.filter(([, theirs]) => isWithinBlocks(theirs, blocks)).map(([other]) => other),
      holding: others.filter(([, theirs]) => isWithinBlocks(blocks, theirs)).map(([other]) => other),
    });
  }
  return (recorded) => {
    if (recorded === null) return known(null, now);
    const was = new Set(recorded);
    const places = { in: [] as string[], unknown: [] as string[] };
    for (const [name, { within, holding }] of around) {
      if (within.some((other) => was.has(other))) places.in.push(name);
      else if (holding.every((other) => was.has(other))) places.unknown.push(name);
    }
    return places;
  };
}

const known = (recorded: readonly string[] | null, now: Networks): Places =>
  recorded === null ? { in: [], unknown: [...now.keys()] } : { in: recorded, unknown: [] };

const isSame = (one: Networks, other: Networks) =>
  one.size === other.size &&
  [...one].every(
    ([name, blocks]) => [...blocks].sort().join() === [...(other.get(name) ?? [])].sort().join(),
  );
