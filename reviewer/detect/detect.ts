import { z } from 'zod';
import { endOf, startOf } from '../../bundle/grants/dates.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { type Detector, detector } from '../../bundle/grants/schema.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { DayOfUse } from '../evidence/usage.ts';
import { type UsageFacts, usageFacts } from '../evidence/usageFacts.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';

export type Severity = 'low' | 'medium' | 'high' | 'critical';
export type Action = 'delete' | 'revoke' | 'suspend' | 'narrow' | 'renew' | 'reassign' | 'recertify';

/** One detector's word on a grant, with what was seen in its window (null when it needs no usage). */
export type Verdict = { grant: Grant; detector: Detector; usage: UsageFacts | null } & (
  | { verdict: 'report'; action: Action; severity: Severity; also: readonly Detector[] }
  | { verdict: 'exempt'; until: number; reason: string }
  | { verdict: 'not-evaluable'; coverage: number }
);

const entrypoint = 'grantgate/review/judgement';
const findings = z.array(
  z.discriminatedUnion('verdict', [
    z.object({
      detector,
      verdict: z.literal('report'),
      action: z.enum(['delete', 'revoke', 'suspend', 'narrow', 'renew', 'reassign', 'recertify']),
      severity: z.enum(['low', 'medium', 'high', 'critical']),
      also: z.array(detector),
    }),
    z.object({ detector, verdict: z.literal('exempt'), until: z.number(), reason: z.string() }),
    z.object({ detector, verdict: z.literal('not-evaluable'), coverage: z.number() }),
  ]),
);

const judgement = z.object({ windows: z.partialRecord(detector, z.number()), findings });

/** The principal's account, where it has one and a directory knows it. */
export function accountStatus(principal: string, organisation: Organisation): string | null {
  const name = principal.slice(principal.indexOf(':') + 1);
  if (principal.startsWith('user:')) return organisation.people.get(name)?.status ?? null;
  if (principal.startsWith('service:')) return organisation.services.get(name)?.state ?? null;
  return null;
}

/** What the policy is asked about a grant, before the usage of its windows is added. */
function factsOf(grant: Grant, { asOf, organisation, history }: Evidence) {
  const known = history.get(grant.id);
  const status = accountStatus(grant.principal, organisation);
  const { review } = grant;
  return {
    as_of: asOf,
    thresholds: organisation.review.thresholds,
    grant: {
      id: grant.id,
      api: grant.api,
      principal: grant.principal,
      tier: organisation.apis.get(grant.api)?.tier,
      state: grant.state,
      covers: grant.covers,
      granted_at: grant.grantedAt,
      ...(grant.expiresAt !== null && { expires_at: grant.expiresAt }),
      ...(grant.cadence && { cadence: grant.cadence }),
      ...(known?.suspendedAt != null && { suspended_at: known.suspendedAt }),
      ...(known?.changedAt != null && { changed_at: known.changedAt }),
      ...(review?.until && { review: { at: startOf(review.at), until: endOf(review.until) } }),
    },
    ...(status !== null && { account: { status } }),
    exemptions: organisation.review.exemptions
      .filter((exemption) => exemption.grant === grant.id)
      .map(({ detector, until, reason }) => ({ detector, until: endOf(until), reason })),
  };
}

const usageInput = (facts: UsageFacts) => ({
  coverage: facts.coverage,
  allows: facts.allows,
  days_used: facts.daysUsed,
  operations: facts.operations,
  ...(facts.lastUsedAt !== null && { last_used_at: facts.lastUsedAt }),
});

/**
 * Asks the review policies about every grant: first which windows they look at, then, with the usage of those windows,
 * what they find. Sorted by grant, then detector. Throws BundleError (the policies do not compile), ReviewError
 * `policy-undefined`, `aborted`.
 */
export async function detect(evidence: Evidence, opa: Opa, signal?: AbortSignal): Promise<Verdict[]> {
  const { tree, organisation, usage, coverage, asOf } = evidence;
  const wasm = await compilePolicy(opa, await readPolicies(tree, 'review'), entrypoint);
  const evaluator = createEvaluator(await WebAssembly.compile(new Uint8Array(wasm)), entrypoint);
  const judge = (grant: Grant, facts: unknown) => {
    const result = judgement.safeParse(evaluator.evaluate(facts, {}));
    if (result.success) return result.data;
    throw new ReviewError(
      'policy-undefined',
      `${entrypoint} gives no usable answer for the grant ${grant.id}: ${z.prettifyError(result.error)}`,
    );
  };

  const uses = new Map<string, DayOfUse[]>();
  for (const use of usage.uses) {
    const known = uses.get(use.grant);
    if (known) known.push(use);
    else uses.set(use.grant, [use]);
  }
  const verdicts: Verdict[] = [];
  for (const grant of [...organisation.grants].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    stopIfAborted(signal);
    const facts = factsOf(grant, evidence);
    const seen = new Map<string, UsageFacts>();
    for (const [name, from] of Object.entries(judge(grant, facts).windows))
      seen.set(name, usageFacts(uses.get(grant.id) ?? [], { from, to: asOf }, coverage));
    const input = {
      ...facts,
      usage: Object.fromEntries([...seen].map(([name, found]) => [name, usageInput(found)])),
    };
    for (const finding of judge(grant, input).findings)
      verdicts.push({ grant, usage: seen.get(finding.detector) ?? null, ...finding });
  }
  return verdicts;
}
