import { once, type RepositoryClient } from './client.ts';
import type { Forge, ForgeComment, ForgeIssue } from './contract.ts';
import { editedTexts } from './editedTexts.ts';
import { lastWritten } from './lastWritten.ts';

type IssueCalls = Pick<
  Forge,
  'addLabels' | 'comments' | 'comment' | 'react' | 'issue' | 'issues' | 'createIssue' | 'updateIssue'
>;

/** What is asked of a forge about issues, which pull requests are to it, and what is said there. */
export function issueCalls(client: RepositoryClient): IssueCalls {
  const { octokit, call, repository, root, ourselves } = client;
  return {
    async addLabels(number, labels) {
      await call(`POST ${root}/issues/${number}/labels`, () =>
        octokit.rest.issues.addLabels({ ...repository, issue_number: number, labels: [...labels] }),
      );
    },
    async comments(number) {
      return call(`GET ${root}/issues/${number}/comments`, async () => {
        const asked = { ...repository, issue_number: number, per_page: 100 };
        const found = await octokit.paginate(octokit.rest.issues.listComments, asked);
        const reviews = await octokit.paginate(octokit.rest.pulls.listReviews, {
          ...{ ...repository, pull_number: number, per_page: 100 },
        });
        const edited = await editedTexts(octokit, [...found, ...reviews]);
        const me = await ourselves();
        const said = reviews.flatMap(({ id, node_id, user, body, submitted_at }): ForgeComment[] =>
          submitted_at === undefined || body === ''
            ? []
            : [
                {
                  id,
                  kind: 'review',
                  key: `r${id}`,
                  ...authorOf(user),
                  isEdited: edited.get(node_id) ?? 'unknown',
                  isOurs: false,
                  body,
                  atMs: Date.parse(submitted_at),
                },
              ],
        );
        return [...found.map((one) => commentOf(one, me, edited)), ...said].sort(
          (a, b) => a.atMs - b.atMs || a.id - b.id,
        );
      });
    },
    async comment(number, body) {
      await call(`POST ${root}/issues/${number}/comments`, () =>
        octokit.rest.issues.createComment({ ...repository, issue_number: number, body, ...once }),
      );
    },
    async react(comment, content) {
      await call(`POST ${root}/issues/comments/${comment}/reactions`, () =>
        octokit.rest.reactions.createForIssueComment({ ...repository, comment_id: comment, content }),
      );
    },
    async issue(number) {
      const data = await call(
        `GET ${root}/issues/${number}`,
        async () => (await octokit.rest.issues.get({ ...repository, issue_number: number })).data,
      );
      const last = (await lastWritten(client, [number])).get(number);
      const isTheirs = last !== undefined && last.by === last.author && last.body === (data.body ?? '');
      return { ...issueOf(data), createdMs: Date.parse(data.created_at), isTheirs };
    },
    async issues(label) {
      return call(`GET ${root}/issues`, async () => {
        const asked = { ...repository, labels: label, state: 'all', per_page: 100 } as const;
        const found = await octokit.paginate(octokit.rest.issues.listForRepo, asked);
        return found.filter((issue) => issue.pull_request === undefined).map(issueOf);
      });
    },
    async createIssue(texts) {
      return call(`POST ${root}/issues`, async () =>
        issueOf((await octokit.rest.issues.create({ ...repository, ...texts, ...once })).data),
      );
    },
    async updateIssue(number, change) {
      await call(`PATCH ${root}/issues/${number}`, () =>
        octokit.rest.issues.update({ ...repository, issue_number: number, ...change }),
      );
    },
  };
}

type RawUser = { login: string; type?: string } | null;
const authorOf = (user: RawUser) => ({ author: user?.login ?? '', isBot: user?.type === 'Bot' });

type RawComment = {
  id: number;
  node_id: string;
  user: RawUser;
  body?: string | null;
  created_at: string;
  updated_at: string;
};
function commentOf(
  { id, node_id, user, body, created_at, updated_at }: RawComment,
  me: string,
  edited: Awaited<ReturnType<typeof editedTexts>>,
): ForgeComment {
  // What is changed within the second in which it was written, only GraphQL tells.
  const isEdited = updated_at !== created_at || edited.get(node_id) === true;
  return {
    ...{ id, kind: 'comment', key: `c${id}`, ...authorOf(user), isEdited },
    isOurs: user?.login === me && !isEdited,
    ...{ body: body ?? '', atMs: Date.parse(created_at) },
  };
}

type RawIssue = {
  number: number;
  html_url: string;
  body?: string | null;
  state: string;
  user: RawUser;
};
const issueOf = ({ number, html_url, body, state, user }: RawIssue): ForgeIssue => ({
  number,
  url: html_url,
  body: body ?? '',
  state: state === 'open' ? 'open' : 'closed',
  author: user?.login ?? '',
});
