import type { RepositoryClient } from './client.ts';
import { ForgeError } from './forgeError.ts';

/** Whether somebody may push to the repository. Throws ForgeError. */
export async function mayWrite(
  { octokit, call, repository, root }: RepositoryClient,
  login: string,
): Promise<boolean> {
  return call(`GET ${root}/collaborators/${login}/permission`, async () => {
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
      ...repository,
      username: login,
    });
    return data.permission === 'admin' || data.permission === 'write';
  }).catch((error: unknown) => {
    // GitHub knows no such collaborator: then nobody may.
    if (error instanceof ForgeError && error.code === 'forge-not-found') return false;
    throw error;
  });
}
