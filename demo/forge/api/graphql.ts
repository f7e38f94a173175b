import { isPull } from '../model/core.ts';
import { nodeId } from '../model/shapes.ts';
import { type Handler, ok } from './call.ts';

/** GraphQL for the one question that REST does not answer: when reviews were changed last, by their ids. */
export const graphql: Handler = async ({ core, body }) => {
  const { ids } = (body.variables ?? {}) as { ids?: unknown };
  if (!/lastEditedAt/.test(String(body.query)) || !Array.isArray(ids))
    return ok({ errors: [{ message: 'That is not asked here.', type: 'UNKNOWN' }] });
  const reviews = new Map(
    core.state.data.issues
      .filter(isPull)
      .flatMap(({ pull }) => pull.reviews)
      .map(({ id, editedAt }) => [nodeId('PullRequestReview', id), { lastEditedAt: editedAt }]),
  );
  return ok({ data: { nodes: ids.map((id) => reviews.get(String(id)) ?? null) } });
};
