import { type Core, repositoryApi, repositoryUrl } from './core.ts';
import { type Methods, nodeId, renderLogin } from './shapes.ts';
import type { PullIssue } from './state.ts';

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
