import type { Git } from './git.ts';

export type ChangedFile = {
  path: string;
  previous: string | null;
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed';
  /** Blob id after the change; before it for a removed file. */
  blob: string;
  additions: number;
  deletions: number;
  /** Unified hunks, without the file header; null for binary files and pure renames. */
  patch: string | null;
};

const statuses: Record<string, ChangedFile['status']> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
};

/** What never changes of two commits, by their ids. */
function keptOf<T>(compute: (git: Git, left: string, right: string) => Promise<T>, most = 1000) {
  const all = new WeakMap<object, Map<string, Promise<T>>>();
  return (git: Git, left: string, right: string): Promise<T> => {
    const kept = all.get(git.history) ?? new Map<string, Promise<T>>();
    all.set(git.history, kept);
    const key = `${left} ${right}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const asked = compute(git, left, right);
    kept.set(key, asked);
    asked.catch(() => kept.delete(key));
    const oldest = kept.keys().next();
    if (kept.size > most && !oldest.done) kept.delete(oldest.value);
    return asked;
  };
}
/** What a commit has and a base has not. */
export type Ahead = {
  /** Their best common ancestor; null for unrelated histories. */
  common: string | null;
  /** The trees of those commits, newest first. */
  trees: readonly string[];
};

/** The best common ancestor of two commits, by their ids; null for unrelated histories. It never changes, and is kept. */
export const mergeBase = keptOf(async (git, left, right) => {
  const { code, stdout } = await git.run(['merge-base', left, right], { codes: [1] });
  return code === 0 ? stdout.toString().trim() : null;
});

/** What `head` has and `base` has not, mostly in one process. It never changes, and is kept. */
export const aheadOf = keptOf(async (git, base, head): Promise<Ahead> => {
  const text = await git.text(['log', '--boundary', '--format=%m%H %T', head, `^${base}`]);
  const lines = text.split('\n').filter((line) => line !== '');
  const behind = lines
    .filter((line) => line.startsWith('-'))
    .map((line) => line.slice(1).split(' ')[0] ?? '');
  const trees = lines.filter((line) => !line.startsWith('-')).map((line) => line.split(' ')[1] ?? '');
  // Through one commit every way leads back to the base: that is the last they share. Of several one may lie behind another.
  const [only] = trees.length === 0 ? [head] : behind;
  const common = only !== undefined && behind.length < 2 ? only : await mergeBase(git, base, head);
  return { common, trees };
});

export async function isAncestor(git: Git, ancestor: string, tip: string): Promise<boolean> {
  return (await mergeBase(git, ancestor, tip)) === ancestor;
}

/** Reads the NUL-separated `--raw --numstat` output: raw entries first, then the counts in the same order. */
function parseSummary(text: string): Omit<ChangedFile, 'patch'>[] {
  const files: Omit<ChangedFile, 'patch'>[] = [];
  const tokens = text.split('\0');
  let at = 0;
  for (; tokens[at]?.startsWith(':'); ) {
    const [, , before = '', after = '', letter = ''] = (tokens[at++] ?? '').split(' ');
    const status = statuses[letter.charAt(0)] ?? 'changed';
    const first = tokens[at++] ?? '';
    const moved = status === 'renamed' || status === 'copied';
    files.push({
      path: moved ? (tokens[at++] ?? '') : first,
      previous: moved ? first : null,
      status,
      blob: status === 'removed' ? before : after,
      additions: 0,
      deletions: 0,
    });
  }
  for (const file of files) {
    const [added = '', removed = '', name] = (tokens[at++] ?? '').split('\t');
    if (name === '') at += 2;
    file.additions = Number(added) || 0;
    file.deletions = Number(removed) || 0;
  }
  return files;
}

/** What changed from one commit or tree to another, by their ids, with hunks. It never changes, and is kept. */
export const changedFiles = keptOf(async (git, from, to): Promise<readonly ChangedFile[]> => {
  // Git prints both lists in one order.
  const text = await git.text([
    ...['diff-tree', '-r', '-M', '--no-ext-diff', '--no-textconv', '--no-abbrev'],
    ...['-z', '--raw', '--numstat', '-p', from, to],
  ]);
  // An empty field parts the lists from the hunks.
  const end = text.indexOf('\0\0');
  const [summary, patch] = end < 0 ? [text, ''] : [text.slice(0, end + 1), text.slice(end + 2)];
  // Within hunks every line begins with a space, a sign or a backslash: only a header begins with "diff --git".
  const sections = patch === '' ? [] : patch.split(/^(?=diff --git )/m);
  return parseSummary(summary).map((file, index) => {
    const hunks = sections[index]?.search(/^@@ /m) ?? -1;
    const text = hunks === -1 ? null : (sections[index] ?? '').slice(hunks).replace(/\n$/, '');
    return { ...file, patch: text };
  });
}, 300);

export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
