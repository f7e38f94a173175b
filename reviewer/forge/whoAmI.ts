import type { Client } from './client.ts';
import { ForgeError, type ForgeErrorCode } from './forgeError.ts';

/** What a forge answers to the token of an App or a workflow, which have no user. One that is not accepted is another matter. */
const nobody: readonly ForgeErrorCode[] = ['forge-forbidden', 'forge-not-found'];

/** The login of whoever a token is of; null for an App's or a workflow's. Throws ForgeError where nobody can tell. */
export async function whoAmI({ octokit, call }: Client): Promise<string | null> {
  try {
    return await call('GET /user', async () => (await octokit.rest.users.getAuthenticated()).data.login);
  } catch (error) {
    if (error instanceof ForgeError && nobody.includes(error.code)) return null;
    throw error;
  }
}
