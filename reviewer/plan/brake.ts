import type { Organisation } from '../../bundle/grants/organisation.ts';
import { ReviewError } from '../reviewError.ts';
import type { Plan } from './finding.ts';
import { counted } from './sentence.ts';

const removing: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend']);

/**
 * Tells why a plan must not be applied, or null: it would take away (delete, revoke or suspend) more than the share
 * `thresholds.brake` of all grants, or of one API's. So much at once is rather a mistake in the evidence than in the
 * grants. One grant alone may always go, else an API with three grants could never be reviewed; with a share of 0
 * none may.
 */
export function brake(plan: Plan, organisation: Organisation): ReviewError | null {
  const share = organisation.review.thresholds.brake;
  const going = plan.findings.filter(({ action }) => removing.has(action));
  const stops = (removed: number, all: number) => removed > share * all && (removed > 1 || share === 0);
  const said = (removed: number, all: number, what: string) =>
    `the plan would take away ${removed} of ${counted(all, 'grant')} ${what}, more than ${Math.round(share * 100)} % (thresholds.brake in grants/review.yaml): nothing is applied`;
  const all = organisation.grants.length;
  if (stops(going.length, all)) return new ReviewError('brake', said(going.length, all, 'in all'));
  for (const api of organisation.apis.keys()) {
    const removed = going.filter((finding) => finding.api === api).length;
    const held = organisation.grants.filter((grant) => grant.api === api).length;
    if (stops(removed, held)) return new ReviewError('brake', said(removed, held, `of the API ${api}`));
  }
  return null;
}
