import { type Core, repositoryApi, repositoryUrl } from './core.ts';
import type { PullFacts } from './pullFacts.ts';
import { type Methods, nodeId, renderLabel, renderLogin, renderRepository, renderTeam } from './shapes.ts';
import type { PullIssue } from './state.ts';

export type SimplePull = Methods['pulls']['list']['response']['data'][number];
export type FullPull = Methods['pulls']['get']['response']['data'];

/** A pull request as lists carry it. */
export function renderPullSimple(core: Core, issue: PullIssue): SimplePull {
  const { pull } = issue;
  const url = `${repositoryApi(core)}/pulls/${issue.number}`;
  const issueUrl = `${repositoryApi(core)}/issues/${issue.number}`;
  const html = `${repositoryUrl(core)}/pull/${issue.number}`;
  const repo = renderRepository(core);
  const end = ({ ref, sha }: { ref: string; sha: string }) => ({
    label: `${core.owner}:${ref}`,
    ref,
    sha,
    user: repo.owner,
    repo,
  });
  const assignees = issue.assignees.map((login) => renderLogin(core, login));
  const statuses = `${repositoryApi(core)}/statuses/${pull.head.sha}`;
  return {
    url,
    id: issue.id,
    node_id: nodeId('PullRequest', issue.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issueUrl,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repositoryApi(core)}/pulls/comments{/number}`,
    comments_url: `${issueUrl}/comments`,
    statuses_url: statuses,
    number: issue.number,
    state: issue.state,
    locked: false,
    title: issue.title,
    user: renderLogin(core, issue.author),
    body: issue.body,
    labels: issue.labels.map((name) => renderLabel(core, name)),
    milestone: null,
    active_lock_reason: null,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommit,
    assignee: assignees[0] ?? null,
    assignees,
    requested_reviewers: pull.reviewers.map((login) => renderLogin(core, login)),
    requested_teams: pull.teams.map((slug) => renderTeam(core, slug)),
    head: end(pull.head),
    base: end(pull.base),
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: issueUrl },
      comments: { href: `${issueUrl}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${repositoryApi(core)}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: statuses },
    },
    author_association: 'MEMBER',
    auto_merge: null,
    draft: pull.draft,
  };
}

/** A pull request on its own, with what Git says of it. */
export function renderPull(core: Core, issue: PullIssue, facts: PullFacts): FullPull {
  const simple = renderPullSimple(core, issue);
  const { pull } = issue;
  const comments = core.state.data.comments.filter((comment) => comment.issue === issue.number).length;
  const author = renderLogin(core, issue.author);
  return {
    ...simple,
    state: issue.state,
    user: author,
    head: { ...simple.head, user: simple.base.repo.owner },
    base: { ...simple.base, user: simple.base.repo.owner },
    assignees: simple.assignees ?? [],
    requested_reviewers: simple.requested_reviewers ?? [],
    requested_teams: simple.requested_teams ?? [],
    merged: pull.mergedAt !== null,
    mergeable: facts.mergeable,
    rebaseable: false,
    mergeable_state: facts.mergeable === null ? 'unknown' : facts.mergeable ? 'clean' : 'dirty',
    merged_by: pull.mergedBy === null ? null : renderLogin(core, pull.mergedBy),
    comments,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: facts.commits,
    additions: facts.additions,
    deletions: facts.deletions,
    changed_files: facts.files.length,
  };
}
