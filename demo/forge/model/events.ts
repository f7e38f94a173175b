import { type Commit, commitsBetween } from '../git/commits.ts';
import { isAncestor } from '../git/compare.ts';
import { type Core, repositoryUrl } from './core.ts';
import { pullFacts } from './pullFacts.ts';
import { renderPull } from './renderPull.ts';
import { renderRepository, renderUser } from './shapes.ts';
import type { PullIssue } from './state.ts';
import type { User } from './users.ts';

const zero = '0'.repeat(40);

const renderCommit = (core: Core, commit: Commit) => ({
  id: commit.sha,
  tree_id: commit.tree,
  distinct: true,
  message: commit.message,
  timestamp: commit.committer.date,
  url: `${repositoryUrl(core)}/commit/${commit.sha}`,
  author: { name: commit.author.name, email: commit.author.email, date: commit.author.date },
  committer: { name: commit.committer.name, email: commit.committer.email, date: commit.committer.date },
});

export type RefMove = {
  ref: string;
  /** Null when the ref did not exist. */
  before: string | null;
  /** Null when the ref was deleted. */
  after: string | null;
};

/** Everything a push event tells besides the move itself; for merges it is read before the ref moves. */
export type PushDetails = { commits: Commit[]; forced: boolean };

export async function pushDetails(core: Core, move: RefMove): Promise<PushDetails> {
  const { before, after } = move;
  if (after === null || !core.isHeard()) return { commits: [], forced: false };
  const since = before ?? (core.refs.get(`refs/heads/${core.defaultBranch}`) || null);
  const [commits, kept] = await Promise.all([
    commitsBetween(core.git, since, after, 20),
    before === null ? true : isAncestor(core.git, before, after),
  ]);
  return { commits: commits.reverse(), forced: !kept };
}

/** Sends `push` as GitHub does when a branch or tag moves. */
export function announcePush(core: Core, move: RefMove, details: PushDetails, sender: User): void {
  const { ref, before, after } = move;
  const commits = details.commits.map((commit) => renderCommit(core, commit));
  core.emit('push', {
    ref,
    before: before ?? zero,
    after: after ?? zero,
    created: before === null,
    deleted: after === null,
    forced: details.forced,
    base_ref: null,
    compare: `${repositoryUrl(core)}/compare/${before ?? zero}...${after ?? zero}`,
    commits,
    head_commit: commits.at(-1) ?? null,
    repository: renderRepository(core),
    pusher: { name: sender.login, email: sender.email },
    sender: renderUser(core, sender),
  });
}

export type PullAction = 'opened' | 'closed' | 'reopened' | 'edited' | 'synchronize';

/** Sends `pull_request` with the pull request as it now is. */
export async function announcePull(
  core: Core,
  issue: PullIssue,
  { action, by, ...more }: { action: PullAction; by: User; before?: string; after?: string },
): Promise<void> {
  // What nobody hears need not be asked of Git.
  if (!core.isHeard()) return;
  core.emit('pull_request', {
    action,
    number: issue.number,
    pull_request: renderPull(core, issue, await pullFacts(core, issue)),
    ...more,
    repository: renderRepository(core),
    sender: renderUser(core, by),
  });
}
