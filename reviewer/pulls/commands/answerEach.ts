import { instantOf } from '../../../bundle/format/times.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { askedInPlace } from '../../asking/notice.ts';
import type { Forge, ForgeComment } from '../../forge/forge.ts';
import { optional } from '../../forge/optional.ts';
import { commenterOf } from './commenterOf.ts';
import { isHandled, withHandled } from './handled.ts';
import type { Command } from './parse.ts';
import type { Commenter } from './permission.ts';
import { readComment, repliedTo, replyTo } from './readComment.ts';
import { renderReply } from './renderReply.ts';

/** What became of the comments of a pull request. */
export type Answered = { number: number; handled: number; changed: boolean; reason?: string };

/** One comment that asks for something: of whom, when, and that it is answered from now on. */
export type Asking = {
  commands: readonly Command[];
  who: Commenter;
  /** RFC 3339. */
  at: string;
  /** Keys of the comments that are answered, with this one's. */
  handled: string[];
};

/** What was said and done about one comment; `moved`: the branch has other changes now. */
export type CommentOutcome = { replies: readonly string[]; moved: boolean };

type Options = {
  forge: Forge;
  number: number;
  /** Of the base: what a branch says of itself gives nobody a right. */
  organisation: Organisation;
  /** The grants that commands may name, and the keys of comments answered before, as the pull request stands now. */
  now: () => { grants: readonly string[]; handled: readonly string[] };
  carryOut: (asking: Asking) => Promise<CommentOutcome>;
};

/**
 * Has each comment that asks for something carried out, once and in their order, and answers it. Throws ForgeError; what
 * cannot be done is a reply.
 */
export async function answerEach({ forge, number, organisation, now, carryOut }: Options): Promise<Answered> {
  let handled = 0;
  let changed = false;
  const comments = await forge.comments(number);
  const asked = askedInPlace(comments);
  const replied = repliedTo(comments);
  for (const comment of comments) {
    const before = now();
    const read = isHandled(before.handled, comment) ? null : readComment(comment, before.grants);
    if (read === null) continue;
    const { commands, misuses, refused } = read;
    const who = await commenterOf(comment, { forge, organisation, asked });
    const { replies, moved } = await carryOut({
      ...{ commands, who, at: instantOf(comment.atMs / 1000) },
      handled: withHandled(before.handled, comment, comments),
    });
    handled += 1;
    changed ||= moved;
    const asks = commands.some(({ verb }) => verb === 'help');
    const reply = renderReply(comment.author, { replies: [...refused, ...replies], misuses, asks });
    // Heard anew, for what was remembered was changed: it is not answered twice.
    if (!replied.has(comment.key)) await respond(forge, number, comment, reply);
  }
  return { number, handled, changed };
}

/** Nods, or says what could not be done. */
async function respond(
  forge: Forge,
  number: number,
  { id, kind, key }: ForgeComment,
  reply: string | null,
): Promise<void> {
  // Reviews take no reactions.
  if (kind === 'comment') await optional(() => forge.react(id, reply === null ? '+1' : 'confused'));
  if (reply !== null) await forge.comment(number, replyTo(key, reply));
}
