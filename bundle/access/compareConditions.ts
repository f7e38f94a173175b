import { isRoomFor, isSame, type Ways, waysOf } from './allowances.ts';
import type { Conditions, ConditionsChange } from './conditions.ts';
import { termOf } from './terms.ts';

/** Compares the ways in which something may be done before and after; null when they come to the same. */
export function compareWays(before: Ways, after: Ways): ConditionsChange | null {
  if (isSame(before, after)) return null;
  const [kept, grown] = [isRoomFor(before, after), !isRoomFor(after, before)];
  if (kept !== grown) return 'altered';
  const [was, is] = [endless(before), endless(after)];
  if (isRoomFor(was, is) && isRoomFor(is, was)) return grown ? 'extended' : 'shortened';
  return grown ? 'loosened' : 'tightened';
}

/** The same without an end. */
const endless = ({ free, rated }: Ways): Ways =>
  waysOf(
    [...free, ...rated.map(({ term }) => term)].map(({ id, conditions }) =>
      termOf(id, { ...conditions, expires: null }),
    ),
  );

/** Compares the conditions under which something may be done before and after; null when they come to the same. */
export const compareConditions = (
  before: readonly Conditions[],
  after: readonly Conditions[],
): ConditionsChange | null => compareWays(waysBy(before), waysBy(after));

/** Whether all that changed is which values path parameters may have: then there is more access, or less, to the same. */
export const isOfValues = (before: readonly Conditions[], after: readonly Conditions[]): boolean =>
  compareConditions(before, after) !== null &&
  compareConditions(before.map(ofAnyValue), after.map(ofAnyValue)) === null;

/** Whether all that changed is how often it may be done. */
export const isOfRates = (before: readonly Conditions[], after: readonly Conditions[]): boolean =>
  compareConditions(before.map(ofAnyRate), after.map(ofAnyRate)) === null;

const ofAnyRate = ({ rate: _, together: __, ...conditions }: Conditions): Conditions => conditions;

const ofAnyValue = ({ params: _, ...conditions }: Conditions): Conditions => conditions;

const waysBy = (all: readonly Conditions[]): Ways => waysOf(all.map((one) => termOf('', one)));

/** The conditions in force: of ways without a rate the wider ones, and every rate that bounds somebody. */
export const conditionsIn = ({ free, rated }: Ways): Conditions[] => [
  ...free.map(({ conditions }) => conditions),
  ...rated.map(({ term }) => term.conditions),
];
