import type { Octokit } from '@octokit/rest';
import type { ForgeComment } from './contract.ts';
import { waitOf } from './limits.ts';

type Said = { node_id: string; body: string; submitted_at?: string | undefined };
type Told = { nodes?: readonly ({ lastEditedAt?: string | null } | null)[] | null };

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
      if (isGraphql(error)) {
        if (!error.errors.every(isRefusal)) throw failure(error);
        // Of one that is gone the others are told nevertheless.
        return error.data;
      }
      if (isNone(error)) return null;
      throw error;
    });
    for (const [index, { node_id, submitted_at }] of some.entries()) {
      const at = told?.nodes?.[index]?.lastEditedAt;
      found.set(node_id, at === undefined ? 'unknown' : at !== null && at !== submitted_at);
    }
  }
  return found;
}

/** As Octokit throws what GraphQL answers with status 200. */
type GraphqlFailure = {
  errors: readonly { type?: string; extensions?: { code?: string } }[];
  data: Told | null;
  headers: object;
  response: object;
};
const isGraphql = (error: unknown): error is GraphqlFailure =>
  (error as { name?: unknown }).name === 'GraphqlResponseError';

/** What the token may not see, or this forge does not know: it will say so again. */
const refusals: ReadonlySet<string | undefined> = new Set(['FORBIDDEN', 'INSUFFICIENT_SCOPES', 'NOT_FOUND']);
const isRefusal = ({ type, extensions }: GraphqlFailure['errors'][number]) =>
  refusals.has(type) || extensions?.code === 'undefinedField';

/** A failure of this time only, with the status by which REST would tell it, so that it is waited for and asked again. */
const failure = (error: GraphqlFailure) =>
  Object.assign(error, {
    status: error.errors.some(({ type }) => type === 'RATE_LIMITED') ? 429 : 502,
    response: Object.assign(error.response, { headers: error.headers }),
  });

/** An answer that says no, which it will say again; what asks to wait is another matter. */
function isNone(error: unknown): boolean {
  const { status } = error as { status?: unknown };
  return (status === 403 || status === 404) && waitOf(error, 0) === null;
}
