import { invalid, missingField, notFound } from '../model/apiError.ts';
import type { Core } from '../model/core.ts';
import { longestBody } from '../model/openPull.ts';
import { renderComment, renderIssue } from '../model/renderIssue.ts';
import { renderRepository, renderUser } from '../model/shapes.ts';
import type { Comment } from '../model/state.ts';
import type { User } from '../model/users.ts';
import { textField } from './body.ts';
import { actor, type Call, created, empty, type Handler, listing, ok } from './call.ts';
import { issueOf } from './issueOf.ts';

function commentOf(call: Call): Comment {
  const comment = call.core.state.data.comments.find((entry) => entry.id === Number(call.params.id));
  if (comment === undefined) throw notFound();
  return comment;
}

function bodyOf(call: Call): string {
  const body = textField(call, 'body') ?? '';
  if (body.trim() === '') throw missingField('IssueComment', 'body');
  if ([...body].length > longestBody)
    throw invalid({
      resource: 'IssueComment',
      code: 'unprocessable',
      field: 'data',
      message: `Body is too long (maximum is ${longestBody} characters)`,
    });
  return body;
}

function announce(core: Core, action: string, comment: Comment, by: User): void {
  const issue = core.state.data.issues.find((entry) => entry.number === comment.issue);
  if (issue === undefined) return;
  core.emit('issue_comment', {
    action,
    issue: renderIssue(core, issue),
    comment: renderComment(core, comment),
    repository: renderRepository(core),
    sender: renderUser(core, by),
  });
}

const listed = (call: Call, comments: Comment[]) => {
  const since = call.query.get('since');
  return listing(
    call,
    comments.filter((entry) => since === null || Date.parse(entry.updatedAt) >= Date.parse(since)),
    (comment) => renderComment(call.core, comment),
  );
};

export const listComments: Handler = async (call) => {
  const { number } = issueOf(call);
  return listed(
    call,
    call.core.state.data.comments.filter((comment) => comment.issue === number),
  );
};

export const listAllComments: Handler = async (call) => listed(call, [...call.core.state.data.comments]);

export const getComment: Handler = async (call) => ok(renderComment(call.core, commentOf(call)));

/** Adds a comment as `by`; used by the pages, too. */
export async function addComment(core: Core, issue: number, body: string, by: User): Promise<Comment> {
  const now = core.now();
  const comment: Comment = {
    id: core.state.newId(),
    issue,
    author: by.login,
    body,
    createdAt: now,
    updatedAt: now,
    editedAt: null,
    reactions: [],
  };
  core.state.data.comments.push(comment);
  for (const entry of core.state.data.issues) if (entry.number === issue) entry.updatedAt = now;
  await core.state.save();
  announce(core, 'created', comment, by);
  return comment;
}

export const createComment: Handler = async (call) => {
  const issue = issueOf(call);
  const comment = await addComment(call.core, issue.number, bodyOf(call), actor(call));
  const shape = renderComment(call.core, comment);
  return created(shape, shape.url);
};

export const patchComment: Handler = async (call) => {
  const comment = commentOf(call);
  comment.body = bodyOf(call);
  comment.updatedAt = call.core.now();
  comment.editedAt = comment.updatedAt;
  await call.core.state.save();
  announce(call.core, 'edited', comment, actor(call));
  return ok(renderComment(call.core, comment));
};

export const deleteComment: Handler = async (call) => {
  const comment = commentOf(call);
  announce(call.core, 'deleted', comment, actor(call));
  const { comments } = call.core.state.data;
  comments.splice(comments.indexOf(comment), 1);
  await call.core.state.save();
  return empty();
};
