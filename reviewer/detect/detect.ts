import type { DetectorName } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { assertLookedUp, createAskWindows, type Windows } from './askWindows.ts';
import { type Duty, dutiesOf } from './duties.ts';
import { grantFacts } from './factsOf.ts';
import { createFaults, type Fault } from './faults.ts';
import { type Action, compileJudge, type Judgement, type Severity } from './judge.ts';
import { judgeAll } from './judgeAll.ts';
import { type JudgePool, openJudgePool } from './judgePool.ts';
import { lookUpUsage, type SeenIn, type UsageQuestion } from './lookUpUsage.ts';
import type { Observe, Observed } from './observed.ts';
import { type OwnWord, openOwnDetectors } from './ownDetectors.ts';
import { createTellFacts, type Told } from './tellFacts.ts';
import { usageInput } from './usageInput.ts';

/** One detector's word on a grant, with what was seen in its window (null when it needs no usage). */
export type Verdict = {
  grant: Grant;
  detector: DetectorName;
  usage: UsageFacts | null;
  /** The same, or what other detectors' windows show of its use: evidence for people, by which nothing is judged. */
  seen: UsageFacts | null;
  /** Of a redundant one: the grants that justified each use too. */
  companions?: readonly string[];
  /** Everything the policies were told. */
  facts: unknown;
  duties: readonly Duty[];
  /** In its own words, where it is a detector of the repository's own. */
  own?: OwnWord;
  /** Where recommendations were asked for and it was used. */
  observed?: Observed;
} & (
  | { verdict: 'report'; action: Action; severity: Severity; also: readonly DetectorName[] }
  | { verdict: 'exempt'; until: number; reason: string }
  | { verdict: 'not-evaluable'; coverage: number }
);

const leaving: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend', 'narrow']);

const latestFirst = (a: Grant, b: Grant) => b.grantedAt - a.grantedAt || (a.id < b.id ? 1 : -1);

/**
 * Asks the review policies about every grant: first which windows they look at, then, with the usage of those windows,
 * what they find; the repository's own detectors before ours, which weigh what they say. A grant that others could stand
 * in for is asked about last, the latest first, so that of two that cover each other one stays. Verdicts are sorted by
 * grant, then detector. Throws BundleError (the policies do not compile), ReviewError `policy-undefined` (they judge
 * none), `aborted`.
 */
export async function detect(
  evidence: Evidence,
  opa: Opa,
  { signal, observe }: { signal?: AbortSignal | undefined; observe?: Observe } = {},
): Promise<{ verdicts: Verdict[]; faults: readonly Fault[] }> {
  const pool = openJudgePool(
    await compileJudge(opa, await readPolicies(evidence.tree, 'review')),
    evidence.organisation.grants.length,
  );
  try {
    return await detectBy(pool, evidence, await openOwnDetectors(opa, evidence.tree), { signal, observe });
  } finally {
    await pool.close();
  }
}

async function detectBy(
  pool: JudgePool,
  evidence: Evidence,
  { judges, broken }: Awaited<ReturnType<typeof openOwnDetectors>>,
  { signal, observe }: { signal: AbortSignal | undefined; observe: Observe | undefined },
): Promise<{ verdicts: Verdict[]; faults: readonly Fault[] }> {
  const { organisation, asOf } = evidence;
  const grants = [...organisation.grants].sort((a, b) => (a.id < b.id ? -1 : 1));
  const duties = dutiesOf(organisation, asOf);
  const faults = createFaults(broken);
  const tellFacts = createTellFacts({ evidence, judges, duties, faults });
  const askWindows = createAskWindows(pool.judge, {
    as_of: asOf,
    thresholds: organisation.review.thresholds,
    ...(observe && { observed: {} }),
  });
  const windowsOf = (grant: Grant): Windows => {
    stopIfAborted(signal);
    try {
      const own = judges.length === 0 ? [] : tellFacts(grant, null).said.map(({ input }) => input);
      return askWindows(grantFacts(grant, evidence), own);
    } catch (error) {
      faults.note(grant.id, error);
      return {};
    }
  };
  const asked: readonly UsageQuestion[] = grants.map((grant) => ({ grant, windows: windowsOf(grant) }));
  const observed = (await observe?.(observable(asked))) ?? null;

  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  /** Of what another finding takes away nothing may be called redundant. */
  const going = new Set<string>();
  const verdicts: Verdict[] = [];
  const findingsOf = ({ grant, windows }: UsageQuestion, answer: Answer) => {
    try {
      if (answer instanceof ReviewError) throw answer;
      assertLookedUp(grant.id, windows, answer.windows);
      return answer.findings;
    } catch (error) {
      faults.note(grant.id, error);
      return [];
    }
  };
  const take = (one: Seen, told: Told, answer: Answer) => {
    const { grant } = one;
    for (const finding of findingsOf(one, answer)) {
      const more = { duties: duties.get(grant.id) ?? [], observed: observed?.get(grant.id) };
      verdicts.push(verdictOf(one, told, finding, more));
      if (isLeaving(finding)) going.add(grant.id);
    }
  };
  const judge = (many: readonly Seen[], usedOf: (one: Seen) => Iterable<[string, SeenIn]>, taken = take) =>
    judgeAll(many, {
      ...{ pool, signal, take: taken },
      tell(one) {
        const used = [...usedOf(one)].map(
          ([name, found]) => [name, usageInput(one.grant, found, { evidence, byId, going })] as const,
        );
        const seen = observed === null ? undefined : (observed.get(one.grant.id) ?? {});
        return tellFacts(one.grant, Object.fromEntries(used), seen);
      },
    });

  const spare: Seen[] = [];
  for await (const [some, used] of lookUpUsage(evidence, asked)) {
    stopIfAborted(signal);
    const seen = some.map((one, at): Seen => ({ ...one, used: used[at] ?? new Map() }));
    spare.push(...seen.filter(hasCompanions));
    await judge(
      seen.filter((one) => !hasCompanions(one)),
      ({ used }) => used,
    );
  }
  // Whatever else takes one of them away is known before any is called redundant beside it.
  await judge(
    spare,
    ({ used }) => [...used].filter(([name]) => name !== 'redundant'),
    (one, _, answer) => {
      if (findingsOf(one, answer).some(isLeaving)) going.add(one.grant.id);
    },
  );
  for (const one of spare.sort((a, b) => latestFirst(a.grant, b.grant)))
    await judge([one], ({ used }) => used);

  const whole = faults.all.filter(({ detector }) => detector === undefined);
  const [first] = whole;
  if (first !== undefined && whole.length >= grants.length)
    throw new ReviewError('policy-undefined', first.message);
  verdicts.sort((a, b) => order(a.grant.id, b.grant.id) || order(a.detector, b.detector));
  return { verdicts, faults: faults.all };
}

type Seen = UsageQuestion & { used: Map<string, SeenIn> };
type Answer = Judgement | ReviewError;
type Finding = Judgement['findings'][number];

const hasCompanions = ({ used }: Seen) => (used.get('redundant')?.companions.length ?? 0) > 0;

/** Grants of which a control may be recommended, and since when their use tells. */
const observable = (asked: readonly UsageQuestion[]) =>
  asked.flatMap(({ grant, windows: { 'rate-limit': from } }) =>
    from === undefined ? [] : [{ grant: grant.id, from }],
  );

function verdictOf(
  one: Seen,
  { said, facts }: Told,
  finding: Finding,
  { duties, observed }: { duties: readonly Duty[]; observed: Observed | undefined },
): Verdict {
  const held = one.used.get(finding.detector);
  const own = said.find(({ input }) => input.detector === finding.detector);
  return {
    ...{ grant: one.grant, usage: held?.facts ?? null, seen: held?.facts ?? besides(one) },
    ...(held && held.companions.length > 0 && { companions: held.companions }),
    ...{ duties, facts: own?.facts ?? facts },
    ...(own?.word && { own: own.word }),
    ...(observed && { observed }),
    ...finding,
  };
}

/** Long windows first; where the records say nothing of one, nothing is said. */
function besides({ used }: Seen): UsageFacts | null {
  const found = ['over-privileged', 'dormant', 'never-used'].map((name) => used.get(name)?.facts);
  return found.find((facts) => facts !== undefined && facts.coverage > 0) ?? null;
}

const isLeaving = (finding: Finding) => finding.verdict === 'report' && leaving.has(finding.action);

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
