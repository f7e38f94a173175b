import { isActive } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { soleHolders } from '../../bundle/access/soleHolder.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';

/** A grant that is one person's alone and is answered for anew: whose access it is, and who else may answer for it. */
export type OwnReview = { grant: Grant; holder: string; answers: string };

/**
 * Grants of base whose `review` is written anew, or which are prolonged, and which are one person's own by the directory of
 * base: that person's word on them is none, whoever merges it.
 */
export function ownReviews({ base, head }: { base: Organisation; head: Organisation }): OwnReview[] {
  const was = new Map(base.grants.map((grant) => [grant.id, grant]));
  return head.grants.flatMap((grant) => {
    const before = was.get(grant.id);
    if (before === undefined || !isAnsweredAnew(before, grant)) return [];
    const [holder] = soleHolders([before.principal], base);
    if (holder === undefined || !holder.startsWith('user:')) return [];
    const isSomebodyElse = (owner: string) =>
      peopleBehind(owner, base).some((one) => one !== holder && isActive(one, base));
    const api = base.apis.get(before.api)?.owner ?? '';
    return [{ grant, holder, answers: [before.owner, api].find(isSomebodyElse) ?? api }];
  });
}

const endOf = ({ expiresAt }: Grant) => expiresAt ?? Number.POSITIVE_INFINITY;
const isAnsweredAnew = (was: Grant, is: Grant): boolean =>
  endOf(is) > endOf(was) ||
  (is.review !== undefined && canonicalJson(is.review) !== canonicalJson(was.review ?? null));
