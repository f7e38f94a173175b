import type { Problem } from '../../bundle/bundleError.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { problem, show } from '../../bundle/yaml/problem.ts';

/** Days begin at different times on earth. */
const leewaySeconds = 86_400;

type Granted = Pick<Organisation, 'grants'>;

/**
 * Grants that came, or were dated anew, with a day that is ahead at `asOf`, seconds since 1970. Gateways do not wait for
 * it: merged today, such a grant opens today what its author meant for later.
 */
export function datedAhead(base: Granted | null, head: Granted | null, asOf: number): Problem[] {
  const known = new Map(base?.grants.map((grant) => [grant.id, grant.grantedAt]));
  return (head?.grants ?? [])
    .filter(({ id, grantedAt }) => grantedAt > asOf + leewaySeconds && known.get(id) !== grantedAt)
    .map(({ id, granted, place }) =>
      problem(
        place,
        'granted-ahead',
        `"granted" of ${show(id)} is ahead, ${granted}, and a grant holds as soon as it is merged: merge it then, or write when it is merged`,
      ),
    );
}
