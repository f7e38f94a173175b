import type { Files } from '../bundle/git/tree.ts';
import { load } from '../bundle/grants/load.ts';
import type { Organisation } from '../bundle/grants/organisation.ts';
import { formatProblem } from '../bundle/yaml/problem.ts';
import { ReviewError } from './reviewError.ts';

/**
 * What a tree says, where it is valid; `whose` names it. Throws ReviewError `grants-invalid` with every problem, and what
 * reading the tree throws.
 */
export async function organisationOf(tree: Files, whose = 'the grants have'): Promise<Organisation> {
  const { organisation, problems } = await load(tree);
  if (organisation !== null) return organisation;
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = problems.map((one) => `\n  ${formatProblem(one)}`);
  throw new ReviewError('grants-invalid', `${whose} ${many}:${lines.join('')}`);
}
