import { spawn } from 'node:child_process';

/** Git refused or could not be run. Codes: `git-missing`, `git-failed`, `git-revision` (no such commit). */
export class GitError extends Error {
  readonly code: 'git-missing' | 'git-failed' | 'git-revision';
  constructor(code: GitError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
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

/**
 * Runs one Git command that reads `repository` (a work tree or a bare repository) and returns its output. `-c`
 * options keep the repository's own configuration from starting programs. Throws GitError.
 */
export function git(repository: string, args: readonly string[], input?: string): Promise<Buffer> {
  const hardened = [
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.quotePath=false',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['--no-pager', ...hardened, ...args], {
      cwd: repository,
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-2000);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'ENOENT' && cause.path === 'git'
          ? new GitError(
              'git-missing',
              `git could not be started in ${repository}: is it installed, and is that a folder?`,
              {
                cause,
              },
            )
          : new GitError('git-failed', `git could not be run in ${repository}: ${cause.message}`, { cause }),
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new GitError('git-failed', `git ${args[0]} failed in ${repository}: ${complaint.trim()}`));
    });
    // A command that ends early closes its input; its exit code tells.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/** The full id of the commit a revision names. Throws GitError `git-revision`. */
export async function resolveCommit(repository: string, revision: string): Promise<string> {
  // A revision from the outside must not become an option.
  if (revision === '' || revision.startsWith('-') || /[\0\r\n]/.test(revision))
    throw new GitError('git-revision', `${JSON.stringify(revision)} is not a revision`);
  try {
    const found = await git(repository, ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
    return found.toString().trim();
  } catch (cause) {
    if (cause instanceof GitError && cause.code === 'git-missing') throw cause;
    throw new GitError('git-revision', `${repository} has no commit ${JSON.stringify(revision)}`, { cause });
  }
}

/** Reads many blobs in one process: id → content. Ids that are not there are left out. Throws GitError. */
export async function readBlobs(repository: string, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const blobs = new Map<string, Buffer>();
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return blobs;
  const output = await git(repository, ['cat-file', '--batch'], `${wanted.join('\n')}\n`);
  let at = 0;
  while (at < output.length) {
    const lineEnd = output.indexOf(10, at);
    const [id = '', kind = '', size = ''] = output.toString('latin1', at, lineEnd).split(' ');
    at = lineEnd + 1;
    if (kind === 'missing') continue;
    const length = Number(size);
    if (kind === 'blob') blobs.set(id, output.subarray(at, at + length));
    at += length + 1;
  }
  return blobs;
}
