import { compareCodePoints } from '../format/canonicalJson.ts';
import { type Allowance, differing, isSameOrder, type Ways } from './allowances.ts';
import type { Conditions, ConditionsChange } from './conditions.ts';

/** How some operations may be done before and after, each by itself the same. */
type ComparedWays = ReadonlyMap<string, { was: Ways; is: Ways }>;

/** What became of one operation by what its rates count together with it. */
export type ShareChange = {
  kind: ConditionsChange;
  conditions: { before: readonly Conditions[]; after: readonly Conditions[] };
};

/** An allowance with all that draws on it. */
type Share = Allowance & { together: readonly string[]; drawn: ReadonlySet<string> };

/**
 * Finds operations whose rates are those that they were, and count other operations with them than they did: where one
 * grant of 10/min gave two operations and now there are two grants, twice as many requests pass.
 */
export function compareShares(compared: ComparedWays): Map<string, ShareChange> {
  const found = new Map<string, ShareChange>();
  const [before, after] = [sharesIn(compared, 'was'), sharesIn(compared, 'is')];
  for (const [operation, { was, is }] of compared) {
    const [old, now] = [was.rated.map(before), is.rated.map(after)];
    if (isSameOrder(old, now)) continue;
    const [less, more] = [
      isAlone(differing(now, old), differing(old, now)),
      isAlone(differing(old, now), differing(now, old)),
    ];
    found.set(operation, {
      kind: less === more ? 'altered' : less ? 'loosened' : 'tightened',
      conditions: { before: conditionsOf(was, old), after: conditionsOf(is, now) },
    });
  }
  return found;
}

/** Whether each of them is drawn on by no more than one of the others is. */
const isAlone = (some: readonly Share[], others: readonly Share[]): boolean =>
  some.every(({ drawn }) => others.some((other) => drawn.isSubsetOf(other.drawn)));

function sharesIn(compared: ComparedWays, side: 'was' | 'is'): (one: Allowance) => Share {
  const drawn = new Map<string, { by: Set<string>; operations: Set<string>; text: string | null }>();
  for (const [operation, ways] of compared)
    for (const { term, key } of ways[side].rated) {
      const known = drawn.get(term.id) ?? { by: new Set(), operations: new Set(), text: null };
      drawn.set(term.id, known);
      known.by.add(`${operation} ${key}`);
      known.operations.add(operation);
    }
  return (one) => {
    const known = drawn.get(one.term.id);
    const by = known?.by ?? new Set<string>();
    if (known !== undefined) known.text ??= [...by].sort().join('\n');
    return {
      ...one,
      key: `${one.key}\n${known?.text ?? ''}`,
      drawn: by,
      together: [...(known?.operations ?? [])].sort(compareCodePoints),
    };
  };
}

const conditionsOf = ({ free }: Ways, shares: readonly Share[]): Conditions[] => [
  ...free.map(({ conditions }) => conditions),
  ...shares.map(({ term: { conditions }, together }) => ({
    ...conditions,
    ...(together.length > 1 && { together }),
  })),
];
