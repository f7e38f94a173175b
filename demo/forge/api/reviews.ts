import { missingField, notFound } from '../model/apiError.ts';
import { findPull, isPull } from '../model/core.ts';
import { renderReview, renderReviewComment } from '../model/renderReview.ts';
import type { PullIssue } from '../model/state.ts';
import { choiceField, textField } from './body.ts';
import { actor, type Call, created, type Handler, listing, ok } from './call.ts';

const states = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

function pullOf(call: Call) {
  const issue = findPull(call.core, Number(call.params.number));
  if (issue === undefined) throw notFound();
  return issue;
}

export const listReviews: Handler = async (call) => {
  const issue = pullOf(call);
  return listing(call, issue.pull.reviews, (review) => renderReview(call.core, issue, review));
};

/** A review that is submitted at once, as the API does when it is given an event. */
export const createReview: Handler = async (call) => {
  const issue = pullOf(call);
  const event = choiceField(call, 'event', ['APPROVE', 'REQUEST_CHANGES', 'COMMENT']) ?? 'COMMENT';
  const review = submit(call, issue, states[event], textField(call, 'body') ?? '');
  await call.core.state.save();
  return ok(renderReview(call.core, issue, review));
};

function submit(call: Call, issue: PullIssue, state: (typeof states)[keyof typeof states], body: string) {
  const now = call.core.now();
  const review = {
    id: call.core.state.newId(),
    author: actor(call).login,
    ...{ state, body, commit: issue.pull.head.sha, createdAt: now, editedAt: null },
  };
  issue.pull.reviews.push(review);
  issue.updatedAt = now;
  return review;
}

/** Changes the text of a review, by its author or whoever may push. */
export const updateReview: Handler = async (call) => {
  const issue = pullOf(call);
  const review = issue.pull.reviews.find(({ id }) => id === Number(call.params.id));
  if (review === undefined) throw notFound();
  review.body = textField(call, 'body') ?? '';
  review.editedAt = call.core.now();
  await call.core.state.save();
  return ok(renderReview(call.core, issue, review));
};

export const listReviewComments: Handler = async (call) => {
  const issue = pullOf(call);
  return listing(call, issue.pull.reviewComments, (one) => renderReviewComment(call.core, issue, one));
};

const required = (call: Call, field: string): string => {
  const text = textField(call, field) ?? '';
  if (text.trim() === '') throw missingField('PullRequestReviewComment', field);
  return text;
};

/** One comment beside a line, which is submitted at once with a review of its own. */
export const createReviewComment: Handler = async (call) => {
  const issue = pullOf(call);
  const [body, path, commit] = [required(call, 'body'), required(call, 'path'), required(call, 'commit_id')];
  const { id: review, author, createdAt } = submit(call, issue, 'COMMENTED', '');
  const comment = {
    id: call.core.state.newId(),
    ...{ review, author, path, body, commit, createdAt, updatedAt: createdAt, editedAt: null, reactions: [] },
  };
  issue.pull.reviewComments.push(comment);
  await call.core.state.save();
  const shape = renderReviewComment(call.core, issue, comment);
  return created(shape, shape.url);
};

/** The one that a call names, and its pull request. */
export function reviewCommentOf({ core, params }: Call) {
  for (const issue of core.state.data.issues.filter(isPull)) {
    const comment = issue.pull.reviewComments.find(({ id }) => id === Number(params.id));
    if (comment !== undefined) return { issue, comment };
  }
  throw notFound();
}

/** Changes what stands beside a line, by its author or whoever may push. */
export const updateReviewComment: Handler = async (call) => {
  const { issue, comment } = reviewCommentOf(call);
  comment.body = required(call, 'body');
  comment.updatedAt = call.core.now();
  comment.editedAt = comment.updatedAt;
  await call.core.state.save();
  return ok(renderReviewComment(call.core, issue, comment));
};
