import { instantOf } from '../../../bundle/format/times.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { askedInPlace } from '../../asking/notice.ts';
import type { Forge } from '../../forge/forge.ts';
import type { Entry, Heard } from '../text/marker.ts';
import { commenterOf } from './commenterOf.ts';
import { decide } from './decide.ts';
import { withHandled } from './handled.ts';
import type { Command, Verb } from './parse.ts';
import { readComment, repliedTo } from './readComment.ts';

type Options = {
  forge: Pick<Forge, 'comments' | 'mayWrite'>;
  number: number;
  /** Of the base, as it is now. */
  organisation: Organisation;
  as_of: string;
  entries: readonly Entry[];
  /** Since when a grant is what it is, in ms since 1970: what was said before was said of less. */
  since: (grant: string) => number;
};

/** What decides nothing. */
const asking: ReadonlySet<Verb> = new Set(['help', 'why', 'split']);

/**
 * What people have decided of proposals, by the comments that are as they were written, as if none had been heard before:
 * where what was remembered of them is not to be trusted. Only what names its grant, and was said since that is what it is:
 * what else stood there at the time nobody knows any more. `unnamed`: who said something that names none. What is no command, and
 * what was changed, is still to be answered. Throws ForgeError.
 */
export async function rehear(options: Options): Promise<Heard & { unnamed: readonly string[] }> {
  const { forge, number, organisation, as_of, entries, since } = options;
  const comments = await forge.comments(number);
  const [replied, asked] = [repliedTo(comments), askedInPlace(comments)];
  const grants = entries.map(({ grant }) => grant);
  const unnamed = new Set<string>();
  let now: readonly Entry[] = entries;
  let handled: string[] = [];
  for (const comment of comments) {
    const read = readComment(comment, grants);
    if (read === null) continue;
    const deciding = read.commands.filter(({ verb }) => !asking.has(verb));
    const who = await commenterOf(comment, { forge, organisation, asked });
    const context = { who, at: instantOf(comment.atMs / 1000), organisation };
    const after = (commands: readonly Command[]) =>
      decide(commands, { ...context, marker: { as_of, entries: now } }).entries;
    const isNamed = (command: Command) => 'grant' in command && command.grant !== null;
    const splitsAll = read.commands.some((one) => one.verb === 'split' && !isNamed(one));
    if ((splitsAll && now.length > 1) || after(deciding.filter((one) => !isNamed(one))) !== now)
      unnamed.add(comment.author);
    now = after(
      deciding.filter((one) => 'grant' in one && one.grant !== null && since(one.grant) <= comment.atMs),
    );
    // None of these is a new one to the next run; what is to be split off by its name is, as long as it is here.
    if (splitsAll || deciding.length > 0 || replied.has(comment.key))
      handled = withHandled(handled, comment, comments);
  }
  return { entries: [...now], ...(handled.length > 0 && { handled }), unnamed: [...unnamed] };
}
