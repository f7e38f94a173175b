import { paramsLine } from '../../bundle/access/grantLine.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { certifiedAt } from '../evidence/directoryHistory.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Duty } from './duties.ts';
import { groupFacts } from './groups.ts';
import { accountFacts, ownerFacts } from './people.ts';

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
export function factsOf(grant: Grant, evidence: Evidence, duties: readonly Duty[]) {
  const { asOf, organisation } = evidence;
  return {
    as_of: asOf,
    thresholds: organisation.review.thresholds,
    grant: grantFacts(grant, evidence),
    account: accountFacts(grant, evidence),
    owner: ownerFacts(grant, evidence),
    ...(grant.principal.startsWith('group:') && { group: groupFacts(grant, evidence) }),
    duties,
    exemptions: exemptionsOf(grant.id, organisation),
  };
}

export type Facts = ReturnType<typeof factsOf>;
export type GrantFacts = ReturnType<typeof grantFacts>;

type Exempted = { detector: string; until: number; reason: string };
const sorted = new WeakMap<Organisation, ReadonlyMap<string, readonly Exempted[]>>();

/** Sorted by grant once: there may be as many exemptions as grants. */
function exemptionsOf(id: string, organisation: Organisation): readonly Exempted[] {
  let byGrant = sorted.get(organisation);
  if (byGrant === undefined) {
    const found = new Map<string, Exempted[]>();
    for (const { grant, detector, until, reason } of organisation.review.exemptions) {
      const of = found.get(grant) ?? [];
      found.set(grant, of);
      of.push({ detector, until: endOf(until), reason });
    }
    byGrant = found;
    sorted.set(organisation, byGrant);
  }
  return byGrant.get(id) ?? [];
}
