import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { listed } from '../../bundle/format/counted.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';
import { brake } from '../plan/brake.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { answererOf } from '../plan/newOwner.ts';
import { ReviewError } from '../reviewError.ts';
import type { Frozen, FrozenEntry } from './frozen.ts';
import { inScope, type Scope } from './scope.ts';

/** What a grant gives, to whom, until when and why: all that an answer to it rests on. */
export const digestOf = (grant: Grant): string =>
  sha256(
    canonicalJson([
      ...[grant.principal, grant.api, [...grant.covers], grant.reason, grant.owner, grant.expiresAt],
      ...[grant.state, grant.cadence ?? null, grant.conditions ?? null, grant.limits ?? null],
      ...(grant.params === undefined ? [] : [grant.params]),
    ]),
  ).slice(0, 16);

/** The strongest word on a grant comes first. */
const strength: readonly Finding['action'][] = [
  'delete',
  'revoke',
  'suspend',
  'narrow',
  'reassign',
  'recertify',
  'renew',
  'tighten',
];

type Asked = {
  name: string;
  scope: { text: string; scope: Scope } | null;
  due: string;
  /** As the files have them, whatever days they name. */
  written: ReadonlyMap<string, Grant>;
};

/**
 * Freezes population and evidence: each grant in scope with what the review found of it. Throws ReviewError
 * `campaign-empty`, and `brake` where more would go than one run may take away.
 */
export async function freeze(
  { evidence, plan }: { evidence: Evidence; plan: Plan },
  { name, scope, due, written }: Asked,
): Promise<Frozen> {
  const { organisation, usage, coverage, from, asOf, tree } = evidence;
  const grants = organisation.grants
    .filter((grant) => scope === null || inScope(scope.scope, grant, organisation))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (grants.length === 0)
    throw new ReviewError('campaign-empty', `no grant is in the scope ${scope?.text ?? 'of all grants'}`);
  const ids = new Set(grants.map(({ id }) => id));
  const found = plan.findings.filter(({ grant }) => ids.has(grant));
  const stopped = brake({ as_of: plan.as_of, findings: found }, organisation);
  if (stopped !== null) throw stopped.error;
  const strongest = new Map<string, Finding>();
  for (const finding of found.toSorted((a, b) => strength.indexOf(a.action) - strength.indexOf(b.action)))
    if (!strongest.has(finding.grant)) strongest.set(finding.grant, finding);
  const used = await usage.windows(grants.map(({ id }) => ({ grant: id, from })));
  const { coverage: least } = organisation.review.thresholds;
  const entries = grants.map((grant, index): FrozenEntry => {
    const since = Math.max(from, grant.grantedAt);
    // A short record shows too little to speak of.
    const isSeen = since < asOf && coverage.share(since, asOf) >= least;
    const last = used[index]?.lastUsedAt;
    const finding = strongest.get(grant.id);
    const reviewed = written.get(grant.id)?.review?.at;
    return {
      ...{ grant: grant.id, principal: grant.principal, api: grant.api },
      tier: organisation.apis.get(grant.api)?.tier ?? 'critical',
      owner: finding?.owner ?? answererOf(grant, evidence),
      digest: digestOf(grant),
      ...(reviewed !== undefined && startOf(reviewed) >= asOf && { ahead: reviewed }),
      covers: grant.covers.length,
      gives: grant.role ?? listed(grant.covers),
      ...(grant.state === 'suspended' && { suspended: true as const }),
      action: finding?.action ?? 'recertify',
      ...(finding !== undefined
        ? { detector: finding.detector, why: finding.sentence }
        : grant.cadence !== undefined && grant.cadence !== 'daily' && { why: rarely(grant.cadence) }),
      ...(finding?.to !== undefined && {
        to: 'role' in finding.to ? finding.to : { operations: [...finding.to.operations] },
      }),
      ...(finding?.set !== undefined && 'owner' in finding.set && { heir: finding.set.owner }),
      ...(isSeen && {
        use: {
          allows: used[index]?.allows ?? 0,
          days: used[index]?.daysUsed ?? 0,
          ...(last !== undefined && { last: instantOf(last) }),
        },
      }),
    };
  });
  return {
    ...{ version: 1, name, scope: scope?.text ?? null, opened: instantOf(asOf), due },
    commit: tree.revision ?? '',
    population: { grants: entries.length, digest: populationDigest(entries) },
    evidence: {
      ...{ from: plan.evidence.from, records: plan.evidence.records, instances: plan.evidence.instances },
      coverage: plan.evidence.coverage,
      digest: `sha256:${sha256(canonicalJson(entries.map(({ digest: _, ...seen }) => seen)))}`,
    },
    entries,
  };
}

/** Why silence says little of a grant of which nothing was found. */
const rarely = (cadence: NonNullable<Grant['cadence']>) =>
  cadence === 'break-glass' ? 'For emergencies alone, says the grant' : `Used ${cadence}, says the grant`;

/** Names the very grants, and what each gave. */
export const populationDigest = (entries: readonly Pick<FrozenEntry, 'grant' | 'digest'>[]): string =>
  `sha256:${sha256(canonicalJson(entries.map(({ grant, digest }) => [grant, digest])))}`;
