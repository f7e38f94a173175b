import type { Core } from './core.ts';
import type { Issue, PullIssue } from './state.ts';
import type { User } from './users.ts';

/** Notes in the record that an issue or pull request is closed. */
export function closeRecord(
  core: Core,
  issue: Issue,
  by: User,
  reason: 'completed' | 'not_planned' = 'completed',
): void {
  const now = core.now();
  issue.state = 'closed';
  issue.stateReason = issue.pull === null ? reason : null;
  issue.closedAt = now;
  issue.closedBy = by.login;
  issue.updatedAt = now;
}

/** Another text, and whose it is now; the same one is no change. */
export function changeBody(core: Core, issue: Issue, body: string | null, by: User): void {
  if (body === issue.body) return;
  issue.body = body;
  issue.edited = { by: by.login, at: core.now() };
}

export function reopenRecord(core: Core, issue: Issue): void {
  issue.state = 'open';
  issue.stateReason = issue.pull === null ? 'reopened' : null;
  issue.closedAt = null;
  issue.closedBy = null;
  issue.reopenedAt = core.now();
  issue.updatedAt = issue.reopenedAt;
}

/** Notes in the record that a pull request is merged; `commit` is what the base branch now holds. */
export function mergeRecord(core: Core, issue: PullIssue, by: User, commit: string): void {
  closeRecord(core, issue, by);
  issue.pull.mergedAt = issue.closedAt;
  issue.pull.mergedBy = by.login;
  issue.pull.mergeCommit = commit;
}
