import { counted } from '../../bundle/format/counted.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { ReviewError } from '../reviewError.ts';
import type { Finding, Plan } from './finding.ts';
import { tierOf } from './tiers.ts';

const removing: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend']);

/** Why a part of a plan must not be applied, and which part. */
export type Brake = { error: ReviewError; stops(finding: Finding): boolean };

/** What is wrong with taking these away, or null. */
function tooMany(going: readonly Finding[], { grants, apis, review }: Organisation): string | null {
  const share = review.thresholds.brake;
  const stops = (removed: number, all: number) => removed > share * all && (removed > 1 || share === 0);
  const sentence = (removed: number, all: number, what: string) =>
    `would take away ${removed} of ${counted(all, 'grant')} ${what}, more than ${Math.round(share * 100)} % (thresholds.brake in grants/review.yaml)`;
  if (stops(going.length, grants.length)) return sentence(going.length, grants.length, 'in all');
  for (const api of apis.keys()) {
    const removed = going.filter((finding) => finding.api === api).length;
    const held = grants.filter((grant) => grant.api === api).length;
    if (stops(removed, held)) return sentence(removed, held, `of the API ${api}`);
  }
  return null;
}

/**
 * Tells what of a plan must not be applied, or null: it would take away (delete, revoke or suspend) more than the share
 * `thresholds.brake` of all grants, or of one API's. So much at once is rather a mistake in the evidence than in the
 * grants. One grant alone may always go, else an API with three grants could never be reviewed; with a share of 0
 * none may. What takes nothing from anybody does not count and is not stopped. People who have left are judged apart:
 * a doubt about the usage records holds up no leaver, yet a directory that calls everybody gone stops everything.
 */
export function brake(plan: Pick<Plan, 'findings' | 'as_of'>, organisation: Organisation): Brake | null {
  const asOf = Date.parse(plan.as_of) / 1000;
  const ended = new Set(
    organisation.grants
      .filter(({ expiresAt }) => expiresAt !== null && expiresAt <= asOf)
      .map(({ id }) => id),
  );
  const going = plan.findings.filter(({ action, grant }) => removing.has(action) && !ended.has(grant));
  const left = tooMany(
    going.filter((finding) => tierOf(finding) === 'urgent'),
    organisation,
  );
  if (left !== null)
    return {
      error: new ReviewError('brake', `the plan ${left}, for accounts that are gone: nothing is applied`),
      stops: (finding) => tierOf(finding) !== 'tidying',
    };
  const routine = tooMany(
    going.filter((finding) => tierOf(finding) !== 'urgent' && tierOf(finding) !== 'tidying'),
    organisation,
  );
  if (routine === null) return null;
  return {
    error: new ReviewError('brake', `the plan ${routine}: only what is urgent or tidies up is applied`),
    stops: (finding) => tierOf(finding) !== 'urgent' && tierOf(finding) !== 'tidying',
  };
}
