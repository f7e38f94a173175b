import { type Core, findIssue, isPull } from '../model/core.ts';
import { nodeId } from '../model/shapes.ts';
import type { Issue } from '../model/state.ts';
import { actor, type Handler, ok } from './call.ts';

/** GraphQL for the questions that REST does not answer: who asks, and who changed texts when. */
export const graphql: Handler = async (call) => {
  const { core, body } = call;
  const query = String(body.query);
  const { ids } = (body.variables ?? {}) as { ids?: unknown };
  if (/\bviewer\b/.test(query)) return ok({ data: { viewer: { login: actor(call).login } } });
  if (/\brepository\(/.test(query)) return ok({ data: { repository: textsOf(core, query) } });
  if (!/lastEditedAt/.test(query) || !Array.isArray(ids))
    return ok({ errors: [{ message: 'That is not asked here.', type: 'UNKNOWN' }] });
  const pulls = core.state.data.issues.filter(isPull).map(({ pull }) => pull);
  const edited = new Map([
    ...pulls
      .flatMap(({ reviews }) => reviews)
      .map(({ id, editedAt }) => [nodeId('PullRequestReview', id), editedAt] as const),
    ...pulls
      .flatMap(({ reviewComments }) => reviewComments)
      .map(({ id, editedAt }) => [nodeId('PullRequestReviewComment', id), editedAt] as const),
    ...core.state.data.comments.map(({ id, editedAt }) => [nodeId('IssueComment', id), editedAt] as const),
  ]);
  return ok({
    data: {
      nodes: ids.map((id) => {
        const at = edited.get(String(id));
        return at === undefined ? null : { lastEditedAt: at };
      }),
    },
  });
};

/** An issue or pull request for each `p7: issueOrPullRequest(number: 7)`. */
function textsOf(core: Core, query: string) {
  const asked = [...query.matchAll(/(\w+): issueOrPullRequest\(number: (\d+)\)/g)];
  return Object.fromEntries(
    asked.map(([, name = '', number]) => {
      const issue = findIssue(core, Number(number));
      return [name, issue === undefined ? null : textOf(issue)];
    }),
  );
}

function textOf({ number, body, author, edited, reopenedAt }: Issue) {
  // An app has no "[bot]" behind its name here, as on GitHub.
  const actorOf = (login: string) =>
    login.endsWith('[bot]')
      ? { __typename: 'Bot', login: login.slice(0, -'[bot]'.length) }
      : { __typename: 'User', login };
  return {
    number,
    body: body ?? '',
    author: actorOf(author),
    editor: edited === null ? null : actorOf(edited.by),
    lastEditedAt: edited?.at ?? null,
    timelineItems: { nodes: reopenedAt === null ? [] : [{ createdAt: reopenedAt }] },
  };
}
