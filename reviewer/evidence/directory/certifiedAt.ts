import { startOf } from '../../../bundle/grants/dates.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';

/** When somebody last answered for a grant, by giving it or by a review, in seconds since 1970. */
export const certifiedAt = ({ review, grantedAt }: Grant): number =>
  review === undefined ? grantedAt : Math.max(grantedAt, startOf(review.at));
