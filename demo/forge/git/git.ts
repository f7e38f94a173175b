import { spawn } from 'node:child_process';

/** Git refused or failed; `status` is its exit code, null when a signal or the time limit ended it. */
export class GitError extends Error {
  readonly code = 'git-failed';
  readonly status: number | null;
  constructor(verb: string, status: number | null, stderr: string) {
    super(`git ${verb} failed (${status ?? 'stopped'}): ${stderr.trim().slice(0, 500)}`);
    this.status = status;
  }
}

export type GitAnswer = { code: number; stdout: Buffer };

export type Git = {
  /** The bare repository's folder. */
  repository: string;
  /** Runs git in the repository. Exit codes besides 0 must be named in `codes`, or a GitError is thrown. */
  run: (
    args: readonly string[],
    options?: { input?: string | Buffer; env?: NodeJS.ProcessEnv; codes?: readonly number[] },
  ) => Promise<GitAnswer>;
  /** The same, with stdout as text without its last line feed. */
  text: (
    args: readonly string[],
    options?: { input?: string | Buffer; env?: NodeJS.ProcessEnv },
  ) => Promise<string>;
};

const timeLimitMs = 30_000;
const mostOutput = 64 * 1024 * 1024;

/** The user's own configuration must not decide how the forge merges, names or signs. */
export const gitEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
});

export function createGit(repository: string): Git {
  const run: Git['run'] = (args, options = {}) =>
    new Promise((done, failed) => {
      const child = spawn('git', ['--git-dir', repository, '-c', 'core.quotePath=false', ...args], {
        env: { ...gitEnvironment(), ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), timeLimitMs);
      const chunks: Buffer[] = [];
      let size = 0;
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > mostOutput) child.kill('SIGKILL');
        else chunks.push(chunk);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < 4096) stderr += chunk.toString();
      });
      child.on('error', (cause) => failed(cause));
      child.on('close', (status) => {
        clearTimeout(timer);
        if (status !== null && (status === 0 || options.codes?.includes(status)))
          done({ code: status, stdout: Buffer.concat(chunks) });
        else failed(new GitError(args[0] ?? '', status, stderr));
      });
      // Git may exit before it has read all of its input; its exit code says what matters.
      child.stdin.on('error', () => {});
      child.stdin.end(options.input ?? '');
    });
  return {
    repository,
    run,
    text: async (args, options) => (await run(args, options)).stdout.toString().replace(/\n$/, ''),
  };
}
