import type { Change } from '../../bundle/diff/diffData.ts';
import { git, resolveCommit } from '../../bundle/git/git.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Api } from '../../bundle/grants/organisation.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';
import { edit } from '../edit/edit.ts';
import { putBack } from '../edit/putBack.ts';
import { coversToday } from '../evidence/entryChanges.ts';
import { grew } from '../evidence/grants/grew.ts';
import { effectOf, type Texts } from '../proposal/effectOf.ts';
import { ReviewError } from '../reviewError.ts';
import { type Version, versionsOf } from './versionsOf.ts';
import { type Why, whyTaken } from './whyTaken.ts';

/** A commit that changed a grant; the subject is the first line of its message. */
export type Step = { commit: string | null; at: number; subject: string };

export type Restored = {
  grant: string;
  entry: GrantEntry;
  file: string;
  /** The files that change, whole. */
  texts: Texts;
  /** What wrote the grant as it is put back. */
  written: Step;
  /** What took that away, and how; why and who made it, where it is committed. */
  taken: Step & { how: 'removed' | 'suspended' | 'narrowed'; why: Why | null };
  /** Who gains what by it; nobody, when the people who held it are gone themselves. */
  changes: readonly Change[];
};

type Options = {
  /** Seconds since 1970. */
  asOf: number;
  /** The state to go back to, as this commit left it; left out, the last one that gave more than there is now. */
  commit?: string;
  /** The end it gets, a date or an instant; left out, the one that it had. */
  until?: string;
};

/**
 * Finds what a grant gave before it was taken away or made smaller, and puts that back into its file. Throws ReviewError
 * `nothing-to-restore`, `grants-invalid`, `edit-failed`; GitError.
 */
export async function restoreGrant(tree: Tree, id: string, options: Options): Promise<Restored> {
  const versions = await versionsOf(tree, id, options.asOf);
  const { organisation } = await load(tree);
  if (versions.length === 0) throw nothing(`no commit of this branch had a grant ${id}`);
  const index =
    options.commit === undefined
      ? lastThatGaveMore(versions, organisation?.apis ?? new Map(), options.asOf)
      : await writtenBy(options.commit, versions, { tree, id });
  const [version, next] = [versions[index], versions[index + 1]];
  const found = version?.grant;
  if (!version || !found || !next) {
    const last = versions.at(-1)?.grant?.entry.expires;
    const ended = last !== undefined && endOf(last) <= options.asOf;
    throw nothing(
      ended
        ? `the grant ${id} was not taken away: it ended on ${last}; give it a later \`expires\`, or ask for access anew (\`grantgate request\`)`
        : `the grant ${id} gives all that it ever gave`,
    );
  }
  const { expires } = found.entry;
  if (options.until === undefined && expires !== undefined && endOf(expires) <= options.asOf)
    throw nothing(`the grant ${id} ended on ${expires}: say until when it is to hold (--until)`);
  if (options.until !== undefined && endOf(options.until) <= options.asOf)
    throw nothing(`--until ${options.until} has passed`);

  // One that is there is changed where it is now.
  const file = versions.at(-1)?.grant?.file ?? found.file;
  const there = (await tree.list()).includes(file);
  const now = there ? ((await tree.read([file])).get(file)?.toString('utf8') ?? null) : null;
  const back = putBack(now, file, found.text, id);
  const text =
    options.until === undefined
      ? back
      : (edit(back, file, { kind: 'set', grant: id, to: { expires: options.until } }) ?? back);
  const texts = new Map([[file, text]]);
  return {
    grant: id,
    entry: { ...found.entry, ...(options.until !== undefined && { expires: options.until }) },
    file,
    texts,
    written: await stepOf(tree, version),
    taken: {
      ...(await stepOf(tree, next)),
      how: howOf(next),
      why: next.commit === null ? null : await whyTaken(tree, next.commit, id),
    },
    changes: await effectOf(tree, texts, options.asOf),
  };
}

const nothing = (what: string) => new ReviewError('nothing-to-restore', what);
const howOf = ({ grant }: Version): Restored['taken']['how'] =>
  grant === null ? 'removed' : grant.entry.state === 'suspended' ? 'suspended' : 'narrowed';

/** The state that a commit wrote. */
async function writtenBy(
  commit: string,
  versions: readonly Version[],
  { tree, id }: { tree: Tree; id: string },
): Promise<number> {
  const wanted = await resolveCommit(tree.root, commit);
  const index = versions.findIndex((version) => version.commit === wanted);
  if (index >= 0 && versions[index]?.grant) return index;
  const known = versions.filter(({ grant }) => grant !== null).map((version) => version.commit?.slice(0, 12));
  throw nothing(`${commit} is no commit that wrote the grant ${id}; those are ${known.slice(-5).join(', ')}`);
}

/** The last state that gave more than there is now; -1 for none. */
function lastThatGaveMore(
  versions: readonly Version[],
  apis: ReadonlyMap<string, Api>,
  asOf: number,
): number {
  const current = versions.at(-1)?.grant?.entry ?? null;
  return versions.findLastIndex(
    ({ grant }) => grant?.entry.state === 'active' && gaveMore(current, grant.entry, apis, asOf),
  );
}

function gaveMore(
  now: GrantEntry | null,
  then: GrantEntry,
  apis: ReadonlyMap<string, Api>,
  asOf: number,
): boolean {
  if (now === null || grew(now, then, asOf)) return true;
  // A role that is no more: that is for the check of the result to say.
  const [less, more] = [coversToday(now, { apis }), coversToday(then, { apis })];
  return more === null || less === null || more.some((operation) => !less.includes(operation));
}

async function stepOf(tree: Tree, { commit, at }: Version): Promise<Step> {
  if (commit === null) return { commit, at, subject: 'not committed' };
  const subject = (await git(tree.root, ['log', '-1', '--format=%s', commit])).toString().trim();
  return { commit, at, subject };
}
