import { daySeconds } from '../bundle/format/times.ts';
import { rememberFiles } from '../bundle/git/rememberFiles.ts';
import { localTree, type Tree } from '../bundle/git/tree.ts';
import type { Evidence } from './evidence/gather.ts';
import { type Forge, type ForgeTarget, openForge } from './forge/forge.ts';
import { ForgeError } from './forge/forgeError.ts';
import type { Explained } from './plan/explainFinding.ts';
import type { Plan } from './plan/finding.ts';
import { type PlanOptions, planFor } from './planFor.ts';
import { answerMissed } from './pulls/commands/answerMissed.ts';
import { rehear } from './pulls/commands/rehear.ts';
import { type Mirror, openMirror } from './pulls/mirror.ts';
import { onboard, withoutPreview } from './pulls/onboarding/onboard.ts';
import { knownPulls, openPullRequests } from './pulls/openPullRequests.ts';
import type { Pull } from './pulls/pull.ts';
import { openPullReplay } from './replay/openPullReplay.ts';
import { unattested, unattestedSection } from './requests/unattested.ts';
import { ReviewError, stopIfAborted } from './reviewError.ts';
import { summarize } from './trends/summarize.ts';
import type { Summary } from './trends/trend.ts';
import { type Missed, missedGrants } from './watch/missedGrants.ts';
import { type ToldMissed, tellMissed } from './watch/tellMissed.ts';

export type { Plan } from './plan/finding.ts';
export type { Pull } from './pulls/pull.ts';

export type ReviewOptions = PlanOptions & {
  /** The repository: a work tree, judged as its files lie on disk, or a bare repository, judged at its HEAD. */
  root: string;
  /** Open and update pull requests there; the plan is then made of the forge's base branch, not of `root`. */
  apply?: { forge: ForgeTarget };
};

export type ReviewResult = {
  plan: Plan;
  /** What became of each pull request; empty when nothing was to be applied. */
  pulls: readonly Pull[];
  /**
   * Why the plan was not applied, or not to its end: ReviewError (`brake`, `aborted`, `edit-failed`), ForgeError.
   * The plan is good all the same.
   */
  error: (Error & { code: string }) | null;
  /** The run in few numbers. */
  summary: Summary;
  /** What was taken of late and is missed. */
  missed: readonly Missed[];
  /** What was said of that on the forge. */
  told: readonly ToldMissed[];
  /** Whether the repository lets the review open pull requests; null where it does not say. */
  consent: boolean | null;
  /** Why the finding that was asked about was found; null when the plan has none of that fingerprint. */
  explained?: Explained | null;
};

const isOurs = (error: unknown): error is ReviewError | ForgeError =>
  error instanceof ForgeError || error instanceof ReviewError;

const consentOf = ({ organisation }: Evidence) => organisation.review.pull_requests.consent ?? null;

/** The plan, the run in few numbers, and who misses of late what commits took. Throws as {@link review} does. */
export async function judge(tree: Tree, options: PlanOptions) {
  const { more: summary, ...made } = await planFor(tree, options, ({ plan, evidence }) =>
    summarize(plan, evidence),
  );
  const { decisions, signal } = options;
  const { organisation, history, asOf } = made.evidence;
  const missed = await missedGrants({ tree, log: history.log, organisation, decisions, asOf, signal });
  return { ...made, more: { summary, missed } };
}

/**
 * Reviews access: gathers evidence, asks the detectors, makes the plan and, with `apply`, opens and updates pull
 * requests. What keeps the plan from being made is thrown (ReviewError, GitError, OpaError, BundleError); what keeps a
 * made plan from being applied is in the result's `error`.
 */
export async function review(options: ReviewOptions): Promise<ReviewResult> {
  const { apply, signal, progress } = options;
  if (apply === undefined) return reviewHere(options);
  const forge = openForge(apply.forge, signal);
  progress?.(`fetching ${forge.slug}`);
  let mirror: Mirror;
  try {
    mirror = await openMirror(forge, signal);
  } catch (error) {
    // Without the forge there is nothing to apply to, but still a plan to look at.
    if (!(error instanceof ForgeError)) throw error;
    return { ...(await reviewHere(options)), error };
  }
  try {
    return await reviewOn(forge, mirror, options);
  } finally {
    await mirror.close();
  }
}

/** Makes the plan of the repository at `root`; nothing is applied. */
async function reviewHere(options: ReviewOptions): Promise<ReviewResult> {
  const tree = rememberFiles(await localTree(options.root));
  const { plan, more, stopped, faulty, explained, evidence } = await judge(tree, options);
  return {
    ...{ plan, ...more, pulls: [], told: [], consent: consentOf(evidence) },
    error: stopped?.error ?? faulty,
    ...(explained !== undefined && { explained }),
  };
}

/** Judges the forge's base branch, and applies that. */
async function reviewOn(forge: Forge, mirror: Mirror, options: ReviewOptions): Promise<ReviewResult> {
  const judged = await judge(rememberFiles(await mirror.tree()), options);
  return applyJudged(judged, { forge, mirror }, options);
}

/** Brings the forge in line with what was judged of its base branch. */
export async function applyJudged(
  { plan, more, stopped, faulty, evidence }: Awaited<ReturnType<typeof judge>>,
  { forge, mirror }: { forge: Forge; mirror: Mirror },
  options: PlanOptions,
): Promise<ReviewResult> {
  const { asOfMs, signal, progress } = options;
  const { tree } = evidence;
  const pulls: Pull[] = [];
  let made = { plan, ...more, pulls, consent: consentOf(evidence) };
  let told: readonly ToldMissed[] = [];
  const replay = replayFor(evidence, options);
  try {
    stopIfAborted(signal);
    let known = await knownPulls(forge, asOfMs);
    const on = { forge, mirror, plan, evidence, pulls, brake: stopped, asOfMs };
    if (!(await onboard({ ...on, known }))) return { ...made, told, error: stopped?.error ?? faulty };
    const { organisation } = evidence;
    const left = await answerMissed(known, { forge, mirror, base: { tree, organisation }, signal });
    if (left.answered) known = await knownPulls(forge, asOfMs);
    const { emergency } = organisation.review;
    const waiting = emergency.principals.length === 0 ? null : await unattested(forge, asOfMs);
    if (waiting !== null) made = { ...made, summary: { ...made.summary, unattested: waiting.length } };
    const also = waiting === null ? [] : [unattestedSection(waiting)];
    await openPullRequests({
      ...{ ...on, known: withoutPreview(known), also, signal, progress, replay: replay.of },
      hear: (number, entries) =>
        rehear({
          ...{ forge, number, entries, organisation, as_of: plan.as_of },
          since: (grant) => (evidence.history.of(grant)?.grownAt ?? 0) * 1000,
        }),
    });
    told = await tellMissed(forge, more.missed, { asOf: evidence.asOf, signal });
    return { ...made, told, error: stopped?.error ?? faulty ?? left.error };
  } catch (error) {
    if (isOurs(error)) return { ...made, told, error };
    throw error;
  } finally {
    await replay.close();
  }
}

/** The replay of what pull requests would merge, over the time that the evidence speaks of. */
function replayFor({ asOf, from, tree, usage }: Evidence, options: PlanOptions) {
  const { decisions, opa, signal, progress } = options;
  const days = Math.ceil((asOf - from) / daySeconds);
  // With roll-ups more is known than the records tell.
  const isOfRecords = (options.usage ?? []).length === 0 && asOf - days * daySeconds === from;
  return openPullReplay({
    ...{ base: tree, decisions, asOf, days, opa, signal, progress },
    ...(isOfRecords && { known: usage }),
  });
}
