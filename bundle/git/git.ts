import { GitError } from './gitError.ts';
import { commandOf, type GitRun, runGit, startGit } from './runGit.ts';

/** A partial clone fetches what it lacks: over HTTPS, where Git starts no program that the repository names. */
const reading = {
  protocol: 'https',
  globalConfig: null,
  timeoutMs: 300_000,
  patient: true,
} satisfies GitRun;
/** No file of ours is near this; it bounds memory when a repository holds something else by mistake. */
export const mostFileBytes = 64 * 1024 * 1024;

function failed(args: readonly string[], repository: string, stderr: string): GitError {
  const complaint = stderr.trim();
  return new GitError('git-failed', `${commandOf(args)} failed in ${repository}: ${complaint}`, {
    complaint,
  });
}

/** Runs one Git command that reads `repository` (a work tree or a bare one) and returns its output. Throws GitError. */
export async function git(repository: string, args: readonly string[], input = ''): Promise<Buffer> {
  const { code, stdout, stderr } = await runGit(args, { ...reading, cwd: repository, input });
  if (code !== 0) throw failed(args, repository, stderr);
  return stdout;
}

/** The full id of the commit a revision names. Throws GitError, `git-revision` when there is no such commit. */
export async function resolveCommit(repository: string, revision: string): Promise<string> {
  return (await askCommit(repository, revision, [])).commit;
}

/** The same, and what `git rev-parse` says to some options besides, in one process. */
export async function askCommit(
  repository: string,
  revision: string,
  asked: readonly string[],
): Promise<{ commit: string; answers: readonly string[] }> {
  // A revision from the outside must not become an option.
  if (revision === '' || revision.startsWith('-') || /[\0\r\n]/.test(revision))
    throw new GitError('git-revision', `${JSON.stringify(revision)} is not a revision`);
  try {
    const args = ['rev-parse', ...asked, '--verify', '--quiet', `${revision}^{commit}`];
    const answers = (await git(repository, args)).toString().split('\n');
    return { commit: answers[asked.length] ?? '', answers };
  } catch (cause) {
    // What is fatal to Git (a folder that belongs to another user, a broken object, no repository), or what kept it from
    // starting, says nothing about the commit, and a person needs those words.
    const answered =
      cause instanceof GitError &&
      cause.code === 'git-failed' &&
      cause.cause === undefined &&
      !/^fatal:/m.test(cause.complaint);
    if (!answered) throw cause;
    throw new GitError('git-revision', `${repository} has no commit ${JSON.stringify(revision)}`, { cause });
  }
}

/**
 * How many commits lead to one along first parents, whether one of them is a merge, and when it was committed, in seconds
 * since 1970: one process, and its listing is not kept. Throws GitError.
 */
export async function firstParents(
  repository: string,
  commit: string,
): Promise<{ counter: number; merges: boolean; at: number }> {
  const args = ['rev-list', '--first-parent', '--timestamp', '--parents', commit, '--'];
  const child = startGit(args, { ...reading, cwd: repository });
  let counter = 0;
  let merges = false;
  let first = '';
  let spaces = 0;
  for await (const chunk of child.output) {
    if (counter === 0) first += chunk.toString('latin1', 0, 80);
    for (const byte of chunk) {
      if (byte === 32) spaces += 1;
      if (byte !== 10) continue;
      // The instant, the commit and its parents.
      if (spaces > 2) merges = true;
      counter += 1;
      spaces = 0;
    }
  }
  const { code, stderr, error } = await child.finished;
  if (error !== null) throw error;
  if (code !== 0) throw failed(args, repository, stderr);
  return { counter, merges, at: Number.parseInt(first, 10) };
}

/** Cuts a stream of chunks into pieces of wanted lengths. */
function pieces(chunks: AsyncIterator<Buffer>) {
  let held: Buffer = Buffer.alloc(0);
  const fill = async (length: number): Promise<boolean> => {
    const parts = [held];
    let size = held.length;
    while (size < length) {
      const { value, done } = await chunks.next();
      if (done) break;
      parts.push(value);
      size += value.length;
    }
    if (parts.length > 1) held = Buffer.concat(parts);
    return size >= length;
  };
  const cut = (length: number): Buffer => {
    const piece = held.subarray(0, length);
    held = held.subarray(length);
    return piece;
  };
  return {
    /** Up to the next line feed, which is dropped; null at the end. */
    async line(): Promise<string | null> {
      for (let end = held.indexOf(10); ; end = held.indexOf(10)) {
        if (end >= 0) return cut(end + 1).toString('latin1', 0, end);
        if (!(await fill(held.length + 1))) return null;
      }
    },
    async bytes(length: number): Promise<Buffer | null> {
      return (await fill(length)) ? cut(length) : null;
    },
    async skip(length: number): Promise<void> {
      for (let left = length; left > 0; ) {
        if (held.length === 0 && !(await fill(1))) return;
        left -= cut(Math.min(left, held.length)).length;
      }
    },
  };
}

/**
 * Reads many blobs through one process, one after the other, each id once; those that are not there, or larger than any
 * file of ours, are left out. A reader that takes its time holds Git up, so few are in memory at once. Throws GitError.
 */
export async function* streamBlobs(
  repository: string,
  ids: Iterable<string>,
  mostBytes = mostFileBytes,
): AsyncGenerator<readonly [id: string, blob: Buffer]> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const args = ['cat-file', '--batch'];
  const child = startGit(args, { ...reading, cwd: repository, input: `${wanted.join('\n')}\n` });
  const output = pieces(child.output);
  try {
    for (let line = await output.line(); line !== null; line = await output.line()) {
      const [id = '', kind = '', size = ''] = line.split(' ');
      if (kind === 'missing') continue;
      // Behind each comes a line feed.
      if (Number(size) > mostBytes) {
        await output.skip(Number(size) + 1);
        continue;
      }
      const blob = await output.bytes(Number(size) + 1);
      if (blob === null) break;
      if (kind === 'blob') yield [id, blob.subarray(0, -1)];
    }
    const { code, stderr, error } = await child.finished;
    if (error !== null) throw error;
    if (code !== 0) throw failed(args, repository, stderr);
  } finally {
    child.stop(new GitError('git-aborted', 'nobody reads on'));
  }
}

/** {@link streamBlobs} into a map. */
export async function readBlobs(repository: string, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const blobs = new Map<string, Buffer>();
  for await (const [id, blob] of streamBlobs(repository, ids)) blobs.set(id, blob);
  return blobs;
}
