import { git } from './git.ts';
import { GitError } from './gitError.ts';

/**
 * The commit that two others come from. Throws GitError, `git-revision` where the history at hand holds none: of a clone
 * that is cut short it may well be the usual one.
 */
export async function mergeBase(repository: string, one: string, other: string): Promise<string> {
  try {
    return (await git(repository, ['merge-base', one, other])).toString().trim();
  } catch (error) {
    // Git says nothing where there is none.
    if (!(error instanceof GitError) || error.code !== 'git-failed' || error.complaint !== '') throw error;
    const both = `${one.slice(0, 12)} and ${other.slice(0, 12)}`;
    throw new GitError(
      'git-revision',
      `${repository} has no commit that ${both} both come from; a clone that is cut short needs all history (fetch-depth: 0)`,
      { cause: error },
    );
  }
}
