import type { DetectorName } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { assertLookedUp, createAskWindows, type Windows } from './askWindows.ts';
import { type Duty, dutiesOf } from './duties.ts';
import { exemptionsOf, type Facts, factsOf, grantFacts } from './factsOf.ts';
import { type Action, compileJudge, type Judgement, type Severity } from './judge.ts';
import { type JudgePool, openJudgePool } from './judgePool.ts';
import { type Asked, lookUpUsage, type SeenIn } from './lookUpUsage.ts';
import type { Observe, Observed } from './observed.ts';
import { type OwnFacts, type OwnJudge, type OwnWord, openOwnDetectors } from './ownDetectors.ts';
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

/**
 * What could not be judged: one grant, of which the policies contradict themselves; what one detector would find, of
 * one grant or, without one, of all.
 */
export type Fault = { grant?: string; detector?: DetectorName; message: string };

const leaving: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend', 'narrow']);

const latestFirst = (a: Grant, b: Grant) => b.grantedAt - a.grantedAt || (a.id < b.id ? 1 : -1);

/** What a detector of the repository's own is said to have found, and how. */
type OwnSaid = {
  input: { detector: DetectorName; days?: number; action?: string; severity?: string };
  word: OwnWord | null;
  facts: OwnFacts;
};

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
): Promise<{ verdicts: Verdict[]; faults: Fault[] }> {
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
): Promise<{ verdicts: Verdict[]; faults: Fault[] }> {
  const { organisation, asOf } = evidence;
  const duties = dutiesOf(organisation, asOf);
  const exemptions = exemptionsOf(organisation.review);
  const grants = [...organisation.grants].sort((a, b) => (a.id < b.id ? -1 : 1));
  const byId = new Map(grants.map((grant) => [grant.id, grant]));
  const faults: Fault[] = [...broken];
  const unsound = new Set<string>();
  const noted = (grant: string, error: unknown, detector?: DetectorName) => {
    if (!(error instanceof ReviewError)) throw error;
    const key = `${grant} ${detector ?? ''}`;
    if (!unsound.has(key)) faults.push({ grant, ...(detector && { detector }), message: error.message });
    unsound.add(key);
  };
  const askedOwn = (one: OwnJudge, grant: Grant, facts: Facts, usage: UsageInput | null): OwnSaid[] => {
    try {
      const plain = one.factsOf(facts);
      const days = one.windowDays(grant, plain);
      const input = { detector: one.name, ...(days !== null && { days }) };
      const seen = usage?.[one.name];
      if (usage === null || (one.hasWindow && seen === undefined))
        return [{ input, word: null, facts: plain }];
      const told = one.factsOf(facts, seen);
      const word = one.find(grant, told);
      const { action, severity } = word ?? {};
      return [
        { input: { ...input, ...(action && { action }), ...(severity && { severity }) }, word, facts: told },
      ];
    } catch (error) {
      noted(grant.id, error, one.name);
      return [];
    }
  };
  let observed: ReadonlyMap<string, Observed> = new Map();
  /** The facts with what the repository's own detectors say of them; without usage, only how far back they look. */
  const factsFor = (grant: Grant, usage: UsageInput | null) => {
    const facts = factsOf(grant, evidence, {
      duties: duties.get(grant.id) ?? [],
      exemptions: exemptions.get(grant.id) ?? [],
    });
    const said = judges.flatMap((one) => askedOwn(one, grant, facts, usage));
    return {
      said,
      facts: {
        ...facts,
        ...(observe && { observed: observed.get(grant.id) ?? {} }),
        ...(said.length > 0 && { own: said.map(({ input }) => input) }),
        ...(usage !== null && { usage }),
      },
    };
  };
  const askWindows = createAskWindows(pool.judge, {
    as_of: asOf,
    thresholds: organisation.review.thresholds,
    ...(observe && { observed: {} }),
  });
  const windowsOf = (grant: Grant): Windows => {
    stopIfAborted(signal);
    try {
      const own = judges.length === 0 ? [] : factsFor(grant, null).said.map(({ input }) => input);
      return askWindows(grantFacts(grant, evidence), own);
    } catch (error) {
      noted(grant.id, error);
      return {};
    }
  };
  const asked: readonly Asked[] = grants.map((grant) => ({ grant, windows: windowsOf(grant) }));
  if (observe)
    observed = await observe(
      asked.flatMap(({ grant, windows: { 'rate-limit': from } }) =>
        from === undefined ? [] : [{ grant: grant.id, from }],
      ),
    );
  const verdicts: Verdict[] = [];
  const going = new Set<string>();
  const inputOf = (grant: Grant, used: Iterable<[string, SeenIn]>): UsageInput =>
    Object.fromEntries(
      [...used].map(([name, found]) => [name, usageInput(grant, found, { evidence, byId, going })]),
    );
  const findingsOf = ({ grant, windows }: Asked, answer: Judgement | ReviewError) => {
    try {
      if (answer instanceof ReviewError) throw answer;
      assertLookedUp(grant.id, windows, answer.windows);
      return answer.findings;
    } catch (error) {
      noted(grant.id, error);
      return [];
    }
  };
  const take = (one: Seen, { said, facts }: ReturnType<typeof factsFor>, answer: Judgement | ReviewError) => {
    const { grant } = one;
    for (const finding of findingsOf(one, answer)) {
      const held = one.used.get(finding.detector);
      const seenUses = observed.get(grant.id);
      const own = said.find(({ input }) => input.detector === finding.detector);
      verdicts.push({
        ...{ grant, usage: held?.facts ?? null, seen: held?.facts ?? besides(one) },
        ...(held && held.companions.length > 0 && { companions: held.companions }),
        ...{ duties: duties.get(grant.id) ?? [], facts: own?.facts ?? facts },
        ...(own?.word && { own: own.word }),
        ...(seenUses && { observed: seenUses }),
        ...finding,
      });
      if (isLeaving(finding)) going.add(grant.id);
    }
  };
  /**
   * Asks about many at once, by what was used of each; what comes of it is taken in their order. The next ones are got
   * ready while these are judged.
   */
  const judgeAll = async (
    many: readonly Seen[],
    usedOf: (one: Seen) => Iterable<[string, SeenIn]>,
    taken: (one: Seen, told: ReturnType<typeof factsFor>, answer: Judgement | ReviewError) => void,
  ) => {
    const asking = (some: readonly Seen[]) => {
      stopIfAborted(signal);
      const told = some.map((one) => factsFor(one.grant, inputOf(one.grant, usedOf(one))));
      const answers = pool.all(told.map(({ facts }) => ({ grant: facts.grant.id, facts })));
      // Whether it failed is asked at its turn, if that comes.
      answers.catch(() => {});
      return { some, told, answers };
    };
    const takeAll = async ({ some, told, answers }: ReturnType<typeof asking>) => {
      for (const [at, answer] of (await answers).entries()) {
        const [one, its] = [some[at], told[at]];
        if (one !== undefined && its !== undefined) taken(one, its, answer);
      }
    };
    let before: ReturnType<typeof asking> | null = null;
    for (const some of portionsOf(many, atOnce)) {
      const next = asking(some);
      if (before !== null) await takeAll(before);
      before = next;
    }
    if (before !== null) await takeAll(before);
  };

  const spare: Seen[] = [];
  for await (const [some, used] of lookUpUsage(evidence, asked)) {
    stopIfAborted(signal);
    const seen = some.map((one, at): Seen => ({ ...one, used: used[at] ?? new Map() }));
    const hasCompanions = ({ used }: Seen) => (used.get('redundant')?.companions.length ?? 0) > 0;
    spare.push(...seen.filter(hasCompanions));
    await judgeAll(
      seen.filter((one) => !hasCompanions(one)),
      ({ used }) => used,
      take,
    );
  }
  // Whatever else takes one of them away is known before any is called redundant beside it.
  await judgeAll(
    spare,
    ({ used }) => [...used].filter(([name]) => name !== 'redundant'),
    (one, _, answer) => {
      if (findingsOf(one, answer).some(isLeaving)) going.add(one.grant.id);
    },
  );
  for (const one of spare.sort((a, b) => latestFirst(a.grant, b.grant)))
    await judgeAll([one], ({ used }) => used, take);

  const whole = faults.filter(({ detector }) => detector === undefined);
  const [first] = whole;
  if (first !== undefined && whole.length >= grants.length)
    throw new ReviewError('policy-undefined', first.message);
  verdicts.sort((a, b) => order(a.grant.id, b.grant.id) || order(a.detector, b.detector));
  return { verdicts, faults };
}

type Seen = Asked & { used: Map<string, SeenIn> };

/** So many are asked about together: few enough that what is told of them is forgotten as soon as they are judged. */
const atOnce = 1_000;

function* portionsOf<T>(all: readonly T[], most: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most);
}

/** Long windows first; where the records say nothing of one, nothing is said. */
function besides({ used }: Seen): UsageFacts | null {
  const found = ['over-privileged', 'dormant', 'never-used'].map((name) => used.get(name)?.facts);
  return found.find((facts) => facts !== undefined && facts.coverage > 0) ?? null;
}

const isLeaving = (finding: Judgement['findings'][number]) =>
  finding.verdict === 'report' && leaving.has(finding.action);

type UsageInput = Record<string, ReturnType<typeof usageInput>>;

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
