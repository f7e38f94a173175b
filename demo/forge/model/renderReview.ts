import { type Core, repositoryApi, repositoryUrl } from './core.ts';
import { type Methods, nodeId, renderLogin } from './shapes.ts';
import type { PullIssue } from './state.ts';

type ReviewCommentShape = Methods['pulls']['listReviewComments']['response']['data'][number];
type ReviewShape = Methods['pulls']['listReviews']['response']['data'][number];

export function renderReview(
  core: Core,
  issue: PullIssue,
  review: PullIssue['pull']['reviews'][number],
): ReviewShape {
  const html = `${repositoryUrl(core)}/pull/${issue.number}#pullrequestreview-${review.id}`;
  const pull = `${repositoryApi(core)}/pulls/${issue.number}`;
  return {
    id: review.id,
    node_id: nodeId('PullRequestReview', review.id),
    user: renderLogin(core, review.author),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pull,
    submitted_at: review.createdAt,
    commit_id: review.commit,
    author_association: 'MEMBER',
    _links: { html: { href: html }, pull_request: { href: pull } },
  };
}

export function renderReviewComment(
  core: Core,
  issue: PullIssue,
  comment: PullIssue['pull']['reviewComments'][number],
): ReviewCommentShape {
  const url = `${repositoryApi(core)}/pulls/comments/${comment.id}`;
  const html = `${repositoryUrl(core)}/pull/${issue.number}#discussion_r${comment.id}`;
  const pull = `${repositoryApi(core)}/pulls/${issue.number}`;
  return {
    url,
    pull_request_review_id: comment.review,
    id: comment.id,
    node_id: nodeId('PullRequestReviewComment', comment.id),
    diff_hunk: '',
    path: comment.path,
    commit_id: comment.commit,
    original_commit_id: comment.commit,
    user: renderLogin(core, comment.author),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    html_url: html,
    pull_request_url: pull,
    author_association: 'MEMBER',
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
  };
}
