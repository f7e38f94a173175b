import { runGit } from '../../../bundle/git/runGit.ts';

/** Git refused; `status` is its exit code. */
export class GitError extends Error {
  readonly code = 'git-failed';
  readonly status: number;
  constructor(verb: string, status: number, stderr: string) {
    super(`git ${verb} failed (${status}): ${stderr.trim().slice(0, 500)}`);
    this.status = status;
  }
}

export type GitAnswer = { code: number; stdout: Buffer };

export type Git = {
  /** The bare repository's folder. */
  repository: string;
  /** Whoever has the same one here shares what is known of commits: copies of one repository. */
  history: object;
  /** Runs git in the repository. Exit codes besides 0 must be named in `codes`, or a GitError is thrown. */
  run: (
    args: readonly string[],
    options?: { input?: string | Buffer; env?: Record<string, string>; codes?: readonly number[] },
  ) => Promise<GitAnswer>;
  /** The same, with stdout as text without its last line feed. */
  text: (
    args: readonly string[],
    options?: { input?: string | Buffer; env?: Record<string, string> },
  ) => Promise<string>;
};

/** The user's own configuration must not decide how the forge merges, names or signs. */
const surroundings = { protocol: 'file', globalConfig: '/dev/null' } as const;

export function createGit(repository: string, history: object = {}): Git {
  const run: Git['run'] = async (args, { codes = [], ...options } = {}) => {
    const { code, stdout, stderr } = await runGit([`--git-dir=${repository}`, ...args], {
      ...surroundings,
      ...{ timeoutMs: 30_000, mostBytes: 64 * 1024 * 1024 },
      ...options,
    });
    if (code !== 0 && !codes.includes(code)) throw new GitError(args[0] ?? '', code, stderr);
    return { code, stdout };
  };
  return {
    repository,
    history,
    run,
    text: async (args, options) => (await run(args, options)).stdout.toString().replace(/\n$/, ''),
  };
}
