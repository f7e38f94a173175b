import { resolveCommit } from '../git/git.ts';
import { mergeBase as commonAncestor } from '../git/mergeBase.ts';
import { gitTree } from '../git/tree.ts';
import { diffTrees, type TreeDiff } from './diffTrees.ts';

/** The difference in effective access between two commits. */
export type RevisionDiff = TreeDiff & { base: string; head: string };

type Options = {
  repository: string;
  base: string;
  head: string;
  /** Compare with the commit that `head` was branched off from, not with `base` as it is now. */
  mergeBase: boolean;
  /** Whole seconds since 1970: what has expired then gives nothing. Null: nothing has expired. */
  at: number | null;
};

/**
 * Compiles two commits and compares who may do what. The same commits give the same answer, whenever asked. Throws
 * GitError `git-revision`, BundleError `grants-invalid` naming the commit, and what reading the trees throws.
 */
export async function diffRevisions({
  repository,
  base,
  head,
  mergeBase,
  at,
}: Options): Promise<RevisionDiff> {
  const [theirs, ours] = [await resolveCommit(repository, base), await resolveCommit(repository, head)];
  const from = mergeBase ? await commonAncestor(repository, theirs, ours) : theirs;
  const [before, after] = [await gitTree(repository, from), await gitTree(repository, ours)];
  return { base: from, head: ours, ...(await diffTrees(before, after, at)) };
}
