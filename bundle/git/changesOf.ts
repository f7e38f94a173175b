import { instantOf } from '../format/times.ts';
import { git } from './git.ts';
import { GitError } from './gitError.ts';

/** A commit that wrote lines of a file. */
export type Change = {
  commit: string;
  author: string;
  /** When it was committed, `2026-11-23T10:00:00Z`. */
  at: string;
  /** The first line of its message. */
  subject: string;
  /** The pull request that brought it, by what the forge writes into subjects; null when none is named. */
  pull_request: number | null;
};

/**
 * Who wrote the lines `first` to `last` of a file as of `revision` (null: as they lie on disk): the change that added
 * the first line, and the newest change of any when that is another. Nulls for lines that are not committed, and where
 * Git does not know the file.
 */
export async function changesOf(
  repository: string,
  revision: string | null,
  lines: { file: string; first: number; last: number },
): Promise<{ added: Change | null; changed: Change | null }> {
  const tip = revision ?? 'HEAD';
  const at = revision === null ? [] : [revision];
  let output: string;
  try {
    const range = `${lines.first},${lines.last}`;
    output = (
      await git(repository, ['blame', '--porcelain', '--no-textconv', '-L', range, ...at, '--', lines.file])
    ).toString();
  } catch (error) {
    if (error instanceof GitError && error.code === 'git-failed') return { added: null, changed: null };
    throw error;
  }
  const { first, newest } = readBlame(output);
  const complete = async (blamed: Blamed | undefined): Promise<Change | null> => {
    if (blamed === undefined || /^0+$/.test(blamed.commit)) return null;
    const { commit, author, seconds, subject } = blamed;
    return {
      commit,
      author,
      at: instantOf(seconds),
      subject,
      pull_request: numberIn(subject) ?? (await mergedBy(repository, tip, commit)),
    };
  };
  return {
    added: await complete(first),
    changed: newest?.commit === first?.commit ? null : await complete(newest),
  };
}

type Blamed = { commit: string; author: string; seconds: number; subject: string };

/** Git tells each commit's facts once, before the first of its lines; the lines come in order. */
function readBlame(output: string): { first: Blamed | undefined; newest: Blamed | undefined } {
  const commits = new Map<string, Blamed>();
  let first: Blamed | undefined;
  let current: Blamed | undefined;
  for (const line of output.split('\n')) {
    const [key = '', ...words] = line.split(' ');
    const rest = words.join(' ');
    if (/^[0-9a-f]{40,64}$/.test(key)) {
      current = commits.get(key) ?? { commit: key, author: '', seconds: 0, subject: '' };
      commits.set(key, current);
      first ??= current;
    } else if (current === undefined || line.startsWith('\t')) continue;
    else if (key === 'author') current.author = rest;
    else if (key === 'author-mail') current.author = `${current.author} ${rest}`;
    else if (key === 'committer-time') current.seconds = Number(rest);
    else if (key === 'summary') current.subject = rest;
  }
  const newest = [...commits.values()].sort((a, b) => b.seconds - a.seconds)[0];
  // Of two written in the same second the first one's own line says nothing new.
  return { first, newest: newest?.seconds === first?.seconds ? first : newest };
}

/** `Merge pull request #12 from …`, or `… (#12)` after a squash. */
export function numberIn(subject: string): number | null {
  const found = /^Merge pull request #(\d+)\b/.exec(subject) ?? /\(#(\d+)\)\s*$/.exec(subject);
  return found?.[1] === undefined ? null : Number(found[1]);
}

/** The pull request whose merge brought a commit onto the branch; null for one made there itself. */
async function mergedBy(repository: string, tip: string, commit: string): Promise<number | null> {
  const range = `${commit}..${tip}`;
  const branch = (await git(repository, ['log', '--first-parent', '--format=%H %P%x09%s', range])).toString();
  const descendants = new Set(
    (await git(repository, ['rev-list', '--ancestry-path', range])).toString().split('\n'),
  );
  for (const line of branch.trimEnd().split('\n').reverse()) {
    const [ids = '', subject = ''] = line.split('\t');
    const [id = '', parent = ''] = ids.split(' ');
    if (!descendants.has(id)) continue;
    return parent === commit ? null : numberIn(subject);
  }
  return null;
}
