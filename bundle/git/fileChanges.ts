import { git } from './git.ts';

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

/**
 * What each commit changed below `paths`, from `revision` back along first parents, newest first: what took effect, when
 * it did. Paths are those below `within` (with a slash behind, or empty). `since`, seconds since 1970, leaves out what was
 * committed before. Throws GitError.
 */
export async function fileChanges(
  repository: string,
  revision: string,
  { paths, within = '', since }: { paths: readonly string[]; within?: string; since?: number },
): Promise<FileChanges[]> {
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
    within === '' ? '--relative' : `--relative=${within}`,
    ...[revision, '--', ...paths.map((path) => `${within}${path}`)],
  ]);
  const commits: (FileChanges & { changes: FileChange[] })[] = [];
  const fields = listing.toString().split('\0');
  for (let index = 0; index < fields.length; index++) {
    const field = (fields[index] ?? '').trim();
    if (field.startsWith('commit ')) {
      const [commit = '', parents = '', at = '', author = '', ...subject] = field.slice(7).split('\x1f');
      commits.push({
        ...{ commit, parent: parents.split(' ')[0] || null, at: Number(at), author },
        ...{ subject: subject.join(' '), changes: [] },
      });
    } else if (field.startsWith(':')) {
      const [, , old, now] = field.split(' ');
      index++;
      commits.at(-1)?.changes.push({ old: idOf(old), new: idOf(now), path: fields[index] ?? '' });
    }
  }
  return commits;
}
