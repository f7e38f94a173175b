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
        const asked = { ...repository, pull_number: number, per_page: 100 };
        const found = await octokit.paginate(octokit.rest.issues.listComments, {
          ...{ ...repository, issue_number: number, per_page: 100 },
        });
        // What stands beside lines comes before the reviews that it was submitted with: of each the review is known then.
        const beside = await octokit.paginate(octokit.rest.pulls.listReviewComments, asked);
        const reviews = await octokit.paginate(octokit.rest.pulls.listReviews, asked);
        const sent = sentWith(reviews, beside);
        const edited = await editedTexts(octokit, [...found, ...sent]);
        const me = await ourselves();
        return [
          ...found.map((one) => commentOf(one, me, edited)),
          ...sent.map((one) => sentOf(one, edited)),
        ].sort((a, b) => a.atMs - b.atMs || a.id - b.id);
      });
    },
    async comment(number, body) {
      await call(`POST ${root}/issues/${number}/comments`, () =>
        octokit.rest.issues.createComment({ ...repository, issue_number: number, body, ...once }),
      );
    },
    async react({ id, kind }, content) {
      const asked = { ...repository, comment_id: id, content };
      await (kind === 'comment'
        ? call(`POST ${root}/issues/comments/${id}/reactions`, () =>
            octokit.rest.reactions.createForIssueComment(asked),
          )
        : call(`POST ${root}/pulls/comments/${id}/reactions`, () =>
            octokit.rest.reactions.createForPullRequestReviewComment(asked),
          ));
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

type RawReview = { id: number; node_id: string; user: RawUser; body: string; submitted_at?: string };
type RawBeside = Omit<RawReview, 'submitted_at'> & {
  created_at: string;
  pull_request_review_id: number | null;
};
type Sent = RawReview & { kind: 'review' | 'review-comment'; submitted_at: string };

/**
 * What reviews say, in their texts and beside lines. Nobody but its author sees any of it before it is submitted, however long
 * ago it was begun.
 */
function sentWith(reviews: readonly RawReview[], beside: readonly RawBeside[]): Sent[] {
  const submitted = new Map<number | null, string | undefined>(
    reviews.map(({ id, submitted_at }) => [id, submitted_at]),
  );
  return [
    ...reviews.flatMap(({ submitted_at, ...review }): Sent[] =>
      submitted_at === undefined || review.body === '' ? [] : [{ ...review, kind: 'review', submitted_at }],
    ),
    ...beside.map(
      ({ created_at, pull_request_review_id, ...one }): Sent => ({
        ...{ ...one, kind: 'review-comment' },
        submitted_at: submitted.get(pull_request_review_id) ?? created_at,
      }),
    ),
  ];
}

const sentOf = (
  { id, kind, node_id, user, body, submitted_at }: Sent,
  edited: Awaited<ReturnType<typeof editedTexts>>,
): ForgeComment => ({
  ...{ id, kind, key: `${kind === 'review' ? 'r' : 'rc'}${id}`, ...authorOf(user) },
  isEdited: edited.get(node_id) ?? 'unknown',
  ...{ isOurs: false, body, atMs: Date.parse(submitted_at) },
});

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
