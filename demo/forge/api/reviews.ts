import { notFound } from '../model/apiError.ts';
import { findPull } from '../model/core.ts';
import { renderReview } from '../model/renderReview.ts';
import { choiceField, textField } from './body.ts';
import { actor, type Call, type Handler, ok, page } from './call.ts';

const states = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

function pullOf(call: Call) {
  const issue = findPull(call.core, Number(call.params.number));
  if (issue === undefined) throw notFound();
  return issue;
}

export const listReviews: Handler = async (call) => {
  const issue = pullOf(call);
  const paged = page(call, issue.pull.reviews);
  return {
    status: 200,
    body: paged.items.map((review) => renderReview(call.core, issue, review)),
    headers: paged.headers,
  };
};

/** A review that is submitted at once, as the API does when it is given an event. */
export const createReview: Handler = async (call) => {
  const issue = pullOf(call);
  const event = choiceField(call, 'event', ['APPROVE', 'REQUEST_CHANGES', 'COMMENT']) ?? 'COMMENT';
  const review = {
    id: call.core.state.newId(),
    author: actor(call).login,
    state: states[event],
    body: textField(call, 'body') ?? '',
    commit: issue.pull.head.sha,
    createdAt: call.core.now(),
    editedAt: null,
  };
  issue.pull.reviews.push(review);
  issue.updatedAt = call.core.now();
  await call.core.state.save();
  return ok(renderReview(call.core, issue, review));
};

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
