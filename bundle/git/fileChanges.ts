import { git } from './git.ts';

/** Blob ids before and after; null for a file that was not there, or is gone. */
export type FileChange = { path: string; old: string | null; new: string | null };
/** A commit on the branch, `at` seconds since 1970, `subject` the first line of its message. */
export type FileChanges = { commit: string; at: number; subject: string; changes: readonly FileChange[] };

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
    ...['--no-renames', '--no-color', '--no-show-signature', '--format=%x00commit %H %ct %s'],
    ...(since === undefined ? [] : [`--since=${Math.floor(since)}`]),
    within === '' ? '--relative' : `--relative=${within}`,
    ...[revision, '--', ...paths.map((path) => `${within}${path}`)],
  ]);
  const commits: (FileChanges & { changes: FileChange[] })[] = [];
  const fields = listing.toString().split('\0');
  for (let index = 0; index < fields.length; index++) {
    const field = (fields[index] ?? '').trim();
    if (field.startsWith('commit ')) {
      const [, commit = '', at = '', ...subject] = field.split(' ');
      commits.push({ commit, at: Number(at), subject: subject.join(' '), changes: [] });
    } else if (field.startsWith(':')) {
      const [, , old, now] = field.split(' ');
      index++;
      commits.at(-1)?.changes.push({ old: idOf(old), new: idOf(now), path: fields[index] ?? '' });
    }
  }
  return commits;
}
