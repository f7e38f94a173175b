import type { ForgeComment } from '../../forge/forge.ts';
import { type Command, type Misuse, parseCommands } from './parse.ts';

/** In each reply, so that it is told from what people say, whoever's token wrote it. */
const ownMark = '<!-- grantgate:reply ';
/** A reply to a comment, by its key. */
export const replyTo = (key: string, text: string): string => `${ownMark}${key} -->\n${text}`;
/** The comments, by their keys, that have a reply. */
export const repliedTo = (comments: readonly ForgeComment[]): ReadonlySet<string> =>
  new Set(
    comments.flatMap(({ isOurs, body }) =>
      isOurs ? (/^<!-- grantgate:reply (\w+) -->/.exec(body)?.[1] ?? []) : [],
    ),
  );

/** What a comment asks for; `refused`: why none of it is carried out. */
export type Read = { commands: Command[]; misuses: Misuse[]; refused: string[] };

/** Why a comment's commands are nobody's word; null where they are its author's. */
export const notTheirs = ({ isEdited }: Pick<ForgeComment, 'isEdited'>): string | null =>
  isEdited === 'unknown'
    ? 'whether this was changed since it was submitted cannot be told here: write it as a comment of the pull request'
    : isEdited
      ? 'the comment was changed after it was written, perhaps by somebody else: write it anew'
      : null;

/**
 * Reads a comment for commands; null where it asks for nothing. A program's is no decision, and what the review writes
 * itself asks for nothing: its replies show commands.
 */
export function readComment(comment: ForgeComment, grants: readonly string[]): Read | null {
  if (comment.isBot || (comment.isOurs && comment.body.startsWith(ownMark))) return null;
  const { commands, misuses } = parseCommands(comment.body, grants);
  if (commands.length + misuses.length === 0) return null;
  const why = notTheirs(comment);
  return why === null ? { commands, misuses, refused: [] } : { commands: [], misuses: [], refused: [why] };
}
