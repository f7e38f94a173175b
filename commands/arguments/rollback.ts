import { type Release, type Rollback, rollbackFrom } from '../../bundle/archive/release.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { UsageError } from './usageError.ts';

/**
 * The way back that a bundle of an older commit is released as, instead of the release `replaced`; true stands for the
 * commit that is checked out in `root`. Throws UsageError when it leads forward, or back from no release.
 */
export async function rollbackOf(
  root: string,
  { counter }: Release,
  replaced: string | true,
): Promise<Rollback> {
  const rollback = rollbackFrom(replaced === true ? String((await gitTree(root, 'HEAD')).counter) : replaced);
  if (rollback === null)
    throw new UsageError(`--allow-rollback takes the number of a release, like 7 or 7.1, got "${replaced}"`);
  if (rollback.from <= counter)
    throw new UsageError(
      `release ${counter} is no way back from release ${rollback.from}: name the newer one that it replaces`,
    );
  return rollback;
}
