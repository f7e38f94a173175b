import { paramsLine } from '../../bundle/access/grantLine.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { certifiedAt } from '../evidence/directory/certifiedAt.ts';
import type { Evidence } from '../evidence/gather.ts';
import { accountFacts, ownerFacts } from './accountFacts.ts';
import type { Duty } from './duties.ts';
import { groupFacts } from './groupFacts.ts';

/** What the policies are told of a grant itself. */
export function grantFacts(grant: Grant, { organisation, history }: Evidence) {
  const known = history.of(grant.id);
  return {
    id: grant.id,
    api: grant.api,
    principal: grant.principal,
    owner: grant.owner,
    tier: organisation.apis.get(grant.api)?.tier,
    state: grant.state,
    covers: grant.covers,
    granted_at: grant.grantedAt,
    active_since: Math.max(
      grant.grantedAt,
      known?.grownAt ?? 0,
      history.directories.reachedSince(grant.principal) ?? 0,
    ),
    ...(grant.expiresAt !== null && { expires_at: grant.expiresAt }),
    ...(grant.cadence && { cadence: grant.cadence }),
    ...(grant.conditions && { conditions: grant.conditions }),
    ...(grant.params && { params: paramsLine(grant.params) }),
    ...(grant.limits?.rate !== undefined && { rate: grant.limits.rate }),
    ...(grant.state === 'suspended' && known?.suspendedAt != null && { suspended_at: known.suspendedAt }),
    changed_since_review: known?.changedSinceReview ?? false,
    ...(grant.review && {
      review: {
        at: certifiedAt(grant),
        ...(grant.review.until !== undefined && { until: endOf(grant.review.until) }),
      },
    }),
  };
}

/** What the policies are told of a grant, before the usage of its windows is added. */
export function factsOf(
  grant: Grant,
  evidence: Evidence,
  { duties, exemptions }: { duties: readonly Duty[]; exemptions: readonly Exempted[] },
) {
  const { asOf, organisation } = evidence;
  return {
    as_of: asOf,
    thresholds: organisation.review.thresholds,
    grant: grantFacts(grant, evidence),
    account: accountFacts(grant, evidence),
    owner: ownerFacts(grant, evidence),
    ...(grant.principal.startsWith('group:') && { group: groupFacts(grant, evidence) }),
    duties,
    exemptions,
  };
}

export type Facts = ReturnType<typeof factsOf>;
export type GrantFacts = ReturnType<typeof grantFacts>;

export type Exempted = { detector: string; until: number; reason: string };

/** By grant: there may be as many exemptions as grants. */
export function exemptionsOf({
  exemptions,
}: Organisation['review']): ReadonlyMap<string, readonly Exempted[]> {
  const found = new Map<string, Exempted[]>();
  for (const { grant, detector, until, reason } of exemptions) {
    const of = found.get(grant) ?? [];
    found.set(grant, of);
    of.push({ detector, until: endOf(until), reason });
  }
  return found;
}
