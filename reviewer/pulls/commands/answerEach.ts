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
  /**
   * Says what could not be done, once. To be called before it is remembered that the comment is answered: what a run did not
   * get to say nobody would ever hear, where nothing else shows what became of the comment.
   */
  say: (replies: Replies) => Promise<void>;
};

/** `replies`: what could not be done; `notes`: what else somebody should know. */
export type Replies = { replies: readonly string[]; notes?: readonly string[] };
/** What was said and done about one comment; `moved`: the branch has other changes now. */
export type CommentOutcome = Replies & { moved: boolean };

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
    const asks = commands.some(({ verb }) => verb === 'help');
    // Heard anew, for what was remembered was changed, or is not yet: it is not answered twice.
    let isAnswered = replied.has(comment.key);
    const say = async ({ replies, notes = [] }: Replies) => {
      if (isAnswered) return;
      const problems = [...refused, ...replies];
      const reply = renderReply(comment.author, { replies: [...problems, ...notes], misuses, asks });
      const isDone = problems.length + misuses.length === 0 && !asks;
      await respond({ forge, number, comment, reply, isDone });
      isAnswered = true;
    };
    const outcome = await carryOut({
      ...{ commands, who, at: instantOf(comment.atMs / 1000), say },
      handled: withHandled(before.handled, comment, comments),
    });
    handled += 1;
    changed ||= outcome.moved;
    await say(outcome);
  }
  return { number, handled, changed };
}

type Responding = Pick<Options, 'forge' | 'number'> & {
  comment: ForgeComment;
  reply: string | null;
  /** All of it was carried out. */
  isDone: boolean;
};

/** Nods, or says what could not be done. */
async function respond({ forge, number, comment, reply, isDone }: Responding): Promise<void> {
  const { id, kind, key } = comment;
  // First, for what is nodded at twice is nodded at once. Reviews take no reactions.
  if (kind !== 'review') await optional(() => forge.react({ id, kind }, isDone ? '+1' : 'confused'));
  if (reply !== null) await forge.comment(number, replyTo(key, reply));
}
