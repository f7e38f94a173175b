import { dayOf, instantOf } from '../../bundle/format/times.ts';
import { answersFor } from '../asking/answersFor.ts';
import { notify } from '../asking/notify.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { prose } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import { nameOf } from '../plan/sentence.ts';
import { type OpenPull, rememberedMs, type Task } from './allot.ts';
import { announcedContext, bringUp, openPull, updateText, vouch } from './announce.ts';
import { filesOf, holdsJust, mergesWell } from './changes.ts';
import { isTold } from './people.ts';
import { type Preparing, prepare } from './prepare.ts';
import type { Pull } from './pull.ts';
import type { PullLimits } from './pullLimits.ts';
import { stillProposed } from './stillProposed.ts';
import { noted } from './text/alerts.ts';
import { entriesOf } from './text/body.ts';
import type { Family } from './text/branch.ts';
import { changedNotice } from './text/changedNotice.ts';
import { goneWhy, isBlind } from './text/gone.ts';
import { joinBody } from './text/joinBody.ts';
import { bodyParts, type Entry, type Heard, type Marker, parseBody, rememberedIn } from './text/marker.ts';
import { awaitsReplay, withReplay } from './text/sections.ts';
import { unanswered } from './unanswered.ts';

export type Settling = Preparing & {
  forge: Forge;
  /** All that the forge listed. */
  known: readonly ForgePull[];
  limits: PullLimits;
  /** Why a group is not to be changed now, or null: the brake. */
  stopped: (family: Family) => string | null;
  /** What people have decided of proposals, by their comments on a pull request, as if none had been heard before. */
  hear: (number: number, entries: readonly Entry[]) => Promise<Heard & { unnamed?: readonly string[] }>;
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
  // What somebody else has written is not said on as the review's.
  const own = pull.isOurs ? parts.own : '';
  const left = pull.isOurs ? entries : entries.map(({ decision: _, ...entry }) => entry);
  const body = joinBody({ ...marker, entries: left, closed: why }, noted(said, own), parts);
  await forge.updatePull(pull.number, { body, state: 'closed' });
  await optional(() => forge.comment(pull.number, said));
  return result('closed', why);
}

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
  if (!pull.isOurs) {
    const done = await restate(task, options);
    const anew = rememberedIn(done.pull);
    const open = { ...task.open, pull: { ...done.pull, reopenedMs: pull.reopenedMs }, marker: anew };
    // What is due is due all the same: nobody puts it off by writing into a text again and again.
    const due = anew === null ? null : await answerForNobody({ ...task, open }, anew, options);
    return due ?? result('updated', done.reason);
  }
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
  const wanted = await prepare(task, options, marker, pull);
  // A run that died between the push and the text left the branch as it is to be, and so did who brought it up to date.
  const isThere =
    same &&
    sound &&
    (tip === wanted.commit || (await holdsJust(mirror, tip, wanted.marker.entries, evidence)));
  const done = isThere
    ? await updateText({ forge }, pull, { ...wanted, commit: tip })
    : await bringUp({ forge, mirror }, pull, wanted);
  if (!isTold(pull)) await people.ask(pull, task);
  return resultOf('updated', { pull: done, branch, grants });
}

/**
 * Writes anew what somebody else has changed: proposals by the evidence, decisions by the comments that are as they were
 * written. What the text said otherwise is told, and not carried out; the branch stays where it does the same.
 */
async function restate(
  task: Extract<Task, { kind: 'hold' }>,
  options: Settling,
): Promise<{ pull: ForgePull; reason: string | null }> {
  const { forge, mirror, people, evidence, hear } = options;
  const { pull } = task.open;
  const heard = await hear(pull.number, entriesOf(task.findings));
  const claimed = parseBody(pull.body)?.entries ?? null;
  const notice = changedNotice(pull.body, { claimed, proven: heard.entries, unnamed: heard.unnamed });
  // First, for afterwards the text is as it should be.
  if (notice !== null) await notify(forge, pull.number, [notice]);
  const wanted = await prepare(task, options, heard, pull);
  const tip = mirror.branches.get(task.branch);
  const isSame =
    tip !== undefined &&
    (await mergesWell(mirror, tip)) &&
    (await holdsJust(mirror, tip, wanted.marker.entries, evidence));
  const done = isSame
    ? await updateText({ forge }, pull, { ...wanted, commit: tip })
    : await bringUp({ forge, mirror }, pull, wanted);
  if (!isTold(pull)) await people.ask(pull, task);
  const reason = notice === null ? null : 'somebody has changed what its description remembered';
  return { pull: done, reason };
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
      body: joinBody({ ...marker, remembered }, noted(`Closed: ${reason}.`, parts.own), parts),
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
  const { forge, mirror, known, limits, stopped, people } = options;
  const { branch, findings, family } = task;
  const grants = findings.map(({ grant }) => grant);
  const held = stopped(family) ?? limits.take(branch);
  if (held !== null) return resultOf('held', { pull: null, branch, grants, reason: held });
  const wanted = await prepare(task, options, null);
  const before = known.filter((pull) => pull.branch === branch && pull.state === 'closed');
  const tip = mirror.branches.get(branch);
  // GitHub opens again only what nobody has pushed over meanwhile.
  const again = before.find(
    (pull) => !pull.merged && pull.head === tip && rememberedIn(pull)?.closed !== undefined,
  );
  if (again !== undefined) {
    const reopened = await bringUp({ forge, mirror }, again, wanted, 'open');
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
