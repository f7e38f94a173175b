import { GitError } from '../bundle/git/gitError.ts';
import { gitTree } from '../bundle/git/tree.ts';
import { digestOf, populationDigest } from './campaign/freeze.ts';
import type { Frozen } from './campaign/frozen.ts';
import { inScope, parseScope } from './campaign/scope.ts';
import { organisationOf } from './organisationOf.ts';
import type { Mirror } from './pulls/mirror.ts';
import { ReviewError } from './reviewError.ts';

/**
 * The grants in scope at the commit that was frozen, counted again, with the digest of all; null where the repository has
 * no such commit, or it is not valid by today's rules. Throws GitError for what keeps it from being read.
 */
export async function recountScope(
  frozen: Pick<Frozen, 'commit' | 'scope'>,
  { repository, folder }: Pick<Mirror, 'repository' | 'folder'>,
): Promise<{ grants: number; digest: string } | null> {
  const scope = frozen.scope === null ? null : parseScope(frozen.scope);
  try {
    const organisation = await organisationOf(await gitTree(repository, frozen.commit, folder));
    const grants = organisation.grants
      .filter((grant) => scope === null || inScope(scope, grant, organisation))
      .map((grant) => ({ grant: grant.id, digest: digestOf(grant) }))
      .sort((a, b) => (a.grant < b.grant ? -1 : 1));
    return { grants: grants.length, digest: populationDigest(grants) };
  } catch (error) {
    const gone = error instanceof GitError && error.code === 'git-revision';
    // Whatever else kept it from being read says nothing about the commit.
    if (gone || (error instanceof ReviewError && error.code === 'grants-invalid')) return null;
    throw error;
  }
}
