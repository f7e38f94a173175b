import { git } from '../../../bundle/git/git.ts';
import type { Tree } from '../../../bundle/git/tree.ts';

/** A commit, when it says it was made (seconds since 1970), and the blobs that it changed. */
export type LoggedCommit = {
  commit: string;
  at: number;
  /** As of what was listed: those between are left out. */
  parents: readonly string[];
  /** The first line of its message. */
  subject: string;
  changes: { path: string; before: string; id: string }[];
};

/** Folders and files whose history counts. */
export const rooms = ['grants/access', 'grants/apis', 'grants/directory', 'grants/networks.yaml'];

/** Whether an id names a file that is there. */
export const isBlob = (id: string) => !/^0*$/.test(id);

/** Commits that `which` names and that changed files of the rooms, oldest first; paths are those below `grants/`'s folder. */
export async function commitLog(tree: Tree, which: readonly string[]): Promise<LoggedCommit[]> {
  const output = await git(tree.root, [
    ...['log', '--raw', '-z', '--no-abbrev', '--no-renames', '--no-color', '--no-show-signature'],
    ...['--reverse', '--format=%x00commit %ct %H %P%x1f%s', ...which],
    tree.within === '' ? '--relative' : `--relative=${tree.within}`,
    ...['--', ...rooms.map((room) => `${tree.within}${room}`)],
  ]);
  const commits: LoggedCommit[] = [];
  let [before, id] = ['', ''];
  for (const field of output.toString().split('\0')) {
    const text = field.trim();
    if (id !== '') {
      commits.at(-1)?.changes.push({ path: field, before, id });
      id = '';
    } else if (text.startsWith('commit ')) {
      const [facts = '', ...subject] = text.split('\x1f');
      const [, at, commit = '', ...parents] = facts.trimEnd().split(' ');
      commits.push({ commit, at: Number(at), parents, subject: subject.join('\x1f'), changes: [] });
    } else if (text.startsWith(':')) [, , before = '', id = ''] = text.split(' ');
  }
  return commits;
}

/** Those along first parents, a merge with all that it brought; none where nothing is committed. */
export const lineLog = async (tree: Tree): Promise<readonly LoggedCommit[]> =>
  tree.revision === null ? [] : commitLog(tree, ['--first-parent', '-m', tree.revision]);

/**
 * When commits took effect that build on one another, oldest first: none before those it builds on, whatever its own
 * clock said (a branch of long ago that was put on top, a date that was kept or made up), nor after `asOf`. One from the
 * future took effect before the next.
 */
export function inOrder<C extends { at: number }>(commits: readonly C[], asOf: number): C[] {
  let next = asOf;
  const sane = commits.map(({ at }) => at);
  for (let index = sane.length - 1; index >= 0; index -= 1) {
    const own = sane[index] ?? asOf;
    if (own <= asOf) next = own;
    else sane[index] = next;
  }
  let latest = Number.NEGATIVE_INFINITY;
  return commits.map((commit, index) => {
    latest = Math.max(latest, sane[index] ?? asOf);
    return { ...commit, at: latest };
  });
}
