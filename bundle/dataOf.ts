import { compileTree } from './compileTree.ts';
import type { Tree } from './tree.ts';

/** data.json of a tree, in line form. Throws BundleError `grants-invalid` with the problems; what reading it throws. */
export async function dataOf(tree: Tree): Promise<Buffer> {
  return (await compileTree(tree)).data;
}
