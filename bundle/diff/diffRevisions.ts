import { BundleError } from '../bundleError.ts';
import { compileTree } from '../compile/compileTree.ts';
import { canonicalJson } from '../format/canonicalJson.ts';
import { sha256 } from '../format/digest.ts';
import { resolveCommit } from '../git/git.ts';
import { mergeBase as commonAncestor } from '../git/mergeBase.ts';
import { gitTree, type Tree } from '../git/tree.ts';
import { isBuiltIn, readPolicies } from '../policy/policies.ts';
import { type DataDiff, diffData } from './diffData.ts';

/** The difference in effective access between two commits. */
export type RevisionDiff = DataDiff & {
  base: string;
  head: string;
  /** The rules themselves differ: what the same grants allow may be something else. */
  policiesChanged: boolean;
  /** The rules after it are not those that come with the product: they may look at more than grants. */
  ownPolicies?: boolean;
};

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
  const [old, now] = [await compiled(before), await compiled(after)];
  const [rules, next] = [await readPolicies(before, 'authz'), await readPolicies(after, 'authz')];
  return {
    base: from,
    head: ours,
    policiesChanged: textOf(rules) !== textOf(next),
    ownPolicies: !(await isBuiltIn(next, 'authz')),
    ...diffData(old, now, { at }),
  };
}

async function compiled(tree: Tree): Promise<Buffer> {
  try {
    return await dataOf(tree);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const { code, message, problems } = error;
    throw new BundleError(code, `${tree.revision?.slice(0, 12)}: ${message}`, { problems, cause: error });
  }
}

const textOf = (rules: ReadonlyMap<string, Buffer>) =>
  canonicalJson([...rules].map(([path, rego]) => [path, sha256(rego)]));

/** data.json of a tree, in line form. Throws BundleError `grants-invalid` with the problems; what reading it throws. */
export async function dataOf(tree: Tree): Promise<Buffer> {
  return (await compileTree(tree)).data;
}
