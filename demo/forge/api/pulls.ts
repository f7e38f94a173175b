import { commitsBetween } from '../git/commits.ts';
import { ApiError, notFound } from '../model/apiError.ts';
import { type Core, findPull, isPull } from '../model/core.ts';
import { type MergeRequest, mergePull } from '../model/mergePull.ts';
import { openPull } from '../model/openPull.ts';
import { comparedWith, pullFacts } from '../model/pullFacts.ts';
import { renderPull, renderPullSimple } from '../model/renderPull.ts';
import { resolve } from '../model/resolve.ts';
import type { Methods } from '../model/shapes.ts';
import type { PullIssue } from '../model/state.ts';
import { updatePull } from '../model/updatePull.ts';
import { choiceField, flagField, listField, nullableText, textField } from './body.ts';
import { actor, type Call, created, type Handler, listing, ok } from './call.ts';
import { renderFile } from './renderFile.ts';
import { renderGitCommit } from './renderGitCommit.ts';

type MergeResult = Methods['pulls']['merge']['response']['data'];

function pullOf(call: Call): PullIssue {
  const pull = findPull(call.core, Number(call.params.number));
  if (pull === undefined) throw notFound();
  return pull;
}

const full = async (core: Core, issue: PullIssue) => renderPull(core, issue, await pullFacts(core, issue));

export const listPulls: Handler = async (call) => {
  const { core, query } = call;
  const state = query.get('state') ?? 'open';
  const head = query.get('head') ?? '';
  const base = query.get('base');
  const sort = query.get('sort') ?? 'created';
  // GitHub ignores a `head` without its "owner:" part.
  const headFilter = head.includes(':') ? head : null;
  const key = (issue: PullIssue) => (sort === 'updated' ? issue.updatedAt : issue.createdAt);
  const upwards = (query.get('direction') ?? (sort === 'created' ? 'desc' : 'asc')) === 'asc';
  const items = core.state.data.issues
    .filter(isPull)
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => headFilter === null || `${core.owner}:${issue.pull.head.ref}` === headFilter)
    .filter((issue) => base === null || issue.pull.base.ref === base)
    .sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  return listing(call, upwards ? items : items.reverse(), (issue) => renderPullSimple(core, issue));
};

/** Those whose merge brought a commit, and open ones that would. */
export const listPullsOfCommit: Handler = async (call) => {
  const { core } = call;
  const sha = await resolve(core, call.params.ref ?? '');
  if (sha === null) throw new ApiError(422, `No commit found for SHA: ${call.params.ref}`);
  const items: PullIssue[] = [];
  for (const issue of core.state.data.issues.filter(isPull)) {
    const { head, base, mergeCommit } = issue.pull;
    if (issue.state === 'closed' && mergeCommit === null) continue;
    const brought = await commitsBetween(core.git, base.sha, mergeCommit ?? head.sha);
    if (brought.some((one) => one.sha === sha)) items.push(issue);
  }
  return listing(call, items, (issue) => renderPullSimple(core, issue));
};

export const getPull: Handler = async (call) => ok(await full(call.core, pullOf(call)));

export const createPull: Handler = async (call) => {
  const issue = await openPull(
    call.core,
    {
      title: textField(call, 'title') ?? '',
      body: textField(call, 'body') ?? null,
      head: textField(call, 'head') ?? '',
      base: textField(call, 'base') ?? '',
      draft: flagField(call, 'draft') ?? false,
    },
    actor(call),
  );
  const body = await full(call.core, issue);
  return created(body, body.url);
};

export const patchPull: Handler = async (call) => {
  const issue = pullOf(call);
  await updatePull(
    call.core,
    issue,
    {
      title: textField(call, 'title'),
      body: nullableText(call, 'body'),
      state: choiceField(call, 'state', ['open', 'closed']),
      base: textField(call, 'base'),
    },
    actor(call),
  );
  return ok(await full(call.core, issue));
};

export const listFiles: Handler = async (call) => {
  const issue = pullOf(call);
  const { files } = await pullFacts(call.core, issue);
  return listing(call, files, (file) => renderFile(call.core, file, issue.pull.head.sha));
};

export const listPullCommits: Handler = async (call) => {
  const { core } = call;
  const issue = pullOf(call);
  const commits = await commitsBetween(core.git, comparedWith(core, issue), issue.pull.head.sha);
  return listing(call, commits.reverse(), (commit) => renderGitCommit(core, commit));
};

export const mergeStatus: Handler = async (call) => {
  if (pullOf(call).pull.mergedAt === null) throw notFound();
  return { status: 204 };
};

export const putMerge: Handler = async (call) => {
  const issue = pullOf(call);
  const method = choiceField(call, 'merge_method', ['merge', 'squash', 'rebase']) ?? 'merge';
  const request: MergeRequest = {
    method,
    sha: textField(call, 'sha'),
    title: textField(call, 'commit_title'),
    message: textField(call, 'commit_message'),
  };
  const sha = await mergePull(call.core, issue, request, actor(call));
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' } satisfies MergeResult);
};

export const requestReviewers: Handler = async (call) => {
  const issue = pullOf(call);
  const asked = listField(call, 'reviewers') ?? [];
  // One name that cannot be asked refuses them all, as on GitHub.
  if (asked.some((login) => call.core.users.known(login) === undefined))
    throw new ApiError(
      422,
      'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.',
    );
  if (asked.includes(issue.author))
    throw new ApiError(422, 'Review cannot be requested from pull request author.');
  issue.pull.reviewers = [...new Set([...issue.pull.reviewers, ...asked])];
  issue.pull.teams = [...new Set([...issue.pull.teams, ...(listField(call, 'team_reviewers') ?? [])])];
  await call.core.state.save();
  return created(renderPullSimple(call.core, issue));
};
