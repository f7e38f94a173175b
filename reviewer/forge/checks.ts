import { z } from 'zod';
import { once, openClient } from './client.ts';
import type { CommitStatus, ForgeComment } from './forge.ts';
import { lastWords } from './lastWords.ts';
import { isWithin } from './rawPull.ts';
import type { ForgeTarget } from './target.ts';
import { whoAmI } from './whoAmI.ts';

/** GitHub takes so many at once, and adds those of later calls. */
const annotationsPerCall = 50;

/** A pull request as far as a check is about it. */
export type CheckedPull = {
  state: 'open' | 'closed';
  head: string;
  base: string;
  /** Its head is in another repository, or in one that is gone. */
  isFork: boolean;
  author: string;
};

/** What stands beside lines of a file, as the forge takes it. */
export type Annotation = {
  path: string;
  start_line: number;
  end_line: number;
  annotation_level: 'notice' | 'warning' | 'failure';
  message: string;
};

export type CheckRun = {
  name: string;
  head: string;
  /** By it a run that says the same is known again. */
  key: string;
  conclusion: 'success' | 'failure' | 'action_required';
  title: string;
  summary: string;
  annotations: readonly Annotation[];
};

/** The calls that a check of a pull request makes. Each throws ForgeError, or ReviewError `aborted`. */
export type CheckForge = {
  pull(number: number): Promise<CheckedPull>;
  /** The open pull requests against a branch whose head is a commit, from wherever. */
  pullsOf(head: string, base: string): Promise<number[]>;
  /** Logins of those whose work a pull request's commits are, as far as the forge knows them. */
  committers(number: number): Promise<string[]>;
  /** Logins of those whose last word on this very commit is an approval. */
  approvals(number: number, head: string): Promise<string[]>;
  /** The newest comments that we ourselves have written, oldest first. */
  ownComments(number: number): Promise<Pick<ForgeComment, 'id' | 'body'>[]>;
  createComment(number: number, body: string): Promise<void>;
  updateComment(id: number, body: string): Promise<void>;
  /** The newest run of a name on a commit: by its key, whether it says the same. */
  checkKey(head: string, name: string): Promise<string | null>;
  createCheck(run: CheckRun): Promise<void>;
  /** For tokens that may not write checks. */
  setStatus(head: string, status: CommitStatus): Promise<void>;
};

const user = z.looseObject({ login: z.string() });

/** Makes the calls over GitHub's REST API; nothing is called yet. */
export function openChecks(target: ForgeTarget, signal?: AbortSignal): CheckForge {
  const { owner, repo } = target;
  const client = openClient(target, signal);
  const { octokit, call } = client;
  const repository = { owner, repo };
  const root = `/repos/${owner}/${repo}`;
  let self: Promise<string> | null = null;
  const ourselves = () => {
    self ??= whoAmI(client);
    return self;
  };
  return {
    async pull(number) {
      return call(`GET ${root}/pulls/${number}`, async () => {
        const { data } = await octokit.rest.pulls.get({ ...repository, pull_number: number });
        return {
          state: data.state === 'open' ? 'open' : 'closed',
          head: data.head.sha,
          base: data.base.ref,
          isFork: !isWithin(data, `${owner}/${repo}`),
          author: data.user.login,
        };
      });
    },
    async pullsOf(head, base) {
      return call(`GET ${root}/pulls`, async () => {
        const asked = { ...repository, base, state: 'open', per_page: 100 } as const;
        const found = await octokit.paginate(octokit.rest.pulls.list, asked);
        return found.filter((pull) => pull.head.sha === head).map(({ number }) => number);
      });
    },
    async committers(number) {
      return call(`GET ${root}/pulls/${number}/commits`, async () => {
        const asked = { ...repository, pull_number: number, per_page: 100 };
        const found = await octokit.paginate(octokit.rest.pulls.listCommits, asked);
        const logins = found.flatMap(({ author }) => user.safeParse(author).data?.login ?? []);
        return [...new Set(logins)];
      });
    },
    async approvals(number, head) {
      return call(`GET ${root}/pulls/${number}/reviews`, async () => {
        const asked = { ...repository, pull_number: number, per_page: 100 };
        const reviews = await octokit.paginate(octokit.rest.pulls.listReviews, asked);
        return [...lastWords(reviews.filter(({ user: by }) => by !== null))].flatMap(
          ([login, { state, commit_id: commit }]) => (state === 'APPROVED' && commit === head ? [login] : []),
        );
      });
    },
    async ownComments(number) {
      const me = await ourselves();
      return call(`GET ${root}/issues/${number}/comments`, async () => {
        const asked = { ...repository, issue_number: number, per_page: 100 };
        const found = await octokit.paginate(octokit.rest.issues.listComments, asked);
        // Anybody may write what looks like ours.
        return found
          .filter(({ user: by }) => by?.login === me)
          .map(({ id, body }) => ({ id, body: body ?? '' }));
      });
    },
    async createComment(number, body) {
      await call(`POST ${root}/issues/${number}/comments`, () =>
        octokit.rest.issues.createComment({ ...repository, issue_number: number, body, ...once }),
      );
    },
    async updateComment(id, body) {
      await call(`PATCH ${root}/issues/comments/${id}`, () =>
        octokit.rest.issues.updateComment({ ...repository, comment_id: id, body }),
      );
    },
    async checkKey(head, name) {
      return call(`GET ${root}/commits/${head}/check-runs`, async () => {
        const asked = { ...repository, ref: head, check_name: name, filter: 'latest' } as const;
        const { data } = await octokit.rest.checks.listForRef(asked);
        return data.check_runs[0]?.external_id ?? null;
      });
    },
    async createCheck({ name, head, key, conclusion, title, summary, annotations }) {
      const output = { title: title.slice(0, 250), summary };
      const chunks: (typeof annotations)[] = [];
      for (let from = 0; from < annotations.length; from += annotationsPerCall)
        chunks.push(annotations.slice(from, from + annotationsPerCall));
      const [first = [], ...rest] = chunks;
      const done = { status: 'completed', conclusion } as const;
      const id = await call(`POST ${root}/check-runs`, async () => {
        const state = rest.length > 0 ? ({ status: 'in_progress' } as const) : { ...done, external_id: key };
        const run = { ...repository, name, head_sha: head, ...state, ...once };
        return (await octokit.rest.checks.create({ ...run, output: { ...output, annotations: [...first] } }))
          .data.id;
      });
      // It is known by its key only once it is whole.
      for (const [index, some] of rest.entries())
        await call(`PATCH ${root}/check-runs/${id}`, () =>
          octokit.rest.checks.update({
            ...{ ...repository, check_run_id: id, output: { ...output, annotations: [...some] } },
            ...(index === rest.length - 1 ? { ...done, external_id: key } : {}),
            ...once,
          }),
        );
    },
    async setStatus(head, status) {
      await call(`POST ${root}/statuses/${head}`, () =>
        octokit.rest.repos.createCommitStatus({ ...repository, sha: head, ...status }),
      );
    },
  };
}
