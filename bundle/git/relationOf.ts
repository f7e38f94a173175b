import { git, resolveCommit } from './git.ts';
import { GitError } from './gitError.ts';

/** What one commit is to another: `other` is older, or of another line; `unknown` is not in the repository. */
export type Relation = 'same' | 'newer' | 'other' | 'unknown';

/** What `theirs` is to the commit `ours`, by the history at hand. Throws GitError. */
export async function relationOf(repository: string, ours: string, theirs: string): Promise<Relation> {
  if (ours === theirs) return 'same';
  try {
    await resolveCommit(repository, theirs);
  } catch (error) {
    if (error instanceof GitError && error.code === 'git-revision') return 'unknown';
    throw error;
  }
  const between = await git(repository, ['rev-list', '--max-count=1', ours, `^${theirs}`]);
  return between.length === 0 ? 'newer' : 'other';
}
