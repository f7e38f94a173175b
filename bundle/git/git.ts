import { spawn } from 'node:child_process';

/** Git refused or could not be run. Codes: `git-missing`, `git-failed`, `git-revision` (no such commit). */
export class GitError extends Error {
  readonly code: 'git-missing' | 'git-failed' | 'git-revision';
  /** What Git itself said; empty when it said nothing. */
  readonly complaint: string;
  constructor(
    code: GitError['code'],
    message: string,
    { complaint = '', ...options }: ErrorOptions & { complaint?: string } = {},
  ) {
    super(message, options);
    this.complaint = complaint;
    this.name = 'GitError';
    this.code = code;
  }
}

/**
 * The caller's environment without what Git sets inside hooks (it would point at another repository), and with what
 * keeps a read a read: no locks, no prompts, no replaced objects, messages in one language.
 */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of [
    'GIT_DIR',
    'GIT_WORK_TREE',
    'GIT_INDEX_FILE',
    'GIT_OBJECT_DIRECTORY',
    'GIT_ALTERNATE_OBJECT_DIRECTORIES',
    'GIT_COMMON_DIR',
    'GIT_NAMESPACE',
    'GIT_PREFIX',
    'GIT_EXTERNAL_DIFF',
    'GIT_LITERAL_PATHSPECS',
    'GIT_GLOB_PATHSPECS',
    'GIT_ICASE_PATHSPECS',
  ])
    delete env[name];
  return {
    ...env,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    LC_ALL: 'C',
  };
}

// Keeps the repository's own configuration from starting programs.
const hardened = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.quotePath=false',
];

/** Starts Git in `repository`; `fault` settles with what went wrong once it has ended, or null. */
function start(repository: string, args: readonly string[], input: string) {
  const child = spawn('git', ['--no-pager', ...hardened, ...args], {
    cwd: repository,
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const fault = new Promise<GitError | null>((resolve) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT' && cause.path === 'git';
      resolve(
        missing
          ? new GitError(
              'git-missing',
              `git could not be started in ${repository}: is it installed, and is that a folder?`,
              { cause },
            )
          : new GitError('git-failed', `git could not be run in ${repository}: ${cause.message}`, {
              cause,
            }),
      );
    });
    child.on('close', (code) => {
      complaint = complaint.trim();
      const failed = `git ${args[0]} failed in ${repository}: ${complaint}`;
      resolve(code === 0 ? null : new GitError('git-failed', failed, { complaint }));
    });
  });
  // A command that ends early closes its input; its exit code tells.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return { child, fault };
}

/** Runs one Git command that reads `repository` (a work tree or a bare one) and returns its output. Throws GitError. */
export async function git(repository: string, args: readonly string[], input = ''): Promise<Buffer> {
  const { child, fault } = start(repository, args, input);
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const error = await fault;
  if (error !== null) throw error;
  return Buffer.concat(output);
}

/** The full id of the commit a revision names. Throws GitError, `git-revision` when there is no such commit. */
export async function resolveCommit(repository: string, revision: string): Promise<string> {
  // A revision from the outside must not become an option.
  if (revision === '' || revision.startsWith('-') || /[\0\r\n]/.test(revision))
    throw new GitError('git-revision', `${JSON.stringify(revision)} is not a revision`);
  try {
    const found = await git(repository, ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
    return found.toString().trim();
  } catch (cause) {
    // What is fatal to Git (a folder that belongs to another user, a broken object, no repository), or what kept it from
    // starting, says nothing about the commit, and a person needs those words.
    const answered =
      cause instanceof GitError && cause.cause === undefined && !/^fatal:/m.test(cause.complaint);
    if (!answered) throw cause;
    throw new GitError('git-revision', `${repository} has no commit ${JSON.stringify(revision)}`, { cause });
  }
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
  };
}

/**
 * Reads many blobs through one process, one after the other, each id once; those that are not there are left out. A
 * reader that takes its time holds Git up, so few are in memory at once. Throws GitError.
 */
export async function* streamBlobs(
  repository: string,
  ids: Iterable<string>,
): AsyncGenerator<readonly [id: string, blob: Buffer]> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const { child, fault } = start(repository, ['cat-file', '--batch'], `${wanted.join('\n')}\n`);
  const output = pieces(child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
  try {
    for (let line = await output.line(); line !== null; line = await output.line()) {
      const [id = '', kind = '', size = ''] = line.split(' ');
      if (kind === 'missing') continue;
      // Behind each comes a line feed.
      const blob = await output.bytes(Number(size) + 1);
      if (blob === null) break;
      if (kind === 'blob') yield [id, blob.subarray(0, -1)];
    }
    const error = await fault;
    if (error !== null) throw error;
  } finally {
    child.kill();
  }
}

/** {@link streamBlobs} into a map. */
export async function readBlobs(repository: string, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const blobs = new Map<string, Buffer>();
  for await (const [id, blob] of streamBlobs(repository, ids)) blobs.set(id, blob);
  return blobs;
}
