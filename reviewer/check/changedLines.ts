import { git } from '../../bundle/git/git.ts';
import { treeFolders } from '../../bundle/git/tree.ts';

/** What a pull request changes below grants/, policies/ and data/, by path in the folder that Git is run in. */
export type ChangedFiles = {
  paths: readonly string[];
  /** Whether a line of head was written by it. */
  has(path: string, line: number): boolean;
};

/** Reads the changed lines of two commits. Throws GitError. */
export async function changedLines(repository: string, base: string, head: string): Promise<ChangedFiles> {
  const compared = [base, head, '--', ...treeFolders];
  const plain = ['--relative', '--no-renames', '--no-color', '--no-ext-diff', '--no-textconv'];
  const names = (await git(repository, ['diff', '--name-only', '-z', ...plain, ...compared])).toString();
  const text = (
    await git(repository, [
      'diff',
      '--unified=0',
      '--src-prefix=a/',
      '--dst-prefix=b/',
      ...plain,
      ...compared,
    ])
  ).toString();
  const spans = new Map<string, [first: number, last: number][]>();
  let current: [number, number][] | null = null;
  /** Lines of the hunk that are still to come: what they hold is nobody's header. */
  let left = 0;
  for (const line of text.split('\n')) {
    if (left > 0) {
      if (/^[-+]/.test(line)) left -= 1;
      continue;
    }
    if (line.startsWith('+++ b/')) {
      current = [];
      // Git ends a name that has a space in it with a tab.
      spans.set(line.slice('+++ b/'.length).replace(/\t$/, ''), current);
    } else if (line.startsWith('+++ ')) current = null;
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk === null) continue;
    const [, before = '1', start = '1', after = '1'] = hunk;
    left = Number(before) + Number(after);
    if (Number(after) > 0) current?.push([Number(start), Number(start) + Number(after) - 1]);
  }
  return {
    paths: names.split('\0').filter((name) => name !== ''),
    has: (path, line) => (spans.get(path) ?? []).some(([first, last]) => first <= line && line <= last),
  };
}
