import type { Problem } from '../../bundle/bundleError.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { problem, show } from '../../bundle/yaml/problem.ts';

/** Days begin at different times on earth. */
const leewaySeconds = 86_400;

type Granted = Pick<Organisation, 'grants'>;

/**
 * Grants that came, were dated anew, or were answered for anew, with a day that is ahead at `asOf`, seconds since 1970.
 * Gateways do not wait for it: merged today, such a grant opens today what its author meant for later. Nor has anybody
 * answered yet for what is to be answered for then.
 */
export function datedAhead(base: Granted | null, head: Granted | null, asOf: number): Problem[] {
  const known = new Map(base?.grants.map((grant) => [grant.id, grant]));
  const isAhead = (at: number, before: number | undefined) => at > asOf + leewaySeconds && at !== before;
  return (head?.grants ?? []).flatMap((grant) => {
    const { id, granted, grantedAt, review, place } = grant;
    const before = known.get(id);
    return [
      ...(isAhead(grantedAt, before?.grantedAt)
        ? [
            problem(
              place,
              'granted-ahead',
              `"granted" of ${show(id)} is ahead, ${granted}, and a grant holds as soon as it is merged: merge it then, or write when it is merged`,
            ),
          ]
        : []),
      ...(review !== undefined && isAhead(startOf(review.at), before && reviewedAt(before))
        ? [
            problem(
              place,
              'reviewed-ahead',
              `"review" of ${show(id)} is dated ahead, ${review.at}, expected when it was decided`,
            ),
          ]
        : []),
    ];
  });
}

const reviewedAt = ({ review }: Grant) => (review === undefined ? undefined : startOf(review.at));
