import type { Octokit } from '@octokit/rest';
import type { ForgeComment } from './contract.ts';
import { waitOf } from './limits.ts';

type Said = { node_id: string; body: string; submitted_at?: string | undefined };
type Told = { nodes: readonly ({ lastEditedAt?: string | null } | null)[] };

const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequestReview { lastEditedAt } } }';
const mostAtOnce = 100;
/** What might be a command, which alone is asked about. */
const commanding = /^[ \t]*\//m;

/**
 * Whether each of some reviews was changed since it was submitted. REST does not tell, GraphQL does: whoever may push can
 * change anybody's. `unknown` where the forge, or the token, has no GraphQL.
 */
export async function editedReviews(
  { graphql }: Pick<Octokit, 'graphql'>,
  reviews: readonly Said[],
): Promise<ReadonlyMap<string, ForgeComment['isEdited']>> {
  const asked = reviews.filter(({ body }) => commanding.test(body));
  const found = new Map<string, ForgeComment['isEdited']>();
  for (let from = 0; from < asked.length; from += mostAtOnce) {
    const some = asked.slice(from, from + mostAtOnce);
    const ids = some.map(({ node_id }) => node_id);
    const told = await graphql<Told>(query, { ids }).catch((error: unknown) => {
      if (isNone(error)) return null;
      throw error;
    });
    for (const [index, { node_id, submitted_at }] of some.entries()) {
      const at = told?.nodes[index]?.lastEditedAt;
      found.set(node_id, at === undefined ? 'unknown' : at !== null && at !== submitted_at);
    }
  }
  return found;
}

/** An answer that says no, which it will say again; what asks to wait is another matter. */
function isNone(error: unknown): boolean {
  const { name, status } = error as { name?: unknown; status?: unknown };
  return name === 'GraphqlResponseError' || ((status === 403 || status === 404) && waitOf(error, 0) === null);
}
