import { BundleError } from '../bundleError.ts';
import { compileTree } from '../compile/compileTree.ts';
import { canonicalJson } from '../format/canonicalJson.ts';
import { sha256 } from '../format/digest.ts';
import type { Tree } from '../git/tree.ts';
import { isBuiltIn, readPolicies } from '../policy/policies.ts';
import { type DataDiff, diffData } from './diffData.ts';

/** The difference in effective access between two trees. */
export type TreeDiff = DataDiff & {
  /** The rules themselves differ: what the same grants allow may be something else. */
  policiesChanged: boolean;
  /** The rules after it are not those that come with the product: they may look at more than grants. */
  ownPolicies?: boolean;
};

/**
 * Compiles two trees and compares who may do what. `at`: whole seconds since 1970, what has expired then gives nothing; null:
 * nothing has expired. Throws BundleError `grants-invalid` naming the commit, and what reading the trees throws.
 */
export async function diffTrees(before: Tree, after: Tree, at: number | null): Promise<TreeDiff> {
  const [old, now] = [await compiled(before), await compiled(after)];
  const [rules, next] = [await readPolicies(before, 'authz'), await readPolicies(after, 'authz')];
  return {
    policiesChanged: textOf(rules) !== textOf(next),
    ownPolicies: !(await isBuiltIn(next, 'authz')),
    ...diffData(old, now, { at }),
  };
}

/** data.json of a tree, in line form. */
async function compiled(tree: Tree): Promise<Buffer> {
  try {
    return (await compileTree(tree)).data;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const { code, message, problems } = error;
    throw new BundleError(code, `${tree.revision?.slice(0, 12)}: ${message}`, { problems, cause: error });
  }
}

const textOf = (rules: ReadonlyMap<string, Buffer>) =>
  canonicalJson([...rules].map(([path, rego]) => [path, sha256(rego)]));
