import type { Client } from './client.ts';
import { ForgeError, type ForgeErrorCode } from './forgeError.ts';

/** What a forge answers to the token of an App or a workflow, which have no user. One that is not accepted is another matter. */
const nobody: readonly ForgeErrorCode[] = ['forge-forbidden', 'forge-not-found'];

/**
 * The login of whoever a token is of, an App's or a workflow's as well: `review-of-acme[bot]`. Throws ForgeError where nobody
 * can tell: then nothing could be known for the review's own.
 */
export async function whoAmI({ octokit, call }: Client): Promise<string> {
  try {
    return await call('GET /user', async () => (await octokit.rest.users.getAuthenticated()).data.login);
  } catch (error) {
    if (!(error instanceof ForgeError && nobody.includes(error.code))) throw error;
  }
  return call('POST /graphql (viewer)', async () => {
    const { viewer } = await octokit.graphql<{ viewer: { login: string } }>('query { viewer { login } }');
    return viewer.login;
  });
}
