import { git } from './git.ts';
import type { Turns } from './turnsOf.ts';

/** Blob ids before and after; null for a file that was not there, or is gone. */
export type FileChange = { path: string; old: string | null; new: string | null };
/** A commit on the branch, with the one before it (null for the first). */
export type FileChanges = {
  commit: string;
  parent: string | null;
  /** Seconds since 1970. */
  at: number;
  /** Who wrote it, by name and address. */
  author: string;
  /** The first line of its message. */
  subject: string;
  changes: readonly FileChange[];
};

const idOf = (text = ''): string | null => (/^0*$/.test(text) ? null : text);

type Where = { paths: readonly string[]; within?: string };
type Options = Where & {
  /** Leaves out what was committed before, in seconds since 1970. */
  since?: number;
  /** A commit that leads to `revision`: it and what leads to it are left out. */
  after?: string | undefined;
  /** Where the branch came from another parent than the first. */
  turns?: Turns | undefined;
};

/**
 * What each commit changed below `paths`, from `revision` back along first parents, newest first: what took effect, when
 * it did. Paths are those below `within` (with a slash behind, or empty). Throws GitError.
 */
export async function fileChanges(
  repository: string,
  revision: string,
  { paths, within = '', since, after, turns = new Map() }: Options,
): Promise<FileChanges[]> {
  const where = { paths, within };
  const until = after === undefined ? [] : [`^${after}`];
  const found: FileChanges[] = [];
  let from = revision;
  for (const [merge, parent] of turns) {
    found.push(...(await logOf(repository, [from, `^${merge}`, ...until], where, since)));
    found.push(...(await mergeSeenFrom(repository, { parent, which: [merge, ...until], where, since })));
    from = parent;
  }
  return [...found, ...(await logOf(repository, [from, ...until], where, since))];
}

const locatedIn = ({ paths, within = '' }: Where) => [
  within === '' ? '--relative' : `--relative=${within}`,
  '--',
  ...paths.map((path) => `${within}${path}`),
];

async function logOf(repository: string, which: readonly string[], where: Where, since?: number) {
  const listing = await git(repository, [
    ...['-c', 'log.showRoot=true', 'log', '--first-parent', '-m', '--raw', '-z', '--no-abbrev'],
    ...[
      '--no-renames',
      '--no-color',
      '--no-show-signature',
      '--format=%x00commit %H%x1f%P%x1f%ct%x1f%an <%ae>%x1f%s',
    ],
    // Not --since: that ends the walk at the first commit dated earlier, and a rebase or a clock may have dated the tip so.
    ...(since === undefined ? [] : [`--since-as-filter=${Math.floor(since)}`]),
    ...which,
    ...locatedIn(where),
  ]);
  return parse(listing.toString());
}

/** What a merge made of another of its parents than the first. */
async function mergeSeenFrom(
  repository: string,
  {
    parent,
    which,
    where,
    since,
  }: { parent: string; which: readonly string[]; where: Where; since: number | undefined },
): Promise<FileChanges[]> {
  const [merge] = await logOf(repository, ['-s', '-1', ...which], { paths: [] }, since);
  // A filter by time passes it over, not what is before it.
  if (merge === undefined || merge.commit !== which[0]) return [];
  const diff = ['diff-tree', '-r', '--raw', '-z', '--no-abbrev', '--no-renames', parent, merge.commit];
  const fields = (await git(repository, [...diff, ...locatedIn(where)])).toString().split('\0');
  const changes = fields.flatMap((field, index) => changeOf(field, fields[index + 1]) ?? []);
  return changes.length === 0 ? [] : [{ ...merge, parent, changes }];
}

function changeOf(field: string, path = ''): FileChange | null {
  if (!field.startsWith(':')) return null;
  const [, , old, now] = field.split(' ');
  return { old: idOf(old), new: idOf(now), path };
}

function parse(listing: string): FileChanges[] {
  const commits: (FileChanges & { changes: FileChange[] })[] = [];
  const fields = listing.split('\0');
  for (let index = 0; index < fields.length; index++) {
    const field = (fields[index] ?? '').trim();
    const change = changeOf(field, fields[index + 1]);
    if (field.startsWith('commit ')) {
      const [commit = '', parents = '', at = '', author = '', ...subject] = field.slice(7).split('\x1f');
      commits.push({
        ...{ commit, parent: parents.split(' ')[0] || null, at: Number(at), author },
        ...{ subject: subject.join(' '), changes: [] },
      });
    } else if (change !== null) {
      index++;
      commits.at(-1)?.changes.push(change);
    }
  }
  return commits;
}
