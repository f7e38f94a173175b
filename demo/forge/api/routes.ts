import type { Handler } from './call.ts';
import * as checks from './checks.ts';
import * as comments from './comments.ts';
import * as commits from './commits.ts';
import * as contents from './contents.ts';
import { graphql } from './graphql.ts';
import * as issues from './issues.ts';
import * as labels from './labels.ts';
import * as meta from './meta.ts';
import * as pulls from './pulls.ts';
import * as reactions from './reactions.ts';
import * as refs from './refs.ts';
import * as reviews from './reviews.ts';
import * as statuses from './statuses.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Paths under `/api/v3`; `*` takes the rest. Those in a repository begin after `/repos/OWNER/NAME`. */
export type Route = [Method, string, Handler];

export const globalRoutes: readonly Route[] = [
  ['GET', '/user', meta.getUser],
  ['GET', '/users/:login', meta.getUserNamed],
  ['GET', '/rate_limit', meta.getRateLimit],
  ['POST', '/graphql', graphql],
];

export const repositoryRoutes: readonly Route[] = [
  ['GET', '', meta.getRepository],
  ['GET', '/branches', refs.listBranches],
  ['GET', '/collaborators/:login/permission', meta.getPermission],

  ['GET', '/git/ref/*', refs.getRef],
  ['GET', '/git/matching-refs/*', refs.listMatching],
  ['POST', '/git/refs', refs.createRef],
  ['PATCH', '/git/refs/*', refs.updateRef],
  ['DELETE', '/git/refs/*', refs.deleteRef],

  ['GET', '/commits', commits.listCommits],
  ['GET', '/commits/:ref/pulls', pulls.listPullsOfCommit],
  ['GET', '/commits/:ref/status', statuses.combinedStatus],
  ['GET', '/commits/:ref/statuses', statuses.listStatuses],
  ['GET', '/commits/:ref/check-runs', checks.listChecks],
  ['GET', '/commits/*', commits.getCommit],
  ['GET', '/compare/*', commits.compareCommits],
  ['POST', '/statuses/:ref', statuses.createStatus],
  ['POST', '/check-runs', checks.createCheck],
  ['GET', '/check-runs/:id', checks.getCheck],
  ['GET', '/check-runs/:id/annotations', checks.listAnnotations],
  ['PATCH', '/check-runs/:id', checks.patchCheck],
  ['GET', '/contents', contents.getContents],
  ['GET', '/contents/', contents.getContents],
  ['GET', '/contents/*', contents.getContents],

  ['GET', '/pulls', pulls.listPulls],
  ['POST', '/pulls', pulls.createPull],
  ['GET', '/pulls/:number', pulls.getPull],
  ['PATCH', '/pulls/:number', pulls.patchPull],
  ['GET', '/pulls/:number/files', pulls.listFiles],
  ['GET', '/pulls/:number/commits', pulls.listPullCommits],
  ['GET', '/pulls/:number/merge', pulls.mergeStatus],
  ['PUT', '/pulls/:number/merge', pulls.putMerge],
  ['GET', '/pulls/:number/reviews', reviews.listReviews],
  ['POST', '/pulls/:number/reviews', reviews.createReview],
  ['PUT', '/pulls/:number/reviews/:id', reviews.updateReview],
  ['GET', '/pulls/:number/comments', reviews.listReviewComments],
  ['POST', '/pulls/:number/comments', reviews.createReviewComment],
  ['PATCH', '/pulls/comments/:id', reviews.updateReviewComment],
  ['POST', '/pulls/comments/:id/reactions', reactions.createReviewReaction],
  ['POST', '/pulls/:number/requested_reviewers', pulls.requestReviewers],

  ['GET', '/issues', issues.listIssues],
  ['POST', '/issues', issues.createIssue],
  ['GET', '/issues/comments', comments.listAllComments],
  ['GET', '/issues/comments/:id', comments.getComment],
  ['PATCH', '/issues/comments/:id', comments.patchComment],
  ['DELETE', '/issues/comments/:id', comments.deleteComment],
  ['GET', '/issues/comments/:id/reactions', reactions.listReactions],
  ['POST', '/issues/comments/:id/reactions', reactions.createReaction],
  ['GET', '/issues/:number', issues.getIssue],
  ['PATCH', '/issues/:number', issues.patchIssue],
  ['POST', '/issues/:number/assignees', issues.addAssignees],
  ['GET', '/issues/:number/comments', comments.listComments],
  ['POST', '/issues/:number/comments', comments.createComment],
  ['GET', '/issues/:number/labels', labels.listIssueLabels],
  ['POST', '/issues/:number/labels', labels.addIssueLabels],
  ['PUT', '/issues/:number/labels', labels.replaceIssueLabels],
  ['DELETE', '/issues/:number/labels', labels.removeAllIssueLabels],
  ['DELETE', '/issues/:number/labels/:name', labels.removeIssueLabel],

  ['GET', '/labels', labels.listLabels],
  ['POST', '/labels', labels.createLabel],
  ['GET', '/labels/:name', labels.getLabel],
  ['PATCH', '/labels/:name', labels.patchLabel],
  ['DELETE', '/labels/:name', labels.deleteLabel],
];

/** Writes that a user with read permission may do as well. */
export const openToReaders: ReadonlySet<Handler> = new Set([
  comments.createComment,
  issues.createIssue,
  graphql,
  reactions.createReaction,
  reactions.createReviewReaction,
  reviews.createReview,
  reviews.createReviewComment,
]);
