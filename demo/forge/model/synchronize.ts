import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { aheadOf } from '../git/compare.ts';
import { readRefs } from '../git/readRefs.ts';
import { type Core, openPulls } from './core.ts';
import { announcePull, announcePush, pushDetails, type RefMove } from './events.ts';
import { closeRecord, mergeRecord } from './pullState.ts';
import type { PullIssue } from './state.ts';
import type { User } from './users.ts';

function moves(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): RefMove[] {
  const names = new Set([...from.keys(), ...to.keys()]);
  return [...names]
    .map((ref) => ({ ref, before: from.get(ref) ?? null, after: to.get(ref) ?? null }))
    .filter((move) => move.before !== move.after);
}

const tip = (refs: ReadonlyMap<string, string>, branch: string) => refs.get(`refs/heads/${branch}`);

/** Keeps the commits of a pull request reachable after its branch is gone. */
export async function keepHead(core: Core, issue: PullIssue): Promise<void> {
  // As Git writes it, without starting it: a lock beside it, and the one name for the other.
  const ref = join(core.git.repository, 'refs', 'pull', String(issue.number), 'head');
  await mkdir(dirname(ref), { recursive: true });
  await writeFile(`${ref}.lock`, `${issue.pull.head.sha}\n`);
  await rename(`${ref}.lock`, ref);
}

/** Brings one open pull request in line with its branches; true when something changed. */
async function follow(
  core: Core,
  issue: PullIssue,
  { moved, by, tell }: { moved: ReadonlySet<string>; by: User; tell: boolean },
): Promise<boolean> {
  const { pull } = issue;
  const head = tip(core.refs, pull.head.ref);
  const base = tip(core.refs, pull.base.ref);
  const before = pull.head.sha;
  if (head === undefined || base === undefined) {
    closeRecord(core, issue, by);
    if (tell) await announcePull(core, issue, { action: 'closed', by });
    return true;
  }
  const baseMoved = moved.has(`refs/heads/${pull.base.ref}`);
  if (head === before && !baseMoved) return false;
  if (head !== before) {
    pull.head.sha = head;
    await keepHead(core, issue);
  }
  if ((await aheadOf(core.git, base, head)).trees.length === 0) {
    // Somebody merged by pushing to the base; a head moved back onto its base holds nothing to merge any more.
    if (baseMoved) mergeRecord(core, issue, by, base);
    else closeRecord(core, issue, by);
    if (tell) await announcePull(core, issue, { action: 'closed', by });
    return true;
  }
  if (head === before) return false;
  pull.base.sha = base;
  issue.updatedAt = core.now();
  if (tell) await announcePull(core, issue, { action: 'synchronize', by, before, after: head });
  return true;
}

/**
 * Compares branches and tags with what was last seen, sends `push` for each that moved, and brings open pull
 * requests in line: new head, closed with their branch, merged by a push. Call it inside `exclusive` only.
 */
export async function synchronize(core: Core, by: User, tell = true): Promise<void> {
  const refs = await readRefs(core.git);
  const changed = moves(core.refs, refs);
  if (changed.length === 0) return;
  if (tell) {
    await Promise.all(
      changed.map(async (move) => announcePush(core, move, await pushDetails(core, move), by)),
    );
  }
  await afterMoves(core, { refs, moves: changed }, by, tell);
}

/** The second half of a move whose push event has been sent: the pull requests follow. */
export async function afterMoves(
  core: Core,
  { refs, moves: made }: { refs: ReadonlyMap<string, string>; moves: readonly RefMove[] },
  by: User,
  tell = true,
): Promise<void> {
  core.refs.clear();
  for (const [ref, sha] of refs) core.refs.set(ref, sha);
  const moved = new Set(made.map((move) => move.ref));
  let dirty = false;
  for (const issue of openPulls(core)) dirty = (await follow(core, issue, { moved, by, tell })) || dirty;
  if (dirty) await core.state.save();
}
