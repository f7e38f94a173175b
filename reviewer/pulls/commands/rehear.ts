import { instantOf } from '../../../bundle/format/times.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { askedInPlace } from '../../asking/notice.ts';
import type { Forge } from '../../forge/forge.ts';
import type { Entry, Heard } from '../text/marker.ts';
import { commenterOf } from './commenterOf.ts';
import { decide } from './decide.ts';
import { withHandled } from './handled.ts';
import { readComment, repliedTo } from './readComment.ts';

type Options = {
  forge: Pick<Forge, 'comments' | 'mayWrite'>;
  number: number;
  /** Of the base, as it is now. */
  organisation: Organisation;
  as_of: string;
  entries: readonly Entry[];
};

/**
 * What people have decided of proposals, by the comments that are as they were written, as if none had been heard before:
 * where what was remembered of them is not to be trusted. What decides nothing and has no reply is still to be answered.
 * Throws ForgeError.
 */
export async function rehear({ forge, number, organisation, as_of, entries }: Options): Promise<Heard> {
  const comments = await forge.comments(number);
  const [replied, asked] = [repliedTo(comments), askedInPlace(comments)];
  const grants = entries.map(({ grant }) => grant);
  let now: readonly Entry[] = entries;
  let handled: string[] = [];
  for (const comment of comments) {
    const read = readComment(comment, grants);
    if (read === null) continue;
    // What was split off is not here any more; whatever else is split is asked for again.
    const commands = read.commands.filter(({ verb }) => verb !== 'split');
    const who = await commenterOf(comment, { forge, organisation, asked });
    const context = {
      who,
      at: instantOf(comment.atMs / 1000),
      marker: { as_of, entries: now },
      organisation,
    };
    const before = now;
    now = decide(commands, context).entries;
    if (now !== before || commands.length < read.commands.length || replied.has(comment.key))
      handled = withHandled(handled, comment, comments);
  }
  return { entries: [...now], ...(handled.length > 0 && { handled }) };
}
