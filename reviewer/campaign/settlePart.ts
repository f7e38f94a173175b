import { instantOf } from '../../bundle/format/times.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import { answersFor } from '../asking/answersFor.ts';
import { askReviewers } from '../asking/askReviewers.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { optional } from '../forge/optional.ts';
import { announcedContext, vouch } from '../pulls/announce.ts';
import type { Mirror } from '../pulls/mirror.ts';
import { noted } from '../pulls/text/alerts.ts';
import { bodyOf, bringUpPart, openPart } from './announcePart.ts';
import { hearAnew } from './answersOf.ts';
import { isOver } from './due.ts';
import { type Frozen, partBranch } from './frozen.ts';
import { joinPart, type PartMarker, partRemembered, partsOf } from './marker.ts';
import { countedApprovers, needsSecond, reviewersOf } from './partReviewers.ts';
import {
  type Base,
  commitPart,
  hasEdits,
  nothingSaid,
  type Said,
  type Told,
  tellPart,
} from './preparePart.ts';
import { remind } from './remind.ts';
import type { Part } from './rows.ts';

export type Settling = {
  forge: Forge;
  /** Logins of those whose last word on this very commit is an approval. */
  approvals: (number: number, head: string) => Promise<readonly string[]>;
  mirror: Mirror;
  frozen: Frozen;
  base: Base;
  /** All pull requests of the campaign that the forge lists. */
  known: readonly ForgePull[];
  /** Seconds since 1970. */
  asOf: number;
};

/**
 * How far a part is. `nothing`: all of it has been decided elsewhere, or has changed; `declined`: somebody has closed it;
 * `lapsed`: nobody has answered, and it is kept as it is by the rules.
 */
export type PartState = 'waiting' | 'open' | 'merged' | 'declined' | 'lapsed' | 'nothing' | 'failed';
export type PartResult = {
  owner: string;
  branch: string;
  grants: number;
  number: number | null;
  url: string | null;
  state: PartState;
  /** What this run did. */
  action: 'opened' | 'reopened' | 'updated' | 'closed' | 'reminded' | 'unchanged' | 'failed';
  reason?: string;
};

const secondContext = 'grantgate/second-approver';
const label = 'grantgate-campaign-part';

type Doing = Pick<PartResult, 'state' | 'action'> & { pull: ForgePull | null; reason?: string };

/** Brings one owner's pull request to where it should be. Throws ForgeError, ReviewError `edit-failed`. */
export async function settlePart(part: Part, settling: Settling): Promise<PartResult> {
  const branch = partBranch(settling.frozen.name, part.owner);
  const { pull, reason, ...done } = await settle(part, branch, settling);
  return {
    ...{ owner: part.owner, branch, grants: part.entries.length, ...done },
    ...{ number: pull?.number ?? null, url: pull?.url ?? null },
    ...(reason !== undefined && { reason }),
  };
}

/** Of an owner's pull requests the one that counts: a merged one, an open one, else the newest. */
export const latest = (mine: readonly ForgePull[]): ForgePull | undefined =>
  mine.find(({ merged }) => merged) ??
  mine.find(({ state }) => state === 'open') ??
  mine.toSorted((a, b) => b.number - a.number)[0];

/** How far a part is, by its pull request. */
export function stateOf(pull: ForgePull): 'merged' | 'open' | 'declined' | 'lapsed' | 'nothing' {
  if (pull.merged) return 'merged';
  if (pull.state === 'open') return 'open';
  const marker = partRemembered(pull);
  if (marker?.closed === undefined) return 'declined';
  return marker.unanswered === undefined ? 'nothing' : 'lapsed';
}

async function settle(part: Part, branch: string, settling: Settling): Promise<Doing> {
  const pull = latest(settling.known.filter((one) => one.branch === branch));
  if (pull === undefined) return begin(part, branch, settling);
  const state = stateOf(pull);
  const marker = partRemembered(pull);
  if (state === 'open') return hold(part, pull, settling);
  if (state === 'declined') return declined(part, pull, marker, settling);
  if (state !== 'nothing' || marker === null) return { pull, state, action: 'unchanged' };
  // Closed by ourselves, for there was nothing to do; there may be again.
  const told = tellPart(settling.frozen, part, marker, settling.base);
  if (!hasEdits(told.rows)) return { pull, state, action: 'unchanged' };
  return bring(part, pull, marker, settling);
}

/** Opens it, asks those who answer, and marks it last: what has no label has not been told of. */
async function begin(part: Part, branch: string, settling: Settling): Promise<Doing> {
  const { forge, mirror, frozen, base } = settling;
  const tip = mirror.branches.get(branch);
  if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
    return { pull: null, state: 'waiting', action: 'unchanged', reason: 'the branch has commits by people' };
  const told = tellPart(frozen, part, nothingSaid, base);
  if (!hasEdits(told.rows)) return { pull: null, state: 'nothing', action: 'unchanged' };
  const commit = await commitPart(told, frozen, base, mirror);
  const pull = await openPart({ forge, mirror }, branch, { ...told.wanted, commit });
  if (pull === null)
    return {
      pull,
      state: 'waiting',
      action: 'unchanged',
      reason: 'the forge does not list its pull request yet',
    };
  await ask(part, pull, settling);
  await remind(part, pull, null, settling);
  return { pull, state: 'open', action: 'opened' };
}

async function ask(part: Part, pull: ForgePull, { forge, base, frozen }: Settling): Promise<void> {
  if (pull.labels.includes(label)) return;
  await askReviewers(forge, pull.number, { people: reviewersOf(part, base.organisation) });
  await optional(() => forge.addLabels(pull.number, ['grantgate', label, `campaign: ${frozen.name}`]));
}

/** Makes branch and text say what is so now; what was closed is opened again. */
async function bring(part: Part, pull: ForgePull, said: Said, settling: Settling): Promise<Doing> {
  const { forge, mirror, frozen, base } = settling;
  const told = tellPart(frozen, part, said, base);
  const commit = await commitPart(told, frozen, base, mirror);
  const isClosed = pull.state !== 'open';
  const brought = await bringUpPart(
    { forge, mirror },
    pull,
    { ...told.wanted, commit },
    isClosed ? 'open' : undefined,
  );
  await ask(part, brought, settling);
  return { pull: brought, state: 'open', action: isClosed ? 'reopened' : 'updated' };
}

async function hold(part: Part, pull: ForgePull, settling: Settling): Promise<Doing> {
  const { forge, mirror, frozen, base, asOf } = settling;
  const tip = mirror.branches.get(pull.branch);
  const marker = partRemembered(pull);
  if (tip !== undefined && (await mirror.hasHumanCommits(tip))) {
    const reminded = await remind(part, pull, marker, settling);
    const action = reminded ? 'reminded' : 'unchanged';
    return { pull, state: 'open', action, reason: 'the branch has commits by people' };
  }
  let said: Said = marker ?? (await hearAnew(part, pull, settling));
  if (
    isOver(frozen, asOf) &&
    said.unanswered === undefined &&
    !(await forge.isApproved(pull.number, answersFor(part.owner, base.organisation, part.entries)))
  )
    // The due date, whenever the run is: a second one says the same.
    said = { ...said, unanswered: instantOf(endOf(frozen.due)) };
  const told = tellPart(frozen, part, said, base);
  if (!hasEdits(told.rows)) return close(part, pull, said, settling);
  const isWhole =
    tip !== undefined &&
    bodyOf({ ...told.wanted, commit: tip }, pull.body) === pull.body.replace(/\r\n/g, '\n') &&
    pull.isOurs &&
    ((await mirror.isAhead(tip)) || (await mirror.merged(tip)) !== null);
  let brought: Doing = { pull, state: 'open', action: 'unchanged' };
  if (!isWhole && tip !== undefined && (await doesJust(tip, told, settling))) {
    const body = bodyOf({ ...told.wanted, commit: tip }, pull.body);
    brought = { pull: await forge.updatePull(pull.number, { body }), state: 'open', action: 'updated' };
    await vouch(forge, tip);
  } else if (!isWhole) brought = await bring(part, pull, said, settling);
  else {
    if (!(await forge.hasStatus(tip, announcedContext))) await vouch(forge, tip);
    await ask(part, pull, settling);
  }
  const after = brought.pull ?? pull;
  await settleSecond(part, after, settling);
  const reminded = await remind(part, after, told.wanted.marker, settling);
  return brought.action === 'unchanged' && reminded ? { ...brought, action: 'reminded' } : brought;
}

/** Whether the merge of a branch does what is told of a part, and nothing else. */
async function doesJust(tip: string, told: Told, { frozen, base, mirror }: Settling): Promise<boolean> {
  return (await mirror.differing(tip, await commitPart(told, frozen, base, mirror)))?.paths.length === 0;
}

/** Nothing is left to merge: by the rules, since nobody has answered; or for it was all decided elsewhere, or changed. */
async function close(
  part: Part,
  pull: ForgePull,
  said: Said,
  { forge, frozen, base }: Settling,
): Promise<Doing> {
  const { wanted } = tellPart(frozen, part, said, base);
  const lapsed = said.unanswered !== undefined;
  const closed = lapsed
    ? `nobody has answered by ${frozen.due}, so it is left as it is (pull_requests.no_response)`
    : 'everything in it has changed or been decided elsewhere since';
  const own = noted(`Closed: ${closed}.`, wanted.own);
  const commit = partRemembered(pull)?.commit ?? null;
  const body = joinPart({ ...wanted.marker, commit, closed }, own, partsOf(pull.body));
  const done = await forge.updatePull(pull.number, { body, state: 'closed' });
  return { pull: done, state: lapsed ? 'lapsed' : 'nothing', action: 'closed', reason: closed };
}

/** Somebody has closed it: that is no answer, and from the due date on what the rules say of none. */
async function declined(
  part: Part,
  pull: ForgePull,
  marker: PartMarker | null,
  settling: Settling,
): Promise<Doing> {
  const { frozen, base, asOf } = settling;
  const as = (): Doing => ({ pull, state: 'declined', action: 'unchanged' });
  if (!isOver(frozen, asOf) || marker?.unanswered !== undefined) return as();
  const said = {
    ...(marker ?? (await hearAnew(part, pull, settling))),
    unanswered: instantOf(endOf(frozen.due)),
  };
  const { rows } = tellPart(frozen, part, said, base);
  const suspends = rows.some(({ proposal, edits }) => proposal === 'suspend' && edits.length > 0);
  // Asked once more, and not against what was said a second time.
  if (!suspends) return as();
  const brought = await bring(part, pull, said, settling);
  await remind(part, brought.pull ?? pull, said, settling);
  return brought;
}

/** Says on the commit whether two people have approved it, where the tier asks for that. */
async function settleSecond(part: Part, pull: ForgePull, settling: Settling): Promise<void> {
  const { forge, approvals, mirror, base } = settling;
  const head = mirror.branches.get(pull.branch);
  if (head === undefined || !needsSecond(part, base.organisation)) return;
  const given = countedApprovers(await approvals(pull.number, head), part, base.organisation).length >= 2;
  if (given === (await forge.hasStatus(head, secondContext))) return;
  const description = given ? 'Two people have approved this commit' : 'Two people must approve this commit';
  await optional(() =>
    forge.setStatus(head, { context: secondContext, state: given ? 'success' : 'pending', description }),
  );
}
