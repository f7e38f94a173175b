import { aheadOf } from '../git/compare.ts';
import { isBranchName } from '../git/refName.ts';
import { invalid, missingField } from './apiError.ts';
import { type Core, openPulls } from './core.ts';
import { announcePull } from './events.ts';
import type { PullIssue } from './state.ts';
import { keepHead, synchronize } from './synchronize.ts';
import type { User } from './users.ts';

const longestTitle = 256;
export const longestBody = 65_536;

/** GitHub's limits on the two texts, counted in characters. */
export function checkTexts(
  resource: string,
  title: string | undefined,
  body: string | null | undefined,
): void {
  const problem = (field: string, most: number) =>
    invalid({
      resource,
      code: 'custom',
      field,
      message: `${field} is too long (maximum is ${most} characters)`,
    });
  if (title !== undefined && title.trim() === '') throw missingField(resource, 'title');
  if (title !== undefined && [...title].length > longestTitle) throw problem('title', longestTitle);
  if (body && [...body].length > longestBody) throw problem('body', longestBody);
}

const custom = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message });
const wrong = (field: string) => invalid({ resource: 'PullRequest', field, code: 'invalid' });

/** Branches with something to merge between them, not yet in another open pull request. */
export async function checkBranches(core: Core, head: string, base: string, self?: PullIssue): Promise<void> {
  const headTip = core.refs.get(`refs/heads/${head}`);
  const baseTip = core.refs.get(`refs/heads/${base}`);
  if (headTip === undefined || !isBranchName(head)) throw wrong('head');
  if (baseTip === undefined || !isBranchName(base)) throw wrong('base');
  const twin = openPulls(core).find(
    (issue) => issue !== self && issue.pull.head.ref === head && issue.pull.base.ref === base,
  );
  if (twin !== undefined) throw custom(`A pull request already exists for ${core.owner}:${head}.`);
  if ((await aheadOf(core.git, baseTip, headTip)).trees.length === 0)
    throw custom(`No commits between ${core.owner}:${base} and ${core.owner}:${head}`);
}

/** Opens a pull request. Throws ApiError 422 as GitHub does for missing fields, unknown branches, twins and no commits. */
export function openPull(
  core: Core,
  request: { title: string; body: string | null; head: string; base: string; draft: boolean },
  by: User,
): Promise<PullIssue> {
  return core.exclusive(async () => {
    await synchronize(core, by);
    if (request.head === '') throw missingField('PullRequest', 'head');
    if (request.base === '') throw missingField('PullRequest', 'base');
    checkTexts('PullRequest', request.title, request.body);
    const colon = request.head.indexOf(':');
    if (colon !== -1 && request.head.slice(0, colon).toLowerCase() !== core.owner.toLowerCase())
      throw wrong('head');
    const head = request.head.slice(colon + 1);
    await checkBranches(core, head, request.base);
    const now = core.now();
    const issue: PullIssue = {
      number: core.state.newNumber(),
      id: core.state.newId(),
      title: request.title,
      body: request.body,
      author: by.login,
      state: 'open',
      stateReason: null,
      labels: [],
      assignees: [],
      createdAt: now,
      updatedAt: now,
      closedAt: null,
      closedBy: null,
      reopenedAt: null,
      edited: null,
      pull: {
        head: { ref: head, sha: core.refs.get(`refs/heads/${head}`) ?? '' },
        base: { ref: request.base, sha: core.refs.get(`refs/heads/${request.base}`) ?? '' },
        draft: request.draft,
        mergedAt: null,
        mergedBy: null,
        mergeCommit: null,
        reviewers: [],
        teams: [],
        reviews: [],
        reviewComments: [],
      },
    };
    await keepHead(core, issue);
    core.state.data.issues.push(issue);
    await core.state.save();
    await announcePull(core, issue, { action: 'opened', by });
    return issue;
  });
}
