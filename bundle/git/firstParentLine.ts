import { git } from './git.ts';

/** A commit and its ancestors along first parents, the newest first. Throws GitError. */
export async function firstParentLine(repository: string, commit: string): Promise<string[]> {
  const listing = await git(repository, ['rev-list', '--first-parent', commit, '--']);
  return listing.toString().split('\n').slice(0, -1);
}
