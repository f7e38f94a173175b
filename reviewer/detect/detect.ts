import type { DetectorName } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { type Duty, dutiesOf } from './duties.ts';
import { type Facts, factsOf } from './factsOf.ts';
import { type Action, createJudge, type Judgement, type Severity } from './judge.ts';
import type { Observe, Observed } from './observed.ts';
import { type OwnFacts, type OwnJudge, type OwnWord, openOwnDetectors } from './ownDetectors.ts';
import { type SeenIn, usageIn } from './usage.ts';

/** One detector's word on a grant, with what was seen in its window (null when it needs no usage). */
export type Verdict = {
  grant: Grant;
  detector: DetectorName;
  usage: UsageFacts | null;
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
  const { tree, organisation, asOf } = evidence;
  const judge = await createJudge(opa, await readPolicies(tree, 'review'));
  const { judges, broken } = await openOwnDetectors(opa, tree);
  const duties = dutiesOf(organisation, asOf);
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
  const asked = (grant: Grant, facts: unknown): Judgement => {
    stopIfAborted(signal);
    try {
      return judge(grant.id, facts);
    } catch (error) {
      noted(grant.id, error);
      return { windows: {}, findings: [] };
    }
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
    const facts = factsOf(grant, evidence, duties.get(grant.id) ?? []);
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
  const windows = grants.map((grant) => ({
    grant,
    windows: asked(grant, factsFor(grant, null).facts).windows,
  }));
  const seen = await usageIn(windows, evidence);
  if (observe)
    observed = await observe(
      windows.flatMap(({ grant, windows: { 'rate-limit': from } }) =>
        from === undefined ? [] : [{ grant: grant.id, from }],
      ),
    );
  const verdicts: Verdict[] = [];
  const going = new Set<string>();
  const inputOf = (used: Iterable<[string, SeenIn]>): UsageInput =>
    Object.fromEntries([...used].map(([name, found]) => [name, usageInput(found, byId, going)]));
  const judgeOne = (grant: Grant, at: number) => {
    const used = seen[at] ?? new Map<string, SeenIn>();
    const { said, facts } = factsFor(grant, inputOf(used));
    for (const finding of asked(grant, facts).findings) {
      const held = used.get(finding.detector)?.facts ?? null;
      const seenUses = observed.get(grant.id);
      const own = said.find(({ input }) => input.detector === finding.detector);
      verdicts.push({
        ...{ grant, usage: held, duties: duties.get(grant.id) ?? [], facts: own?.facts ?? facts },
        ...(own?.word && { own: own.word }),
        ...(seenUses && { observed: seenUses }),
        ...finding,
      });
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
    const used = [...(seen[at] ?? [])].filter(([name]) => name !== 'redundant');
    const { findings } = asked(grant, factsFor(grant, inputOf(used)).facts);
    if (findings.some((finding) => finding.verdict === 'report' && leaving.has(finding.action)))
      going.add(grant.id);
  }
  for (const { grant, at } of spare.sort((a, b) => latestFirst(a.grant, b.grant))) judgeOne(grant, at);

  const whole = faults.filter(({ detector }) => detector === undefined);
  const [first] = whole;
  if (first !== undefined && whole.length >= grants.length)
    throw new ReviewError('policy-undefined', first.message);
  verdicts.sort((a, b) => order(a.grant.id, b.grant.id) || order(a.detector, b.detector));
  return { verdicts, faults };
}

type UsageInput = Record<string, ReturnType<typeof usageInput>>;

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
