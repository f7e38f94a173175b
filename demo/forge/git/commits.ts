import type { Git } from './git.ts';

export type Signature = { name: string; email: string; date: string };
export type Commit = {
  sha: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  message: string;
};

/** `Name <email> 1795428000 +0000` → name, email and the instant in UTC, whole seconds. */
function signature(line: string): Signature {
  const found = line.match(/^(.*?) ?<([^>]*)> (-?\d+)/);
  const seconds = Number(found?.[3] ?? 0);
  return {
    name: found?.[1] ?? '',
    email: found?.[2] ?? '',
    date: new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

function parseCommit(sha: string, text: string): Commit {
  const end = text.indexOf('\n\n');
  const header = (end === -1 ? text : text.slice(0, end)).split('\n');
  const values = (key: string) =>
    header.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  return {
    sha,
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    author: signature(values('author')[0] ?? ''),
    committer: signature(values('committer')[0] ?? ''),
    message: end === -1 ? '' : text.slice(end + 2).replace(/\n+$/, ''),
  };
}

/** Reads commits by id. The raw objects are parsed, since no separator of `git log` is safe from a hostile message. */
export async function readCommits(git: Git, shas: readonly string[]): Promise<Commit[]> {
  if (shas.length === 0) return [];
  const { stdout } = await git.run(['cat-file', '--batch'], { input: `${shas.join('\n')}\n` });
  const commits: Commit[] = [];
  for (let at = 0; at < stdout.length; ) {
    const line = stdout.indexOf(10, at);
    if (line === -1) break;
    const [sha = '', type, size] = stdout.toString('latin1', at, line).split(' ');
    if (type === 'missing') {
      at = line + 1;
      continue;
    }
    const end = line + 1 + Number(size);
    if (type === 'commit') commits.push(parseCommit(sha, stdout.toString('utf8', line + 1, end)));
    at = end + 1;
  }
  return commits;
}

/** The commits `tip` has and `without` has not, newest first, `most` at most. */
export async function commitsBetween(
  git: Git,
  without: string | null,
  tip: string,
  most = 250,
): Promise<Commit[]> {
  const range = without === null ? [tip] : [tip, `^${without}`];
  const text = await git.text(['rev-list', `--max-count=${most}`, ...range]);
  return readCommits(git, text.split('\n').filter(Boolean));
}

/** The first line of a message. */
export const subject = (message: string): string => message.split('\n', 1)[0] ?? '';
