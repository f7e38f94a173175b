import { notFound } from '../model/apiError.ts';
import type { Core } from '../model/core.ts';
import { type Methods, nodeId, renderLogin } from '../model/shapes.ts';
import { choiceField } from './body.ts';
import { actor, type Call, created, type Handler, ok } from './call.ts';
import { reviewCommentOf } from './reviews.ts';

type ReactionShape = Methods['reactions']['createForIssueComment']['response']['data'];
const contents = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const;

function commentOf(call: Call) {
  const comment = call.core.state.data.comments.find(({ id }) => id === Number(call.params.id));
  if (comment === undefined) throw notFound();
  return comment;
}

const render = (core: Core, { author, content }: { author: string; content: string }, id: number) =>
  ({
    id,
    node_id: nodeId('Reaction', id),
    user: renderLogin(core, author),
    content: contents.find((known) => known === content) ?? '+1',
    created_at: core.now(),
  }) satisfies ReactionShape;

export const listReactions: Handler = async (call) =>
  ok(commentOf(call).reactions.map((reaction, index) => render(call.core, reaction, index + 1)));

/** The same reaction of one person is kept once. */
const reactingTo =
  (find: (call: Call) => { reactions: { author: string; content: string }[] }): Handler =>
  async (call) => {
    const comment = find(call);
    const reaction = { author: actor(call).login, content: choiceField(call, 'content', contents) ?? '+1' };
    const known = comment.reactions.some(
      ({ author, content }) => author === reaction.author && content === reaction.content,
    );
    if (!known) comment.reactions.push(reaction);
    await call.core.state.save();
    return created(render(call.core, reaction, comment.reactions.length));
  };

export const createReaction = reactingTo(commentOf);
export const createReviewReaction = reactingTo((call) => reviewCommentOf(call).comment);
