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

const bases = new WeakMap<Git, Map<string, Promise<string | null>>>();
const mostKept = 1000;

/** The best common ancestor of two commits, by their ids; null for unrelated histories. It never changes, and is kept. */
export function mergeBase(git: Git, left: string, right: string): Promise<string | null> {
  const kept = bases.get(git) ?? new Map<string, Promise<string | null>>();
  bases.set(git, kept);
  const key = [left, right].sort().join(' ');
  const known = kept.get(key);
  if (known !== undefined) return known;
  const asked = git
    .run(['merge-base', left, right], { codes: [1] })
    .then(({ code, stdout }) => (code === 0 ? stdout.toString().trim() : null));
  kept.set(key, asked);
  asked.catch(() => kept.delete(key));
  const oldest = kept.keys().next();
  if (kept.size > mostKept && !oldest.done) kept.delete(oldest.value);
  return asked;
}

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

/** What changed from one commit or tree to another, with hunks. Git prints both lists in one order. */
export async function changedFiles(git: Git, from: string, to: string): Promise<ChangedFile[]> {
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
}

export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
