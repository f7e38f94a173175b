import { instantOf } from '../../../bundle/format/times.ts';
import { giveConsent } from '../../edit/giveConsent.ts';
import type { Evidence } from '../../evidence/gather.ts';
import type { Forge, ForgePull } from '../../forge/forge.ts';
import { ForgeError } from '../../forge/forgeError.ts';
import { optional } from '../../forge/optional.ts';
import type { Brake } from '../../plan/brake.ts';
import type { Plan } from '../../plan/finding.ts';
import { allot, rememberedMs } from '../allot.ts';
import { announcedContext, vouch } from '../announce.ts';
import { checkFiles, mergesWell } from '../changes.ts';
import { groupFindings } from '../group.ts';
import type { Mirror } from '../mirror.ts';
import { isBlocked } from '../openPullRequests.ts';
import type { Pull } from '../pull.ts';
import { openPullLimits } from '../pullLimits.ts';
import { noted } from '../text/alerts.ts';
import { branchPrefix } from '../text/branch.ts';
import { rememberedIn } from '../text/marker.ts';
import { previewMarker, previewTitle, renderPreview, type Shown, shownKey } from './preview.ts';

// Renovate's way in: nobody finds twenty pull requests of a stranger in their repository. The first one only shows them,
// and what its merge writes, `consent: true` on the base branch, is all that later runs look at.

const onboardingBranch = `${branchPrefix}onboarding`;
const rulesFile = 'grants/review.yaml';

type Options = {
  forge: Forge;
  mirror: Mirror;
  /** The review's pull requests, its preview among them. */
  known: readonly ForgePull[];
  plan: Plan;
  evidence: Pick<Evidence, 'tree' | 'organisation' | 'asOf'>;
  brake: Brake | null;
  /** Filled with what would be opened, and with the preview. */
  pulls: Pull[];
  /** Milliseconds since 1970. */
  asOfMs: number;
};

/** Pull requests but for the preview. */
export const withoutPreview = (known: readonly ForgePull[]): ForgePull[] =>
  known.filter(({ branch }) => branch !== onboardingBranch);

/**
 * Tells whether the review may open pull requests: the base branch says so, or, where it says nothing, people have known
 * the review's for a while. Where it may not yet, a pull request that shows what would be opened is opened or brought up
 * to date, and nothing else is touched. Throws ForgeError, ReviewError `edit-failed`.
 */
export async function onboard(options: Options): Promise<boolean> {
  const { known, evidence, pulls } = options;
  const { consent } = evidence.organisation.review.pull_requests;
  const previews = known.filter(({ branch }) => branch === onboardingBranch);
  const open = previews.find(({ state }) => state === 'open');
  const isKnown = withoutPreview(known).some((pull) => rememberedIn(pull) !== null);
  if (consent === true || (consent === undefined && isKnown)) {
    const why = consent ? 'the base branch gives the consent' : 'the review is known here already';
    if (open !== undefined) pulls.push(await retract(open, why, options));
    return true;
  }
  if (consent === false) {
    const why = `the base branch says that nothing is opened (pull_requests.consent in ${rulesFile})`;
    if (open !== undefined) pulls.push(await retract(open, why, options));
    pulls.push(...waiting(shownOf(options), why));
    return false;
  }
  const shown = shownOf(options);
  const answered = previews.find((pull) => isAnswer(pull, options.asOfMs));
  const preview =
    open !== undefined
      ? await update(open, shown, options)
      : answered !== undefined
        ? await remember(answered, options)
        : await begin(shown, options);
  const { number } = preview;
  pulls.push(preview, ...waiting(shown, `nobody has agreed yet${number === null ? '' : `: see #${number}`}`));
  return false;
}

const resultOf = (action: Pull['action'], pull: ForgePull | null, reason?: string): Pull => ({
  ...{ number: pull?.number ?? null, url: pull?.url ?? null, branch: onboardingBranch, grants: [], action },
  ...(reason !== undefined && { reason }),
});

const waiting = (shown: readonly Shown[], why: string): Pull[] =>
  shown.map(({ branch, findings, later }) => ({
    ...{ number: null, url: null, branch, grants: findings.map(({ grant }) => grant), action: 'held' },
    reason: later === null ? why : `${why}; ${later}`,
  }));

/** What a first run would open, in its order, each with what it would wait for. */
function shownOf({ plan, brake, evidence, asOfMs }: Options): Shown[] {
  const groups = groupFindings({ findings: plan.findings.filter((finding) => !isBlocked(finding)) });
  const given = { known: [], organisation: evidence.organisation, nowMs: asOfMs };
  const limits = openPullLimits({ ...given, asked: new Set(), resting: null });
  return allot(groups, [], () => 'free').flatMap((task) => {
    if (task.kind !== 'open') return [];
    const stopped = task.findings.some((finding) => brake?.stops(finding));
    return [{ ...task, later: stopped ? (brake?.error.message ?? null) : limits.take(task.branch) }];
  });
}

/** Somebody's word, and not older than it is remembered. */
const isAnswer = (pull: ForgePull, nowMs: number) =>
  pull.state === 'closed' &&
  (pull.closedMs ?? 0) > nowMs - rememberedMs &&
  (pull.merged || shownIn(pull)?.closed === undefined);

/** What the review remembers of a preview that nobody else has changed. */
const shownIn = ({ isOurs, body }: ForgePull) => (isOurs ? previewMarker.parse(body) : null);

/** Closes a preview that has nothing to ask any more; one that people have committed to is theirs. */
async function retract(pull: ForgePull, why: string, { forge, mirror }: Options): Promise<Pull> {
  const tip = mirror.branches.get(pull.branch);
  if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
    return resultOf('unchanged', pull, 'the branch has commits by people');
  const marker = shownIn(pull);
  const parts = previewMarker.parts(pull.body);
  const said = `Closed, for ${why}.`;
  await forge.updatePull(pull.number, {
    state: 'closed',
    ...(marker !== null && {
      body: previewMarker.join({ ...marker, closed: why }, noted(said, parts.own), parts),
    }),
  });
  await optional(() => forge.comment(pull.number, said));
  return resultOf('closed', pull, why);
}

/** Says once until when a closing holds; the text is marked first, so it is never said twice. */
async function remember(pull: ForgePull, { forge }: Options): Promise<Pull> {
  const { number, merged, closedMs, body } = pull;
  const marker = shownIn(pull);
  const until = instantOf(((closedMs ?? 0) + rememberedMs) / 1000);
  if (!merged && marker !== null && marker.remembered === undefined) {
    const said = `Closed without a merge: the access review opens nothing here, and asks again after ${until}.`;
    const parts = previewMarker.parts(body);
    const own = noted(said, parts.own);
    const next = previewMarker.join({ ...marker, remembered: until }, own, parts);
    if (await optional(() => forge.updatePull(number, { body: next })))
      await optional(() => forge.comment(number, said));
  }
  const how = merged ? 'merged, but the base branch gives no consent' : 'closed without a merge';
  return resultOf('held', pull, `${how}; asked again after ${until}`);
}

/** The commit that gives the consent, and nothing else. */
async function consentCommit({ mirror, evidence }: Options): Promise<string> {
  const { tree, asOf } = evidence;
  const text = (await tree.read([rulesFile])).get(rulesFile)?.toString('utf8') ?? null;
  const files = new Map([[rulesFile, giveConsent(text, rulesFile)]]);
  await checkFiles(tree, files);
  return mirror.commit(files, `${previewTitle}\n\nMerging this lets it.\n`, asOf);
}

const bodyOf = (shown: readonly Shown[], commit: string, { plan, evidence: { organisation } }: Options) => ({
  marker: { version: 1, shown: shownKey(shown, organisation), commit } as const,
  own: renderPreview(shown, plan, organisation),
});

async function begin(shown: readonly Shown[], options: Options): Promise<Pull> {
  const { forge, mirror } = options;
  const tip = mirror.branches.get(onboardingBranch);
  if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
    return resultOf(
      'held',
      null,
      `people have committed to the branch ${onboardingBranch}: open it, or delete it`,
    );
  const commit = await consentCommit(options);
  // Whatever pull request there may be that the list does not show yet: its branch says the same before and after.
  if (tip !== commit) await mirror.push(onboardingBranch, commit);
  const { marker, own } = bodyOf(shown, commit, options);
  const body = previewMarker.join(marker, own, { above: '', below: '' });
  const opened = await create(forge, { title: previewTitle, body });
  if (opened === null)
    return resultOf('held', null, 'the forge has a pull request that it does not list yet');
  await vouch(forge, commit);
  await optional(() => forge.addLabels(opened.number, ['grantgate']));
  return resultOf('opened', opened);
}

/** An answer may be lost after the work was done, so after a failure the forge is asked what it has; null for one that it hides. */
async function create(forge: Forge, texts: { title: string; body: string }): Promise<ForgePull | null> {
  try {
    return await forge.createPull(onboardingBranch, texts);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const found = await forge.findOpen(onboardingBranch).catch(() => null);
    if (found !== null) return found;
    if (/already exists/i.test(error.message)) return null;
    throw error;
  }
}

async function update(pull: ForgePull, shown: readonly Shown[], options: Options): Promise<Pull> {
  const { forge, mirror } = options;
  const tip = mirror.branches.get(pull.branch);
  if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
    return resultOf('unchanged', pull, 'the branch has commits by people');
  const before = shownIn(pull);
  const consent = await consentCommit(options);
  // Whoever may push can call a commit ours: it is kept for what it does.
  const sound =
    tip !== undefined &&
    (await mergesWell(mirror, tip)) &&
    (await mirror.differing(tip, consent))?.paths.length === 0;
  const commit = sound ? tip : consent;
  const { marker, own } = bodyOf(shown, commit, options);
  if (sound && before?.shown === marker.shown && before.commit === tip) {
    if (!(await forge.hasStatus(tip, announcedContext))) await vouch(forge, tip);
    return resultOf('unchanged', pull);
  }
  if (commit !== tip) await mirror.push(pull.branch, commit);
  const body = previewMarker.join(marker, own, previewMarker.parts(pull.body));
  const updated = await forge.updatePull(pull.number, { body });
  await vouch(forge, commit);
  return resultOf('updated', updated);
}
