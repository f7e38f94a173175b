import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Detector } from '../../bundle/grants/schema.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { type Duty, dutiesOf } from './duties.ts';
import { factsOf } from './factsOf.ts';
import { type Action, createJudge, type Judgement, type Severity } from './judge.ts';
import { type SeenIn, usageIn } from './usage.ts';

/** One detector's word on a grant, with what was seen in its window (null when it needs no usage). */
export type Verdict = {
  grant: Grant;
  detector: Detector;
  usage: UsageFacts | null;
  /** Everything the policies were told. */
  facts: unknown;
  duties: readonly Duty[];
} & (
  | { verdict: 'report'; action: Action; severity: Severity; also: readonly Detector[] }
  | { verdict: 'exempt'; until: number; reason: string }
  | { verdict: 'not-evaluable'; coverage: number }
);

/** A grant that the policies could not judge: they contradict themselves about it. */
export type Fault = { grant: string; message: string };

const usageInput = (
  { facts, companions }: SeenIn,
  others: ReadonlyMap<string, Grant>,
  going: ReadonlySet<string>,
) => ({
  coverage: facts.coverage,
  allows: facts.allows,
  days_used: facts.daysUsed,
  operations: facts.operations,
  ...(facts.lastUsedAt !== null && { last_used_at: facts.lastUsedAt }),
  companions: companions.flatMap((id) => {
    const other = others.get(id);
    if (other === undefined) return [];
    const { state, expiresAt, conditions } = other;
    return [
      {
        id,
        state,
        ...(expiresAt !== null && { expires_at: expiresAt }),
        ...(conditions && { conditions }),
        going: going.has(id),
      },
    ];
  }),
});

const leaving: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend', 'narrow']);

const latestFirst = (a: Grant, b: Grant) => b.grantedAt - a.grantedAt || (a.id < b.id ? 1 : -1);

/**
 * Asks the review policies about every grant: first which windows they look at, then, with the usage of those windows,
 * what they find. A grant that others could stand in for is asked about last, the latest first, so that of two that
 * cover each other one stays. Verdicts are sorted by grant, then detector. Throws BundleError (the policies do not
 * compile), ReviewError `policy-undefined` (they judge none), `aborted`.
 */
export async function detect(
  evidence: Evidence,
  opa: Opa,
  signal?: AbortSignal,
): Promise<{ verdicts: Verdict[]; faults: Fault[] }> {
  const { tree, organisation, asOf } = evidence;
  const judge = await createJudge(opa, await readPolicies(tree, 'review'));
  const duties = dutiesOf(organisation, asOf);
  const grants = [...organisation.grants].sort((a, b) => (a.id < b.id ? -1 : 1));
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  const faults: Fault[] = [];
  const asked = (grant: Grant, facts: unknown): Judgement => {
    stopIfAborted(signal);
    try {
      return judge(grant.id, facts);
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      if (!faults.some((fault) => fault.grant === grant.id))
        faults.push({ grant: grant.id, message: error.message });
      return { windows: {}, findings: [] };
    }
  };

  const factsFor = (grant: Grant) => factsOf(grant, evidence, duties.get(grant.id) ?? []);
  const windows = grants.map((grant) => ({ grant, windows: asked(grant, factsFor(grant)).windows }));
  const seen = await usageIn(windows, evidence);
  const verdicts: Verdict[] = [];
  const going = new Set<string>();
  const judgeOne = (grant: Grant, at: number) => {
    const used = seen[at] ?? new Map<string, SeenIn>();
    const usage = Object.fromEntries(
      [...used].map(([name, found]) => [name, usageInput(found, byId, going)]),
    );
    const facts = { ...factsFor(grant), usage };
    for (const finding of asked(grant, facts).findings) {
      const held = used.get(finding.detector)?.facts ?? null;
      verdicts.push({ grant, usage: held, facts, duties: duties.get(grant.id) ?? [], ...finding });
      if (finding.verdict === 'report' && leaving.has(finding.action)) going.add(grant.id);
    }
  };
  const spare: { grant: Grant; at: number }[] = [];
  for (const [at, grant] of grants.entries()) {
    if ((seen[at]?.get('redundant')?.companions.length ?? 0) > 0) spare.push({ grant, at });
    else judgeOne(grant, at);
  }
  // Whatever else takes one of them away is known before any is called redundant beside it.
  for (const { grant, at } of spare) {
    const used = new Map([...(seen[at] ?? [])].filter(([name]) => name !== 'redundant'));
    const usage = Object.fromEntries(
      [...used].map(([name, found]) => [name, usageInput(found, byId, going)]),
    );
    const { findings } = asked(grant, { ...factsFor(grant), usage });
    if (findings.some((finding) => finding.verdict === 'report' && leaving.has(finding.action)))
      going.add(grant.id);
  }
  for (const { grant, at } of spare.sort((a, b) => latestFirst(a.grant, b.grant))) judgeOne(grant, at);

  const [first] = faults;
  if (first !== undefined && faults.length >= grants.length)
    throw new ReviewError('policy-undefined', first.message);
  verdicts.sort((a, b) => order(a.grant.id, b.grant.id) || order(a.detector, b.detector));
  return { verdicts, faults };
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
