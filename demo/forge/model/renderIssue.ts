import { type Core, repositoryApi, repositoryUrl } from './core.ts';
import { type Methods, nodeId, renderLabel, renderLogin } from './shapes.ts';
import type { Comment, Issue } from './state.ts';

type IssueShape = Methods['issues']['get']['response']['data'];
type CommentShape = Methods['issues']['getComment']['response']['data'];

const page = (core: Core, issue: { number: number; pull: unknown }) =>
  `${repositoryUrl(core)}/${issue.pull === null ? 'issues' : 'pull'}/${issue.number}`;

/** An issue; pull requests appear here too, with `pull_request`, as on GitHub. */
export function renderIssue(core: Core, issue: Issue): IssueShape {
  const url = `${repositoryApi(core)}/issues/${issue.number}`;
  const html = page(core, issue);
  const assignees = issue.assignees.map((login) => renderLogin(core, login));
  return {
    url,
    repository_url: repositoryApi(core),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: html,
    id: issue.id,
    node_id: nodeId(issue.pull === null ? 'Issue' : 'PullRequest', issue.id),
    number: issue.number,
    title: issue.title,
    user: renderLogin(core, issue.author),
    labels: issue.labels.map((name) => renderLabel(core, name)),
    state: issue.state,
    state_reason: issue.stateReason,
    locked: false,
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    comments: core.state.data.comments.filter((comment) => comment.issue === issue.number).length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    closed_by: issue.closedBy === null ? null : renderLogin(core, issue.closedBy),
    author_association: 'MEMBER',
    active_lock_reason: null,
    body: issue.body,
    timeline_url: `${url}/timeline`,
    ...(issue.pull === null
      ? {}
      : {
          draft: issue.pull.draft,
          pull_request: {
            url: `${repositoryApi(core)}/pulls/${issue.number}`,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: issue.pull.mergedAt,
          },
        }),
  };
}

export function renderComment(core: Core, comment: Comment): CommentShape {
  const issue = core.state.data.issues.find((entry) => entry.number === comment.issue);
  return {
    url: `${repositoryApi(core)}/issues/comments/${comment.id}`,
    html_url: `${page(core, issue ?? { number: comment.issue, pull: null })}#issuecomment-${comment.id}`,
    issue_url: `${repositoryApi(core)}/issues/${comment.issue}`,
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    user: renderLogin(core, comment.author),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: 'MEMBER',
    body: comment.body,
  };
}
