import type { Problem } from './bundleError.ts';
import { workingTree } from './git/tree.ts';
import { load } from './grants/load.ts';
import type { Organisation } from './grants/organisation.ts';
import { usedIds } from './grants/usedIds.ts';
import { checkPolicies, hasPolicies } from './policy/checkPolicies.ts';
import { findOpa } from './policy/opa.ts';
import { sortProblems } from './yaml/problem.ts';

/** How much of each kind there is; zeros while there are problems in grants/. */
export type Summary = Record<'apis' | 'operations' | 'grants' | 'people' | 'groups' | 'services', number>;

function summarize(organisation: Organisation | null): Summary {
  if (organisation === null) return { apis: 0, operations: 0, grants: 0, people: 0, groups: 0, services: 0 };
  const { apis, grants, people, groups, services } = organisation;
  const operations = [...apis.values()].reduce((sum, api) => sum + api.operations.size, 0);
  return {
    apis: apis.size,
    operations,
    grants: grants.length,
    people: people.size,
    groups: groups.size,
    services: services.size,
  };
}

/**
 * Checks the grants repository at `root` as it lies on disk: its files, ids that Git history says were used before
 * (in a Git repository), and its own policies if it has any (these need opa, which is looked for or installed;
 * `progress` is told). Never depends on the clock. Throws OpaError, GitError, TreeError.
 */
export async function check(
  root: string,
  options: { env?: NodeJS.ProcessEnv; progress?: (line: string) => void } = {},
): Promise<{ problems: Problem[]; summary: Summary }> {
  const tree = await workingTree(root);
  const { organisation, problems } = await load(tree);
  const used = organisation && tree.revision ? await usedIds(root, tree.revision, organisation.grants) : [];
  const policies = (await hasPolicies(tree)) ? await checkPolicies(tree, await findOpa(options)) : [];
  return { problems: sortProblems([...problems, ...used, ...policies]), summary: summarize(organisation) };
}
