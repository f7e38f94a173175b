import { GitError } from '../../bundle/git/gitError.ts';
import { UsageError } from './usageError.ts';

/** A revision that an argument names and the repository does not have is a mistake in the call. Throws, always. */
export function badRevision(error: unknown): never {
  if (error instanceof GitError && error.code === 'git-revision')
    throw new UsageError(error.message, { cause: error });
  throw error;
}
