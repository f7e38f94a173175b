import { compareCodePoints } from '../format/canonicalJson.ts';
import { bySoonest, type Rate } from '../format/rate.ts';
import { type Atom, allWithin, isWithin, overlap, type Term, textOf } from './terms.ts';

/** A rate that really bounds somebody: what it lets through comes on top of what the others do. */
export type Allowance = {
  term: Term;
  rate: Rate;
  /** Where it counts: what no way without a rate allows anyhow. */
  left: readonly Atom[];
  /** The same for rates that do the same. */
  key: string;
};

/** How something may be done: `free` by ways without a rate, of several the wider ones; else by `rated`, taken from in this order. */
export type Ways = { free: readonly Term[]; around: readonly Atom[]; rated: readonly Allowance[] };

/** What holds of several grants that allow the same operation, as a gateway counts: nothing where one without a rate holds. */
export function waysOf(terms: readonly Term[]): Ways {
  const free = widest(terms.filter(({ rate }) => rate === null));
  const around = free.flatMap(({ whole }) => whole);
  const byValues = free.some(({ conditions }) => conditions.params !== undefined);
  const rated = terms.flatMap((term): Allowance[] => {
    const { rate } = term;
    if (rate === null || allWithin([term], around)) return [];
    const left = (byValues ? term.chosen() : term.whole).filter((atom) => !isWithin(atom, around));
    return [{ term, rate, left, key: `${rateKey(rate)} ${left.map(textOf).sort().join(' ')}` }];
  });
  return {
    ...{ free, around },
    rated: rated.sort((a, b) => bySoonest(a.rate, b.rate) || compareCodePoints(a.term.id, b.term.id)),
  };
}

const rateKey = ({ count, intervalMs }: Rate) => `${count}/${intervalMs}`;

/** Each once and without those that another one includes, sorted. */
function widest(free: readonly Term[]): Term[] {
  const byText = new Map(free.map((one) => [JSON.stringify(one.conditions), one] as const));
  const texts = [...byText].sort(([a], [b]) => compareCodePoints(a, b));
  return texts
    .filter(([, one], index) =>
      texts.every(([, other], position) => {
        if (position === index || !allWithin([one], other.whole)) return true;
        // Of two that include each other the first one stays.
        return allWithin([other], one.whole) && position > index;
      }),
    )
    .map(([, one]) => one);
}

/** Whether every sequence of requests is let through by the one as it is by the other. */
export const isSame = (one: Ways, other: Ways): boolean =>
  isSameOrder(one.rated, other.rated) &&
  allWithin(one.free, other.around) &&
  allWithin(other.free, one.around);

/** Whether both are the same rates, and those that may meet in one request are taken from in the same order. */
export function isSameOrder(some: readonly Allowance[], others: readonly Allowance[]): boolean {
  if (some.length !== others.length || differing(some, others).length > 0) return false;
  if (some.every(({ key }, at) => key === others[at]?.key)) return true;
  const met = new Map(some.map((one) => [one.key, one]));
  const order = (all: readonly Allowance[], a: string, b: string) =>
    all.flatMap(({ key }) => (key === a || key === b ? [key] : [])).join();
  return [...met].every(([a, one]) =>
    [...met].every(
      ([b, other]) =>
        a >= b ||
        bySoonest(one.rate, other.rate) !== 0 ||
        !one.left.some((atom) => other.left.some((theirs) => overlap(atom, theirs))) ||
        order(some, a, b) === order(others, a, b),
    ),
  );
}

/** Those of `some` that the others do not have, of each as many as there are more. */
export function differing<T extends { key: string }>(some: readonly T[], others: readonly T[]): T[] {
  const counts = new Map<string, number>();
  for (const { key } of others) counts.set(key, (counts.get(key) ?? 0) + 1);
  return some.filter(({ key }) => {
    const count = counts.get(key) ?? 0;
    counts.set(key, count - 1);
    return count <= 0;
  });
}

/** Whether whatever the one lets through finds room in the other, rate by rate. */
export function isRoomFor(one: Ways, other: Ways): boolean {
  if (!allWithin(one.free, other.around)) return false;
  const some = differing(one.rated, other.rated);
  const rooms = differing(other.rated, one.rated);
  const fits = (atoms: (one: Allowance) => readonly Atom[]) => isPacked(some, rooms, atoms, other.around);
  return fits(({ left }) => left) || fits(({ term }) => term.chosen());
}

/**
 * Finds a room for each atom of each allowance: one that covers it and still has as much a second and at once. What one
 * allowance takes of a room it takes once. A room may be found wanting where a cleverer search would find one.
 */
function isPacked(
  some: readonly Allowance[],
  others: readonly Allowance[],
  atomsOf: (one: Allowance) => readonly Atom[],
  around: readonly Atom[],
): boolean {
  const rooms = others
    .map(({ rate: { count, intervalMs }, left }) => ({ left, count, pace: (1 + 1e-9) / intervalMs }))
    .sort((a, b) => a.pace - b.pace || a.count - b.count);
  const largestFirst = [...some].sort((a, b) => a.rate.intervalMs - b.rate.intervalMs);
  return largestFirst.every((one) => {
    const { count, intervalMs } = one.rate;
    const taken = new Set<(typeof rooms)[number]>();
    return atomsOf(one).every((atom) => {
      if (isWithin(atom, around)) return true;
      for (const room of taken) if (isWithin(atom, room.left)) return true;
      const found = rooms.find(
        (room) => room.count >= count && room.pace >= 1 / intervalMs && isWithin(atom, room.left),
      );
      if (found === undefined) return false;
      found.count -= count;
      found.pace -= 1 / intervalMs;
      taken.add(found);
      return true;
    });
  });
}
