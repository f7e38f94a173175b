import { BundleError, type Problem } from '../bundleError.ts';
import type { Tree } from '../git/tree.ts';
import type { Opa } from '../policy/opa.ts';
import { problem, sortProblems } from '../yaml/problem.ts';
import { compileDetector } from './compileDetector.ts';
import { examineDetector } from './examineDetector.ts';
import { readDetectors } from './readDetectors.ts';

/** What keeps a repository's own detectors from being asked, each with its place. Throws OpaError. */
export async function checkDetectors(tree: Pick<Tree, 'list' | 'read'>, opa: Opa): Promise<Problem[]> {
  const { own, misplaced } = await readDetectors(tree);
  const found = misplaced.map((one) => one.problem);
  for (const one of own) {
    const { problems } = await examineDetector(opa, one);
    found.push(...problems);
    if (problems.length > 0) continue;
    try {
      await compileDetector(opa, one);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      found.push(problem(one.path, 'policy', error.message));
    }
  }
  return sortProblems(found);
}
