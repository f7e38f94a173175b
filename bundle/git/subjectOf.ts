import { git } from './git.ts';
import { GitError } from './gitError.ts';

/** The first line of a commit's message; null where there is no repository, or none that knows it. */
export async function subjectOf(repository: string, commit: string): Promise<string | null> {
  try {
    return (await git(repository, ['log', '-1', '--format=%s', commit, '--'])).toString().trim();
  } catch (error) {
    if (error instanceof GitError) return null;
    throw error;
  }
}
