import { git } from '../bundle/git/git.ts';
import { remember } from '../bundle/git/remember.ts';
import { gitTree, type Tree, workingTree } from '../bundle/git/tree.ts';
import { findOpa, type Opa } from '../bundle/policy/opa.ts';
import { detect } from './detect/detect.ts';
import { type Evidence, gather } from './evidence/gather.ts';
import { type ForgeTarget, openForge } from './forge/forge.ts';
import { ForgeError } from './forge/forgeError.ts';
import { brake } from './plan/brake.ts';
import { type Explained, explainFinding } from './plan/explainFinding.ts';
import type { Plan } from './plan/finding.ts';
import { makePlan } from './plan/plan.ts';
import { openPullRequests } from './pulls/openPullRequests.ts';
import type { Pull } from './pulls/pull.ts';
import { openMirror } from './pulls/workspace.ts';
import { createObserve } from './recommend/observe.ts';
import { prove } from './recommend/prove.ts';
import { openPullReplay } from './replay/openPullReplay.ts';
import { ReviewError, stopIfAborted } from './reviewError.ts';
import { openSources } from './sources/openSources.ts';
import { summarize } from './trends/summarize.ts';
import type { Summary } from './trends/trend.ts';
import { type Missed, missedGrants } from './watch/missedGrants.ts';
import { type Told, tellMissed } from './watch/tellMissed.ts';

export type { Plan } from './plan/finding.ts';
export type { Pull } from './pulls/pull.ts';

export type ReviewOptions = {
  /** The repository: a work tree, judged as its files lie on disk, or a bare repository, judged at its HEAD. */
  root: string;
  /** Decision logs: folders, files and globs. */
  decisions: readonly string[];
  /** Gateways' roll-ups by day: folders, files, globs, and addresses of admin listeners. */
  usage?: readonly string[];
  /** The gateways' admin token, if they want one. */
  adminToken?: string | null;
  /** The instant to judge at; a number counts milliseconds since 1970. */
  asOf: Date | number;
  /** Open and update pull requests there; the plan is then made of the forge's base branch, not of `root`. */
  apply?: { forge: ForgeTarget };
  /** Recommend controls that follow from observed use, too. */
  recommend?: boolean;
  /** The fingerprint of a finding to explain, or its beginning. */
  explain?: string;
  opa?: Opa;
  signal?: AbortSignal;
  progress?: (line: string) => void;
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
  told: readonly Told[];
  /** Why the finding that was asked about was found; null when the plan has none of that fingerprint. */
  explained?: Explained | null;
};

/** Further back than a year with patience no window looks that usage is asked for, in seconds. */
const longestWindow = 500 * 86_400;

/** The plan for one tree, and the brake's word on it. */
async function planFor(tree: Tree, options: ReviewOptions) {
  const { decisions, usage = [], adminToken = null, asOf, signal, progress } = options;
  const seconds = Math.floor(Number(asOf) / 1000);
  const since = new Date((seconds - longestWindow) * 1000).toISOString().slice(0, 10);
  const sources = await openSources({ decisions, usage, since, token: adminToken, signal });
  let evidence: Evidence;
  try {
    evidence = await gather({ ...sources, tree, asOf: seconds, signal, progress });
  } finally {
    await sources.close();
  }
  try {
    progress?.('looking for opa');
    const opa = options.opa ?? (await findOpa(progress === undefined ? {} : { progress }));
    progress?.('detecting');
    const { verdicts, faults } = await detect(evidence, opa, {
      signal,
      ...(options.recommend && { observe: createObserve({ evidence, decisions, signal }) }),
    });
    const made = await makePlan(evidence, verdicts, faults);
    const plan = options.recommend ? await prove(made, { evidence, opa, decisions, signal, progress }) : made;
    const [first] = faults;
    // The others were judged and their findings are good; who runs the review is still to know.
    const faulty = first === undefined ? null : new ReviewError('policy-undefined', first.message);
    const explained =
      options.explain === undefined
        ? undefined
        : await explainFinding(options.explain, plan.findings, verdicts, evidence);
    const summary = await summarize(plan, evidence);
    const missed = await missedGrants({
      ...{ tree, decisions, signal },
      organisation: evidence.organisation,
      asOf: seconds,
    });
    return {
      evidence,
      plan,
      summary,
      missed,
      explained,
      stopped: brake(plan, evidence.organisation),
      faulty,
    };
  } finally {
    await evidence.usage.close();
  }
}

async function localTree(root: string): Promise<Tree> {
  const bare = await git(root, ['rev-parse', '--is-bare-repository']).catch(() => 'false');
  return bare.toString().trim() === 'true' ? gitTree(root, 'HEAD') : workingTree(root);
}

const isOurs = (error: unknown): error is ReviewError | ForgeError =>
  error instanceof ForgeError || error instanceof ReviewError;

/**
 * Reviews access: gathers evidence, asks the detectors, makes the plan and, with `apply`, opens and updates pull
 * requests. What keeps the plan from being made is thrown (ReviewError, GitError, OpaError, BundleError); what keeps a
 * made plan from being applied is in the result's `error`.
 */
export async function review(options: ReviewOptions): Promise<ReviewResult> {
  const { root, apply, asOf, signal, progress } = options;
  if (apply === undefined) {
    const { plan, summary, missed, stopped, faulty, explained } = await planFor(
      await localTree(root),
      options,
    );
    const error = stopped?.error ?? faulty;
    return {
      plan,
      summary,
      pulls: [],
      missed,
      told: [],
      error,
      ...(explained !== undefined && { explained }),
    };
  }

  const forge = openForge(apply.forge, signal);
  progress?.(`fetching ${forge.slug}`);
  let mirror: Awaited<ReturnType<typeof openMirror>>;
  try {
    mirror = await openMirror(forge, signal);
  } catch (error) {
    // Without the forge there is nothing to apply to, but still a plan to look at.
    if (!(error instanceof ForgeError)) throw error;
    const { plan, summary, missed } = await planFor(await localTree(root), options);
    return { plan, summary, pulls: [], missed, told: [], error };
  }
  try {
    const { plan, summary, missed, stopped, faulty, evidence } = await planFor(
      remember(await gitTree(mirror.repository, mirror.base.commit, mirror.folder)),
      options,
    );
    const pulls: Pull[] = [];
    let told: readonly Told[] = [];
    const { asOf: seconds, from, tree } = evidence;
    const replay = openPullReplay({
      ...{ base: tree, decisions: options.decisions, asOf: seconds, opa: options.opa, signal, progress },
      days: Math.ceil((seconds - from) / 86_400),
      treeOf: (commit) => gitTree(mirror.repository, commit, mirror.folder),
    });
    try {
      stopIfAborted(signal);
      await openPullRequests({
        ...{ forge, mirror, plan, evidence, pulls, asOf: Number(asOf), signal, progress },
        ...{ brake: stopped, replay: replay.of },
      });
      told = await tellMissed(forge, missed, { asOf: evidence.asOf, signal });
      return { plan, summary, pulls, missed, told, error: stopped?.error ?? faulty };
    } catch (error) {
      if (isOurs(error)) return { plan, summary, pulls, missed, told, error };
      throw error;
    } finally {
      await replay.close();
    }
  } finally {
    await mirror.close();
  }
}
