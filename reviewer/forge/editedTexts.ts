import type { Octokit } from '@octokit/rest';
import { isGraphql, isRefusal } from './client.ts';
import type { ForgeComment } from './contract.ts';
import { waitOf } from './limits.ts';

type Said = { node_id: string; body?: string | null | undefined; submitted_at?: string | undefined };
type Who = { login: string } | null;
type Node = { lastEditedAt?: string | null; author?: Who; editor?: Who } | null;
type Told = { nodes?: readonly Node[] | null };

const query =
  'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequestReview { lastEditedAt author { login } editor { login } } ... on PullRequestReviewComment { lastEditedAt author { login } editor { login } } ... on IssueComment { lastEditedAt } } }';
const mostAtOnce = 100;
/** What might be a command, or a word of ours, which alone are asked about: in HTML comments anything may stand before one. */
const counting = /\/|<!-- grantgate:/;

/**
 * Whether each of some comments and reviews was changed since it was said. REST does not tell of reviews, and of comments
 * not within a second; GraphQL does: whoever may push can change anybody's. `unknown` where the forge, or the token, has no
 * GraphQL.
 */
export async function editedTexts(
  { graphql }: Pick<Octokit, 'graphql'>,
  texts: readonly Said[],
): Promise<ReadonlyMap<string, ForgeComment['isEdited']>> {
  const asked = texts.filter(({ body }) => counting.test(body ?? ''));
  const found = new Map<string, ForgeComment['isEdited']>();
  for (let from = 0; from < asked.length; from += mostAtOnce) {
    const some = asked.slice(from, from + mostAtOnce);
    const ids = some.map(({ node_id }) => node_id);
    const told = await graphql<Told>(query, { ids }).catch((error: unknown) => {
      if (isGraphql(error)) {
        if (!isRefusal(error)) throw error;
        // Of one that is gone the others are told nevertheless.
        return error.data as Told | null;
      }
      if (isNone(error)) return null;
      throw error;
    });
    for (const [index, { node_id, submitted_at }] of some.entries()) {
      const node = told?.nodes?.[index];
      const at = node?.lastEditedAt;
      found.set(node_id, at === undefined ? 'unknown' : at !== null && !isAsSubmitted(node, submitted_at));
    }
  }
  return found;
}

/** Its author alone may write it until it is submitted; within that second somebody else may have, too. */
function isAsSubmitted(node: Node | undefined, submittedAt: string | undefined): boolean {
  const at = node?.lastEditedAt;
  if (at == null || submittedAt === undefined) return false;
  return (
    at < submittedAt ||
    (at === submittedAt && node?.editor != null && node.editor.login === node.author?.login)
  );
}

/** An answer that says no, which it will say again; what asks to wait is another matter. */
function isNone(error: unknown): boolean {
  const { status } = error as { status?: unknown };
  return (status === 403 || status === 404) && waitOf(error, 0) === null;
}
