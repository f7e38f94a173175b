import { spawn } from 'node:child_process';
import { readCapped } from '../format/readCapped.ts';
import { type GitSurroundings, gitEnvironment } from './gitEnvironment.ts';
import { GitError } from './gitError.ts';

export type GitRun = GitSurroundings & {
  cwd?: string;
  input?: string | Buffer;
  timeoutMs: number;
  /** The time starts anew with each sign of life, and stands still while the reader is busy. */
  patient?: boolean;
  signal?: AbortSignal;
  /** Of output; `runGit` throws beyond. Default 256 MiB, which is as much as could become one text. */
  mostBytes?: number;
};

const graceMs = 2000;

/** The command in Git's arguments, for people. */
export const commandOf = (args: readonly string[]): string =>
  `git ${args.find((arg) => !arg.startsWith('-')) ?? ''}`;

/**
 * Starts Git in a process group of its own, and ends the whole group at the timeout or abort. `output` holds Git up while
 * it is not read; `finished` never rejects. Throws GitError `git-aborted` when it is too late to begin.
 */
export function startGit(args: readonly string[], run: GitRun) {
  const { cwd, input = '', timeoutMs, patient = false, signal } = run;
  if (signal?.aborted) throw new GitError('git-aborted', 'stopped');
  const child = spawn('git', args, {
    detached: true,
    env: gitEnvironment(run),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
  let error: GitError | null = null;
  let closed = false;
  let killing: NodeJS.Timeout | undefined;
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It ended by itself in between.
    }
  };
  // TERM lets Git take its lock files away; KILL is for what does not listen.
  const stop = (why: GitError) => {
    if (closed) return;
    error ??= why;
    kill('SIGTERM');
    killing ??= setTimeout(kill, graceMs, 'SIGKILL');
  };
  const late = () =>
    stop(
      new GitError(
        'git-timeout',
        `${commandOf(args)} ${patient ? 'gave no sign of life for' : 'did not finish in'} ${timeoutMs / 1000} s`,
      ),
    );
  let timer: NodeJS.Timeout | undefined = setTimeout(late, timeoutMs);
  const rest = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const abort = () => stop(new GitError('git-aborted', 'stopped'));
  signal?.addEventListener('abort', abort, { once: true });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-8_000);
    if (patient) timer?.refresh();
  });
  const finished = new Promise<{ code: number; stderr: string; error: GitError | null }>((resolve) => {
    const settle = (code: number) => {
      closed = true;
      rest();
      clearTimeout(killing);
      signal?.removeEventListener('abort', abort);
      resolve({ code, stderr, error });
    };
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const where = cwd === undefined ? '' : ` in ${cwd}`;
      error ??=
        cause.code === 'ENOENT'
          ? new GitError(
              'git-missing',
              `git could not be started${where}: is it installed${cwd === undefined ? '' : ', and is that a folder'}?`,
              { cause },
            )
          : new GitError('git-failed', `git could not be run${where}: ${cause.message}`, { cause });
      settle(1);
    });
    child.on('close', (code) => settle(code ?? 1));
  });
  // A command that ends early closes its input; its exit code tells.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const read = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of child.stdout) {
        if (patient) rest();
        yield chunk;
        if (patient && !closed) timer = setTimeout(late, timeoutMs);
      }
    } catch {
      // It was cut off; `finished` says why.
    }
  };
  return { output: read(), finished, stop };
}

/**
 * Runs Git to its end and returns what it said, whatever its exit code. Throws GitError `git-missing`, `git-timeout`,
 * `git-aborted`, or `git-failed` when it says more than the bound.
 */
export async function runGit(
  args: readonly string[],
  run: GitRun,
): Promise<{ code: number; stdout: Buffer; stderr: string }> {
  const { mostBytes = 256 * 1024 * 1024 } = run;
  const { output, finished, stop } = startGit(args, run);
  const stdout = await readCapped(output, mostBytes);
  const tooMuch = new GitError('git-failed', `${commandOf(args)} answered more than ${mostBytes} bytes`);
  if (stdout === null) stop(tooMuch);
  const { code, stderr, error } = await finished;
  if (error !== null) throw error;
  if (stdout === null) throw tooMuch;
  return { code, stdout, stderr };
}
