import { dayOf, instantOf } from '../../bundle/format/times.ts';
import { answersFor } from '../asking/answersFor.ts';
import { notify } from '../asking/notify.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { prose } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import { combine } from '../plan/combine.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { nameOf } from '../plan/sentence.ts';
import { type OpenPull, rememberedMs, type Task } from './allot.ts';
import { announcedContext, bringUp, openPull, updateText, vouch, type WantedPull } from './announce.ts';
import { checkFiles, filesOf, holdsJust, mergesWell } from './changes.ts';
import type { FileTexts, Mirror } from './mirror.ts';
import { isTold, type People } from './people.ts';
import type { Pull } from './pull.ts';
import type { PullLimits } from './pullLimits.ts';
import { stillProposed } from './stillProposed.ts';
import { entriesOf, renderBody } from './text/body.ts';
import type { Family } from './text/branch.ts';
import { actionOf, editFor } from './text/decision.ts';
import { goneWhy, isBlind } from './text/gone.ts';
import { joinBody } from './text/joinBody.ts';
import { bodyParts, type Entry, type Marker, parseBody } from './text/marker.ts';
import { awaitsReplay, hasReplay, unreplayed, withReplay } from './text/sections.ts';
import { renderTitle } from './text/title.ts';
import { unanswered } from './unanswered.ts';

export type Settling = {
  forge: Forge;
  mirror: Mirror;
  plan: Plan;
  evidence: Evidence;
  /** All that the forge listed. */
  known: readonly ForgePull[];
  limits: PullLimits;
  people: People;
  /** Why a group is not to be changed now, or null: the brake. */
  stopped: (family: Family) => string | null;
  /** What recorded requests say of a commit on top of the base. */
  replay: (commit: string, files: FileTexts) => Promise<string | null>;
};

const sameSet = (left: readonly string[], right: readonly string[]) =>
  left.length === right.length && new Set([...left, ...right]).size === right.length;

type Result = {
  pull: ForgePull | null;
  branch: string;
  grants: readonly string[];
  reason?: string | null | undefined;
};

const resultOf = (action: Pull['action'], { pull, branch, grants, reason }: Result): Pull => ({
  number: pull?.number ?? null,
  url: pull?.url ?? null,
  branch,
  grants,
  action,
  ...(typeof reason === 'string' && { reason }),
});

/** Carries out one task. Throws ForgeError, ReviewError `edit-failed`: of this task alone, unless the forge is out of reach. */
export async function settle(task: Task, options: Settling): Promise<Pull> {
  if (task.kind === 'close') return close(task.open, options);
  return task.kind === 'hold' ? hold(task, options) : open(task, options);
}

async function close({ pull, marker }: OpenPull, { forge, plan, evidence }: Settling): Promise<Pull> {
  const entries = marker?.entries ?? [];
  const grants = entries.map(({ grant }) => grant);
  const result = (action: Pull['action'], reason: string) =>
    resultOf(action, { pull, branch: pull.branch, grants, reason });
  if (marker === null) return result('unchanged', 'its description is not one of the review');
  if (isBlind(entries, plan)) return result('unchanged', 'the records do not cover enough to judge it anew');
  const why = goneWhy(marker, plan, evidence.organisation);
  const parts = bodyParts(pull.body);
  const said = `Closed, for its cause is gone: ${why}.`;
  const body = joinBody({ ...marker, closed: why }, closing(said, parts.own), parts);
  await forge.updatePull(pull.number, { body, state: 'closed' });
  await optional(() => forge.comment(pull.number, said));
  return result('closed', why);
}

/** Said where the closing itself is written: a comment may be lost. */
const closing = (said: string, own: string) => `> [!NOTE]\n> ${said}\n\n${own}`;

async function hold(task: Extract<Task, { kind: 'hold' }>, options: Settling): Promise<Pull> {
  const { forge, mirror, plan, people, stopped, evidence } = options;
  const { branch } = task;
  const { pull, marker, handsOff, closedToMore } = task.open;
  const grants = task.findings.map(({ grant }) => grant);
  const result = (action: Pull['action'], reason?: string | null) =>
    resultOf(action, { pull, branch, grants, reason });
  const stop = stopped(task.family);
  if (stop !== null) return result('unchanged', stop);
  if (handsOff) return result('unchanged', 'the branch has commits by people');
  const found = new Set(task.findings.map(({ fingerprint }) => fingerprint));
  const said = marker?.entries ?? [];
  const left = said.filter(({ fingerprint }) => !found.has(fingerprint));
  if (isBlind(left, plan)) return result('unchanged', 'the records do not cover enough to judge it anew');
  const same = sameSet(
    said.map(({ fingerprint }) => fingerprint),
    [...found],
  );
  const tip = mirror.branches.get(branch);
  const sound = tip !== undefined && (await mergesWell(mirror, tip));
  // Whoever has opened it again: what it says of its end is over, and its next end is somebody's answer.
  const isAgain = !closedToMore && (marker?.closed ?? marker?.remembered) !== undefined;
  if (same && sound && marker?.commit === tip && !isAgain) {
    const isVouched = await forge.hasStatus(tip, announcedContext);
    const merges = marker.tier === 'automatic' && isUndecided(marker);
    // Our word on a commit, and its merge, go by what it does: whoever may push can call it ours, and write so in the text.
    const { end_days: endDays } = evidence.organisation.review.thresholds.recommend;
    const entries = merges ? stillProposed(task.findings, marker, endDays) : marker.entries;
    const isOurs = (isVouched && !merges) || (await holdsJust(mirror, tip, entries, evidence));
    if (isOurs || closedToMore) {
      const due = await answerForNobody(task, marker, options);
      if (due !== null) return due;
      if (isOurs && !isVouched) await vouch(forge, tip);
      // A run that died behind the creation has told nobody.
      if (!isTold(pull)) await people.ask(pull, task);
      if (isOurs && (await mergedByItself(pull, marker, forge))) return result('merged');
      if (isOurs && (await replayAnew(pull, { ...marker, commit: tip }, options))) return result('updated');
      return result('unchanged', closedToMore ? 'approved' : null);
    }
  }
  const again = isAgain && marker !== null ? { ...marker, asked: instantOf(evidence.asOf) } : marker;
  const wanted = await prepare(task, options, again, pull);
  // A run that died between the push and the text left the branch as it is to be.
  const done =
    same && sound && tip === wanted.commit
      ? await updateText({ forge }, pull, wanted)
      : await bringUp({ forge, mirror }, pull, wanted);
  if (!isTold(pull)) await people.ask(pull, task);
  return resultOf('updated', { pull: done, branch, grants });
}

/**
 * Says of what is proposed now what recorded requests say of it; false where they were asked of that, and where there are none
 * at hand: a later run may have some.
 */
async function replayAnew(
  pull: ForgePull,
  marker: Marker & { commit: string },
  { forge, evidence, replay }: Settling,
): Promise<boolean> {
  const parts = bodyParts(pull.body.replace(/\r\n/g, '\n'));
  if (!awaitsReplay(parts.own)) return false;
  const said = await replay(marker.commit, await filesOf(marker.entries, evidence));
  if (said === null) return false;
  await forge.updatePull(pull.number, { body: joinBody(marker, withReplay(parts.own, said), parts) });
  return true;
}

/** Does what `no_response` says once nobody has answered for long; null when nothing is due. */
async function answerForNobody(
  task: Extract<Task, { kind: 'hold' }>,
  marker: Marker,
  options: Settling,
): Promise<Pull | null> {
  const { forge, mirror, people, evidence } = options;
  const { pull } = task.open;
  const due = unanswered(marker, task.findings, evidence.organisation, pull);
  if (due === null || evidence.asOf < due.at || task.open.closedToMore) return null;
  // An approval is an answer; whether there is one was asked only where something could join.
  const answers = answersFor(marker.owner, evidence.organisation, task.findings);
  if (await forge.isApproved(pull.number, answers)) return null;
  const grants = task.findings.map(({ grant }) => grant);
  const at = instantOf(evidence.asOf);
  const parts = bodyParts(pull.body);
  if (due.rule === 'keep') {
    const remembered = instantOf(evidence.asOf + rememberedMs / 1000);
    const reason = `nobody has merged or closed it for 30 days, so everything is kept (pull_requests.no_response); asked again after ${remembered}`;
    await forge.updatePull(pull.number, {
      body: joinBody({ ...marker, remembered }, closing(`Closed: ${reason}.`, parts.own), parts),
      state: 'closed',
    });
    await optional(() => forge.comment(pull.number, `Closed: ${reason}.`));
    return resultOf('closed', { pull, branch: pull.branch, grants, reason });
  }
  const suspending = due.rule === 'suspend' && marker.tier === 'certification';
  const { owners, names } = await people.escalation(task.findings);
  const reason = `nobody has merged or closed it for 30 days, so ${owners.map(nameOf).join(', ')} ${owners.length === 1 ? 'is' : 'are'} asked${suspending ? ' to suspend what it holds' : ''} (pull_requests.no_response)`;
  // First, for whoever is asked twice is asked once, and what has been said is not said again.
  const key = `unanswered ${dayOf(due.at)}`;
  await optional(() =>
    notify(forge, pull.number, [{ key, who: names, text: `${prose(reason)}.`, asks: true }]),
  );
  const escalated: Marker = { ...marker, escalated: at };
  if (suspending) {
    const unanswered = instantOf(due.since);
    const suspend = { kind: 'suspend', by: 'service:grantgate', at, unanswered } as const;
    const entries = marker.entries.map((entry) => ({ ...entry, decision: entry.decision ?? suspend }));
    const wanted = await prepare(task, options, { ...escalated, entries }, pull);
    await bringUp({ forge, mirror }, pull, wanted);
  } else await forge.updatePull(pull.number, { body: joinBody(escalated, parts.own, parts) });
  return resultOf('updated', { pull, branch: pull.branch, grants, reason });
}

async function open(task: Extract<Task, { kind: 'open' }>, options: Settling): Promise<Pull> {
  const { forge, mirror, known, limits, stopped, people, evidence } = options;
  const { branch, findings, family } = task;
  const grants = findings.map(({ grant }) => grant);
  const held = stopped(family) ?? limits.take(branch);
  if (held !== null) return resultOf('held', { pull: null, branch, grants, reason: held });
  const wanted = await prepare(task, options, null);
  const before = known.filter((pull) => pull.branch === branch && pull.state === 'closed');
  const tip = mirror.branches.get(branch);
  // GitHub opens again only what nobody has pushed over meanwhile.
  const again = before.find(
    (pull) => !pull.merged && pull.head === tip && parseBody(pull.body)?.closed !== undefined,
  );
  if (again !== undefined) {
    const asked = { ...wanted, marker: { ...wanted.marker, asked: instantOf(evidence.asOf) } };
    const reopened = await bringUp({ forge, mirror }, again, asked, 'open');
    return resultOf('reopened', { pull: reopened, branch, grants });
  }
  const isKnown = before.some(({ head }) => head === tip);
  const opened = await openPull({ forge, mirror }, branch, wanted, isKnown);
  if (opened === null)
    return resultOf('held', {
      pull: null,
      branch,
      grants,
      reason: 'the forge has a pull request that it does not list yet',
    });
  await people.ask(opened, task);
  const merged = await mergedByItself(opened, { ...wanted.marker, commit: wanted.commit }, forge);
  return resultOf(merged ? 'merged' : 'opened', { pull: opened, branch, grants });
}

const isUndecided = ({ entries }: Pick<Marker, 'entries'>) =>
  entries.length > 0 && entries.every(({ decision }) => decision === undefined);

/** Merges what only holds recommendations of kinds that review.yaml lets, as nobody has decided otherwise. */
async function mergedByItself(pull: ForgePull, marker: Marker, forge: Forge): Promise<boolean> {
  const { tier, commit } = marker;
  return (
    tier === 'automatic' &&
    isUndecided(marker) &&
    commit !== null &&
    (await forge.mergePull(pull.number, commit))
  );
}

type Asked = { family: Family; findings: readonly Finding[]; waiting: number };

/** The commit and the text for a set of findings; what people have decided of them in `before` stands. `pull`: what it is said in so far. */
async function prepare(
  { family, findings, waiting }: Asked,
  { mirror, plan, evidence, people, replay }: Settling,
  before: Marker | null,
  pull: Pick<ForgePull, 'body'> | null = null,
): Promise<WantedPull> {
  const { organisation, asOf } = evidence;
  const decisions = new Map<string, Entry['decision']>(
    (before?.entries ?? []).map(({ fingerprint, decision }) => [fingerprint, decision]),
  );
  const entries = entriesOf(findings, decisions);
  const { owner, tier, risk } = family;
  const title = renderTitle(
    family,
    entries.map((entry) => ({ action: actionOf(entry), api: entry.api })),
  );
  const marker: Omit<Marker, 'commit'> = {
    ...{ version: 2, as_of: plan.as_of, owner, tier, risk, title, entries },
    ...(before?.asked !== undefined && { asked: before.asked }),
    ...(before?.escalated !== undefined && { escalated: before.escalated }),
    ...(before?.handled !== undefined && { handled: before.handled }),
  };
  const files = await filesOf(entries, evidence);
  await checkFiles(evidence.tree, files);
  const commit = await mirror.commit(files, messageOf(title, findings), asOf);
  const own = renderBody(
    {
      ...{ family, findings, plan, organisation, asOf, waiting, decisions },
      fileUrl: people.fileUrl,
      // Of what no records are at hand for in this run, another one is to tell.
      replay: (await replay(commit, files)) ?? (pull !== null && hasReplay(pull.body) ? unreplayed : null),
      mentions: people.losing(combine(entries.map(editFor), organisation)),
    },
    { ...marker, commit },
  );
  return { marker, own, commit, draft: people.isUnsure(findings) };
}

function messageOf(
  title: string,
  findings: readonly Pick<Finding, 'action' | 'grant' | 'detector' | 'sentence'>[],
): string {
  const lines = findings.map(
    ({ action, grant, detector, sentence }) => `${action} ${grant} (${detector}): ${sentence}`,
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}
