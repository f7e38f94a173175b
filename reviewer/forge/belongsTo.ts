import type { RepositoryClient } from './client.ts';
import { ForgeError } from './forgeError.ts';
import type { RawPull } from './rawPull.ts';

type Closed = Pick<RawPull, 'base' | 'merged_at'> & { merge_commit_sha?: string | null };

/**
 * Tells of pull requests whether they were made against the base branch, by whatever name it had then: a renamed branch
 * takes its open ones along, and those that were closed before keep the old name. What was merged is of the base where
 * the base holds it; what was not, where the forge sends whoever asks for the old name to the base. Throws ForgeError.
 */
export function belongsTo({ octokit, call, repository, root, base }: RepositoryClient) {
  const known = new Map<string, Promise<boolean>>();
  const once = (key: string, ask: () => Promise<boolean>) => {
    const asked =
      known.get(key) ??
      ask().catch((error: unknown) => {
        // Of a branch or commit that is gone nobody tells.
        if (error instanceof ForgeError && [404, 422].includes(error.status ?? 0)) return false;
        throw error;
      });
    known.set(key, asked);
    return asked;
  };
  const isHeld = (commit: string) =>
    call(`GET ${root}/compare/${base}...${commit}`, async () => {
      const asked = { ...repository, basehead: `${base}...${commit}`, per_page: 1 };
      const { status } = (await octokit.rest.repos.compareCommitsWithBasehead(asked)).data;
      return status === 'behind' || status === 'identical';
    });
  const isRenamed = (branch: string) =>
    call(
      `GET ${root}/branches/${branch}`,
      async () => (await octokit.rest.repos.getBranch({ ...repository, branch })).data.name === base,
    );
  return async ({ base: { ref }, merged_at, merge_commit_sha: commit }: Closed): Promise<boolean> => {
    if (ref === base) return true;
    if (merged_at == null) return once(`branch ${ref}`, () => isRenamed(ref));
    return commit != null && once(`commit ${commit}`, () => isHeld(commit));
  };
}
