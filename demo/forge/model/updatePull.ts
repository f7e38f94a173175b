import { isAncestor } from '../git/compare.ts';
import { invalid } from './apiError.ts';
import type { Core } from './core.ts';
import { announcePull, type PullAction } from './events.ts';
import { checkBranches, checkTexts } from './openPull.ts';
import { changeBody, closeRecord, reopenRecord } from './pullState.ts';
import type { PullIssue } from './state.ts';
import { keepHead, synchronize } from './synchronize.ts';
import type { User } from './users.ts';

export type PullChange = {
  title?: string | undefined;
  body?: string | null | undefined;
  state?: 'open' | 'closed' | undefined;
  base?: string | undefined;
};

/** Changes title, body, base or state of a pull request. Throws ApiError 422 where GitHub does. */
export function updatePull(core: Core, issue: PullIssue, change: PullChange, by: User): Promise<void> {
  return core.exclusive(async () => {
    await synchronize(core, by);
    const { pull } = issue;
    checkTexts('PullRequest', change.title, change.body);
    const actions: PullAction[] = [];
    const base = change.base ?? pull.base.ref;
    const opens = change.state === 'open' && issue.state === 'closed';
    if (opens && pull.mergedAt !== null)
      throw invalid({
        resource: 'PullRequest',
        code: 'custom',
        field: 'state',
        message: 'state cannot be changed. The pull request is merged.',
      });
    if (change.base !== undefined && issue.state === 'closed' && !opens && base !== pull.base.ref)
      throw invalid({
        resource: 'PullRequest',
        code: 'custom',
        field: 'base',
        message: 'Cannot change the base branch of a closed pull request.',
      });
    const tip = core.refs.get(`refs/heads/${pull.head.ref}`);
    // What happened to a branch while its pull request was closed cannot be shown, so GitHub keeps it closed.
    if (opens && tip !== undefined && !(await isAncestor(core.git, pull.head.sha, tip)))
      throw invalid({
        resource: 'PullRequest',
        code: 'custom',
        field: 'state',
        message: `state cannot be changed. The ${pull.head.ref} branch was force-pushed or recreated.`,
      });
    if (opens || base !== pull.base.ref) await checkBranches(core, pull.head.ref, base, issue);

    if (change.title !== undefined && change.title !== issue.title) actions.push('edited');
    if (change.body !== undefined && change.body !== issue.body) actions.push('edited');
    if (base !== pull.base.ref) actions.push('edited');
    issue.title = change.title ?? issue.title;
    if (change.body !== undefined) changeBody(core, issue, change.body, by);
    if (base !== pull.base.ref || opens) {
      pull.base = { ref: base, sha: core.refs.get(`refs/heads/${base}`) ?? pull.base.sha };
    }
    if (opens) {
      pull.head.sha = core.refs.get(`refs/heads/${pull.head.ref}`) ?? pull.head.sha;
      await keepHead(core, issue);
      reopenRecord(core, issue);
      actions.push('reopened');
    }
    if (change.state === 'closed' && issue.state === 'open') {
      closeRecord(core, issue, by);
      actions.push('closed');
    }
    if (actions.length === 0) return;
    issue.updatedAt = core.now();
    await core.state.save();
    for (const action of new Set(actions)) await announcePull(core, issue, { action, by });
  });
}
