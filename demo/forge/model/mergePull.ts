import { type Commit, commitsBetween, readCommits } from '../git/commits.ts';
import { ApiError } from './apiError.ts';
import type { Core } from './core.ts';
import { announcePull, announcePush } from './events.ts';
import { commitTree, mergeTree, moveRef } from './merge.ts';
import { pullFacts } from './pullFacts.ts';
import { mergeRecord } from './pullState.ts';
import type { PullIssue } from './state.ts';
import { afterMoves, synchronize } from './synchronize.ts';
import type { User } from './users.ts';

export type MergeRequest = {
  method: 'merge' | 'squash' | 'rebase';
  /** The head the caller has seen; another one answers 409. */
  sha?: string | undefined;
  title?: string | undefined;
  message?: string | undefined;
};

const attempts = 5;
const notMergeable = (why = 'Pull Request is not mergeable') => new ApiError(405, why);

function mergeMessage(core: Core, issue: PullIssue, request: MergeRequest): string {
  const squash = request.method === 'squash';
  const title =
    request.title ??
    (squash
      ? `${issue.title} (#${issue.number})`
      : `Merge pull request #${issue.number} from ${core.owner}/${issue.pull.head.ref}`);
  const message = request.message ?? (squash ? '' : issue.title);
  return message === '' ? `${title}\n` : `${title}\n\n${message}\n`;
}

/** Each commit again on top of the branch, with its own author and words; the last of them. */
async function rebased(core: Core, before: string, commits: readonly Commit[]): Promise<Commit> {
  let last: Commit | null = null;
  for (const one of commits) {
    const [onto] = await readCommits(core.git, [last?.sha ?? before]);
    if (onto === undefined || one.parents.length !== 1) throw notMergeable();
    // A commit that begins where this one does, with what the branch has, makes that the merge's base.
    const { author, message } = one;
    const from = { tree: onto.tree, parents: one.parents, message: 'base\n', author };
    const merged = await mergeTree(core.git, (await commitTree(core, from)).sha, one.sha);
    if (merged === null || merged.conflicts.length > 0) throw notMergeable();
    last = await commitTree(core, {
      tree: merged.tree,
      parents: [onto.sha],
      message: `${message}\n`,
      author,
    });
  }
  if (last === null) throw notMergeable();
  return last;
}

/**
 * Merges a pull request into its base branch and returns the new commit. Throws ApiError 405 when it is closed,
 * merged or in conflict, 409 when its head is not `sha`. The push event leaves right after the branch has moved.
 */
export function mergePull(core: Core, issue: PullIssue, request: MergeRequest, by: User): Promise<string> {
  return core.exclusive(async () => {
    await synchronize(core, by);
    if (issue.state !== 'open') throw notMergeable();
    if (issue.pull.draft) throw notMergeable('Pull Request is still a draft');
    const { head, base } = issue.pull;
    if (request.sha !== undefined && request.sha !== head.sha)
      throw new ApiError(409, 'Head branch was modified. Review and try the merge again.');
    const ref = `refs/heads/${base.ref}`;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const before = core.refs.get(ref);
      if (before === undefined) throw notMergeable();
      // Asked for at the same time: the merge itself, mostly known from the page, and the commits it brings.
      const [{ merged }, commits] = await Promise.all([
        pullFacts(core, issue),
        request.method === 'squash' ? [] : commitsBetween(core.git, before, head.sha, 20),
      ]);
      if (merged === null || merged.conflicts.length > 0) throw notMergeable();
      const commit =
        request.method === 'rebase'
          ? await rebased(core, before, commits.toReversed())
          : await commitTree(core, {
              tree: merged.tree,
              parents: request.method === 'squash' ? [before] : [before, head.sha],
              message: mergeMessage(core, issue, request),
              author: by,
            });
      const move = { ref, before, after: commit.sha };
      if (await moveRef(core.git, ref, commit.sha, before)) {
        announcePush(core, move, { commits: [...commits.reverse(), commit], forced: false }, by);
        issue.pull.base.sha = before;
        mergeRecord(core, issue, by, commit.sha);
        await core.state.save();
        await announcePull(core, issue, { action: 'closed', by });
        await afterMoves(core, { refs: new Map(core.refs).set(ref, commit.sha), moves: [move] }, by);
        return commit.sha;
      }
      // A push took the branch meanwhile: merge again on top of it.
      await synchronize(core, by);
      if (issue.state !== 'open') throw notMergeable();
    }
    throw notMergeable('Base branch was modified. Review and try the merge again.');
  });
}
