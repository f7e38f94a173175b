import { BundleError } from '../../bundle/bundleError.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';

/**
 * A bundle was not taken. `code` is that of the error behind it (of a source, of the bundle, of the policy) or one of
 * `counter-rollback`, `grants-held`, `loader-crashed`, `loader-hung`, `swap-failed`, `closed`.
 */
export class LoadError extends Error {
  readonly code: string;
  /** What is wrong in the files of a commit, `path:line:column: what`, when that is why. */
  readonly problems: readonly string[];
  constructor(
    code: string,
    message: string,
    { problems = [], ...options }: ErrorOptions & { problems?: readonly string[] } = {},
  ) {
    super(message, options);
    this.name = 'LoadError';
    this.code = code;
    this.problems = problems;
  }
}

/** A LoadError as it crosses between threads. */
export type PostedError = { code: string; message: string; problems: readonly string[] };

/** Takes what is known of any error along; its text never holds credentials. */
export function postError(error: unknown): PostedError {
  if (!(error instanceof Error)) return { code: 'load-failed', message: String(error), problems: [] };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'load-failed';
  const problems =
    error instanceof BundleError
      ? error.problems.map(formatProblem)
      : error instanceof LoadError
        ? error.problems
        : [];
  return { code, message: error.message, problems };
}
