import { z } from 'zod';
import type { RepositoryClient } from './client.ts';
import { ForgeError } from './forgeError.ts';
import { ghost } from './lastWords.ts';

/** A text as the forge has it, who wrote it last, and when what it is of was opened again last (ms since 1970). */
export type LastWritten = { body: string; by: string; author: string; reopenedMs: number | null };

const who = z.object({ __typename: z.string(), login: z.string() }).nullable();
const text = z.object({
  body: z.string(),
  author: who,
  editor: who,
  lastEditedAt: z.string().nullable(),
  timelineItems: z.object({ nodes: z.array(z.object({ createdAt: z.string() }).nullable()) }),
});
const answer = z.object({ repository: z.record(z.string(), text.nullable()) });

const fields =
  'body author { ...who } editor { ...who } lastEditedAt timelineItems(itemTypes: REOPENED_EVENT, last: 1) { nodes { ... on ReopenedEvent { createdAt } } }';
const queryOf = (numbers: readonly number[]) =>
  `query ($owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) { ${numbers
    .map(
      (number) =>
        `n${number}: issueOrPullRequest(number: ${number}) { ... on Issue { ${fields} } ... on PullRequest { ${fields} } }`,
    )
    .join(' ')} } } fragment who on Actor { __typename login }`;
const mostAtOnce = 50;

/**
 * Who wrote the texts of issues and pull requests last, by their numbers. REST names whoever opened one, and whoever may push
 * can change any of them: GraphQL tells. Throws ForgeError.
 */
export async function lastWritten(
  { octokit, call, repository }: RepositoryClient,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, LastWritten>> {
  const found = new Map<number, LastWritten>();
  for (let from = 0; from < numbers.length; from += mostAtOnce) {
    const some = numbers.slice(from, from + mostAtOnce);
    const asked = 'POST /graphql (editors)';
    const said = answer.safeParse(await call(asked, () => octokit.graphql(queryOf(some), repository)));
    if (!said.success) throw new ForgeError('forge-refused', asked, 'does not tell who wrote what');
    const { repository: texts } = said.data;
    for (const number of some) {
      const one = texts[`n${number}`];
      // Of one that it has just listed: what answers there is behind.
      if (one == null)
        throw new ForgeError('forge-failed', asked, `does not know #${number} yet; a later run goes on`);
      const { body, author, editor, lastEditedAt, timelineItems } = one;
      const reopened = timelineItems.nodes.at(-1)?.createdAt;
      found.set(number, {
        ...{ body, author: nameOf(author), by: nameOf(lastEditedAt === null ? author : editor) },
        reopenedMs: reopened === undefined ? null : Date.parse(reopened),
      });
    }
  }
  return found;
}

/** As REST names them: an App has "[bot]" behind its name there, as no person has. */
function nameOf(actor: z.output<typeof who>): string {
  if (actor === null) return ghost;
  const { __typename: kind, login } = actor;
  return kind === 'Bot' && !login.endsWith('[bot]') ? `${login}[bot]` : login;
}
