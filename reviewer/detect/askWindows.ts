import { ReviewError } from '../reviewError.ts';
import type { GrantFacts } from './factsOf.ts';
import type { Judge } from './judge.ts';

export type Windows = Readonly<Record<string, number>>;
/** What is the same for all grants of a review. */
type Common = { as_of: number; thresholds: unknown; observed?: object };

/**
 * Of a grant's facts those that windows follow from, written alike for all grants that look at the same ones: whether it
 * has ended and whether it is kept tell as much as when.
 */
function windowFacts({ as_of }: Common, facts: Omit<GrantFacts, 'id' | 'covers'>) {
  const { tier, state, active_since, granted_at, expires_at, cadence, changed_since_review, review } = facts;
  return {
    ...{ tier, state, active_since, granted_at, changed_since_review },
    ...(expires_at !== undefined && expires_at <= as_of && { expires_at: as_of }),
    ...(cadence !== undefined && { cadence }),
    ...(review?.until !== undefined && as_of < review.until && { review: { until: as_of + 1 } }),
  };
}

/**
 * Asks which windows a grant is to be looked at in, by what they follow from: once for all grants of which that is the
 * same. Throws ReviewError `policy-undefined`, which names the grant.
 */
export function createAskWindows(judge: Judge, common: Common) {
  const known = new Map<string, Windows>();
  return (grant: GrantFacts, own: readonly object[] = []): Windows => {
    const facts = windowFacts(common, grant);
    const key = JSON.stringify([facts, own]);
    let windows = known.get(key);
    if (windows === undefined) {
      windows = judge(grant.id, { ...common, grant: facts, ...(own.length > 0 && { own }) }).windows;
      known.set(key, windows);
    }
    return windows;
  };
}

/**
 * Findings count where the usage of all windows that they look at was looked up. Throws ReviewError `policy-undefined`
 * for a window that was not.
 */
export function assertLookedUp(grant: string, asked: Windows, answered: Windows): void {
  for (const [detector, from] of Object.entries(answered))
    if (asked[detector] !== from)
      throw new ReviewError(
        'policy-undefined',
        `the policies look at another window for ${detector} of the grant ${grant} than they named first`,
      );
}
