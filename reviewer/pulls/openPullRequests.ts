import { instantOf } from '../../bundle/format/times.ts';
import { answersFor } from '../asking/answersFor.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { optional } from '../forge/optional.ts';
import type { Brake } from '../plan/brake.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { nameOf } from '../plan/sentence.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { allot, answered, type OpenPull, rememberedMs, type Task } from './allot.ts';
import { askedFor, readDashboard, type Section, writeDashboard } from './dashboard.ts';
import { type Group, groupFindings } from './group.ts';
import type { FileTexts, Mirror } from './mirror.ts';
import { peopleOf } from './people.ts';
import type { Pull } from './pull.ts';
import { openPullLimits } from './pullLimits.ts';
import { remind } from './remind.ts';
import { type Settling, settle } from './settle.ts';
import { noted } from './text/alerts.ts';
import { branchOf, branchPrefix, turnOf } from './text/branch.ts';
import { joinBody } from './text/joinBody.ts';
import { bodyParts, parseBody, rememberedIn } from './text/marker.ts';
import { ignoredMs, ignoredSince, outsideSchedule } from './timing.ts';
import { unanswered } from './unanswered.ts';

type Options = {
  forge: Forge;
  mirror: Mirror;
  /** The review's pull requests, as `knownPulls` lists them. */
  known: readonly ForgePull[];
  plan: Plan;
  evidence: Evidence;
  /** What of the plan must not be applied. */
  brake: Brake | null;
  /** Filled as pull requests are dealt with, so that an error leaves what was done. */
  pulls: Pull[];
  /** What people have decided of proposals, by their comments on a pull request, as if none had been heard before. */
  hear: Settling['hear'];
  /** What recorded requests say of a commit on top of the base, as Markdown; left out, nothing is said of them. */
  replay?: (commit: string, files: FileTexts) => Promise<string | null>;
  /** What else the dashboard says. */
  also?: readonly Section[];
  /** Milliseconds since 1970. */
  asOfMs: number;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/** The review's pull requests: open ones, and those closed so lately that it counts. `asOfMs`: since 1970. */
export const knownPulls = (forge: Forge, asOfMs: number): Promise<ForgePull[]> =>
  forge.listPulls(branchPrefix, asOfMs - Math.max(rememberedMs, ignoredMs));

/** Without a token that is taken, within limits, there is nothing to be done for anybody. */
const endsRun = (error: unknown) =>
  !(error instanceof ForgeError || error instanceof ReviewError) ||
  error.code === 'forge-unauthorized' ||
  error.code === 'forge-limited' ||
  error.code === 'aborted';

/**
 * Brings the forge's pull requests in line with a plan: one branch and pull request per owner, detector tier and risk.
 * What is there and still says the same is left alone, so a second run changes nothing; what is not found any more is
 * closed. What fails for one owner is noted and thrown once everybody else's is done. Throws ForgeError, ReviewError.
 */
export async function openPullRequests(options: Options): Promise<void> {
  const {
    forge,
    mirror,
    known,
    evidence,
    plan,
    brake,
    asOfMs,
    pulls,
    signal,
    progress,
    hear,
    replay = async () => null,
  } = options;
  const answers = stillAnswered(answered(known, asOfMs), plan.findings, evidence);
  const groups = groupFindings({ findings: plan.findings.filter((finding) => !isBlocked(finding)) });
  const left = groups.map((group) => ({
    ...group,
    findings: group.findings.filter(({ fingerprint }) => !answers.has(fingerprint)),
  }));
  const opens = await openPulls(known, left, options);
  const branchState = await branchStates(mirror);
  const tasks = allot(left, opens, branchState);
  const { organisation } = evidence;
  const hasDashboard = organisation.review.pull_requests.dashboard;
  const dashboard = hasDashboard ? await readDashboard(forge) : null;
  const asked = askedFor(dashboard?.body ?? '');
  const paused = ignoredSince(known, asOfMs);
  const resting = paused ?? outsideSchedule(organisation, asOfMs);
  const limits = openPullLimits({ known, organisation, nowMs: asOfMs, asked, resting });
  const stopped = ({ tier }: { tier: Group['tier'] }) => {
    const one = groups.find((group) => group.tier === tier)?.findings[0];
    return brake !== null && one !== undefined && brake.stops(one) ? brake.error.message : null;
  };
  const people = peopleOf(options);
  let failure: Error | null = null;
  const settled: { task: Task; at: number }[] = [];
  for (const task of tasks) {
    stopIfAborted(signal);
    let pull: Pull;
    try {
      pull = await settle(task, {
        ...{ forge, mirror, plan, evidence, known, limits },
        people,
        stopped,
        hear,
        replay,
      });
    } catch (error) {
      if (endsRun(error)) throw error;
      failure ??= error as Error;
      pull = failed(task, error as Error);
    }
    pulls.push(pull);
    settled.push({ task, at: pulls.length - 1 });
    progress?.(lineOf(pull));
  }
  // Last, so that no reminder keeps a proposal from being brought in line, whatever a forge still bears.
  for (const { task, at } of settled) {
    const before = pulls[at];
    if (before === undefined || task.kind === 'close' || !isWaiting(before)) continue;
    stopIfAborted(signal);
    try {
      const told = await remindOf(task, before, { forge, people, evidence, resting: resting !== null });
      pulls[at] = told;
      if (told.action === 'reminded') progress?.(lineOf(told));
    } catch (error) {
      if (endsRun(error)) throw error;
      failure ??= error as Error;
      pulls[at] = failed(task, error as Error);
    }
  }
  for (const finding of plan.findings.filter(isBlocked)) {
    const pull = blocked(finding);
    pulls.push(pull);
    progress?.(lineOf(pull));
  }
  for (const [closed, pull] of remembered(groups, answers)) {
    await sayRemembered(forge, closed);
    pulls.push(pull);
    progress?.(lineOf(pull));
  }
  if (hasDashboard) await writeDashboard(forge, dashboard, { pulls, paused, also: options.also });
  if (failure !== null) throw failure;
}

/** Whether an answer is waited for: what is approved, people's own, or cannot be judged now waits for something else. */
const isWaiting = ({ number, action, reason }: Pull) =>
  number !== null &&
  (/^(?:opened|reopened|updated)$/.test(action) || (action === 'unchanged' && reason === undefined));

/** Tells who is waited for, and says until when. */
async function remindOf(
  task: Exclude<Task, { kind: 'close' }>,
  before: Pull,
  reminding: Parameters<typeof remind>[2],
): Promise<Pull> {
  const { forge, evidence } = reminding;
  const isSeen = task.kind === 'hold' && before.action === 'unchanged';
  const pull = isSeen ? task.open.pull : await forge.getPull(before.number ?? 0);
  const marker = rememberedIn(pull);
  const due = marker && unanswered(marker, task.findings, evidence.organisation, pull);
  const told = await remind(pull, task, reminding);
  return {
    ...before,
    ...(told && before.action === 'unchanged' && { action: 'reminded' }),
    ...(due && { no_response: { at: instantOf(due.at), rule: due.rule } }),
  };
}

/** Without the answers after which their grant was put back or widened: who gives access anew may be asked anew. */
function stillAnswered(
  answers: ReadonlyMap<string, ForgePull>,
  findings: readonly Finding[],
  { history }: Pick<Evidence, 'history'>,
): Map<string, ForgePull> {
  const found = new Map<string, ForgePull>();
  for (const { fingerprint, grant } of findings) {
    const pull = answers.get(fingerprint);
    const grownAt = history.of(grant)?.grownAt ?? null;
    if (pull !== undefined && (grownAt === null || grownAt * 1000 <= (pull.closedMs ?? 0)))
      found.set(fingerprint, pull);
  }
  return found;
}

const lineOf = ({ action, url, branch, reason }: Pull) =>
  `${action} ${url ?? branch}${reason === undefined ? '' : ` (${reason})`}`;

/** What no merge could put right. */
export const isBlocked = ({ action, set }: Finding) => action === 'reassign' && set === undefined;

function blocked({ grant, principal, owner, api }: Finding): Pull {
  const branch = branchOf({ owner, tier: 'certification', risk: 'routine', turn: 1 });
  const service = principal.startsWith('service:') ? `, or of ${nameOf(principal)}` : '';
  const reason = `nobody active can be named to answer for ${grant}: give another owner to the grant, to the API ${api}${service}`;
  return { number: null, url: null, branch, grants: [grant], action: 'blocked', reason };
}

function failed(task: Task, error: Error): Pull {
  const pull = task.kind === 'open' ? null : task.open.pull;
  const grants =
    task.kind === 'close'
      ? (task.open.marker?.entries ?? []).map(({ grant }) => grant)
      : task.findings.map(({ grant }) => grant);
  const { number = null, url = null } = pull ?? {};
  return { number, url, branch: task.branch, grants, action: 'failed', reason: error.message };
}

/** Groups that wait for nothing but the end of an answer. */
function remembered(groups: readonly Group[], answers: ReadonlyMap<string, ForgePull>): Map<ForgePull, Pull> {
  const found = new Map<ForgePull, Pull & { grants: string[] }>();
  for (const { fingerprint, grant } of groups.flatMap(({ findings }) => findings)) {
    const pull = answers.get(fingerprint);
    if (pull === undefined) continue;
    const known = found.get(pull);
    if (known) known.grants.push(grant);
    else
      found.set(pull, {
        ...{ number: pull.number, url: pull.url, branch: pull.branch, grants: [grant], action: 'held' },
        reason: `${pull.merged ? 'merged without it' : 'closed without a merge'} within 30 days`,
      });
  }
  return found;
}

/** Says once on a closed pull request until when that holds; the text is marked first, so it is never said twice. */
async function sayRemembered(forge: Forge, pull: ForgePull): Promise<void> {
  const { number, body, merged, closedMs } = pull;
  const marker = rememberedIn(pull);
  if (merged || marker === null || marker.remembered !== undefined || closedMs === null) return;
  const until = instantOf((closedMs + rememberedMs) / 1000);
  const parts = bodyParts(body);
  const said = `Closed without a merge: that is remembered until ${until}, and asked again then, or once the grant changes or the finding worsens.`;
  const own = noted(said, parts.own);
  const next = joinBody({ ...marker, remembered: until }, own, parts);
  if (await optional(() => forge.updatePull(number, { body: next })))
    await optional(() => forge.comment(number, said));
}

/** The open ones; whether one is approved is asked only where something could join it. */
async function openPulls(
  known: readonly ForgePull[],
  groups: readonly Group[],
  { forge, mirror, evidence }: Options,
): Promise<OpenPull[]> {
  const open = known.filter(({ state }) => state === 'open');
  const proposed = new Set(
    open.flatMap(({ body }) => (parseBody(body)?.entries ?? []).map(({ fingerprint }) => fingerprint)),
  );
  const grows = groups.filter(({ findings }) =>
    findings.some(({ fingerprint }) => !proposed.has(fingerprint)),
  );
  const found: OpenPull[] = [];
  for (const pull of open) {
    const group = grows.find((one) => turnOf(pull.branch, one) !== null);
    const tip = mirror.branches.get(pull.branch);
    const handsOff = tip !== undefined && (await mirror.hasHumanCommits(tip));
    // What a text says that somebody has changed is written anew by the evidence; where it cannot be, it holds nothing.
    const marker = handsOff ? rememberedIn(pull) : parseBody(pull.body);
    const isApproved = ({ owner, findings }: Group) =>
      forge.isApproved(pull.number, answersFor(owner, evidence.organisation, findings));
    const closedToMore = handsOff || (group !== undefined && (await isApproved(group)));
    found.push({ pull, marker, handsOff, closedToMore });
  }
  return found;
}

/** A branch without an open pull request may be pushed to, unless people have committed to it. */
async function branchStates(mirror: Mirror): Promise<(branch: string) => 'free' | 'taken'> {
  const taken = new Set<string>();
  for (const [branch, tip] of mirror.branches) if (await mirror.hasHumanCommits(tip)) taken.add(branch);
  return (branch) => (taken.has(branch) ? 'taken' : 'free');
}
