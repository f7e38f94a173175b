import { BundleError } from '../../bundle/bundleError.ts';
import { compileTree } from '../../bundle/compile/compileTree.ts';
import { type Change, diffData } from '../../bundle/diff/diffData.ts';
import { type Tree, withFiles } from '../../bundle/git/tree.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { ReviewError } from '../reviewError.ts';

/** Path below the folder that holds grants/ → the whole text of the file. */
export type Texts = ReadonlyMap<string, string>;

const mostProblems = 20;

/** A tree in which some files are otherwise. */
export const withTexts = (tree: Tree, texts: Texts): Tree => ({
  ...tree,
  source: 'disk',
  ...withFiles(tree, texts),
});

/**
 * Who gains and loses what by changed files, as of an instant in seconds since 1970. Throws ReviewError `grants-invalid`
 * where the repository is not valid, before or with them.
 */
export async function effectOf(tree: Tree, texts: Texts, at: number): Promise<readonly Change[]> {
  const before = await dataOf(tree, 'the repository is not valid as it is');
  const after = await dataOf(withTexts(tree, texts), 'the repository would not be valid');
  return diffData(before, after, { at }).changes;
}

async function dataOf(tree: Tree, otherwise: string): Promise<Buffer> {
  try {
    return (await compileTree(tree)).data;
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const shown = error.problems.slice(0, mostProblems).map(formatProblem);
    throw new ReviewError('grants-invalid', `${otherwise}:\n${shown.join('\n') || error.message}`, {
      cause: error,
    });
  }
}
