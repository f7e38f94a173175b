import { openClient } from './client.ts';
import type { Forge, ForgeComment, ForgeIssue } from './contract.ts';
import { editedReviews } from './editedReviews.ts';
import { ForgeError } from './forgeError.ts';
import { mergeOf } from './mergeOf.ts';
import { isWithin, pullOf, type RawPull } from './rawPull.ts';
import { cloneUrlOf, type ForgeTarget } from './target.ts';
import { whoAmI } from './whoAmI.ts';

export type { CommitStatus, Forge, ForgeComment, ForgeIssue, Reviewers } from './contract.ts';
export type { ForgePull } from './rawPull.ts';
export type { ForgeTarget } from './target.ts';

/** Makes a forge over GitHub's REST API; nothing is called yet. */
export function openForge(target: ForgeTarget, signal?: AbortSignal): Forge {
  const { owner, repo, base = 'main', timeoutMs = 30_000 } = target;
  const client = openClient(target, signal);
  const { octokit, call } = client;
  const repository = { owner, repo };
  const root = `/repos/${owner}/${repo}`;
  const path = `${root}/pulls`;
  /** What says something anew each time it is repeated is not repeated. */
  const once = { request: { retries: 0 } };

  return {
    slug: `${owner}/${repo}`,
    base,
    cloneUrl: cloneUrlOf(target),
    folder: target.folder ?? '',
    timeoutMs,
    async token() {
      if (!target.appAuth) return target.token ?? '';
      return call('POST /app/installations/ID/access_tokens', async () => {
        const { token } = (await octokit.auth({ type: 'installation' })) as { token: string };
        return token;
      });
    },
    async listPulls(prefix, sinceMs) {
      const ours = (pull: RawPull) =>
        pull.head.ref.startsWith(prefix) &&
        pull.base.ref === base &&
        // A fork may name its branch as it likes.
        isWithin(pull, `${owner}/${repo}`);
      return call(`GET ${path}`, async () => {
        const found: RawPull[] = [];
        const open = { ...repository, base, state: 'open', per_page: 100 } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, open))
          found.push(...data);
        const closed = { ...open, state: 'closed', sort: 'updated', direction: 'desc' } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, closed)) {
          found.push(...data);
          const oldest = data.at(-1);
          if (oldest === undefined || Date.parse(oldest.updated_at) < sinceMs) break;
        }
        // What was closed between the two is in both: the later word counts.
        return [...new Map(found.filter(ours).map((pull) => [pull.number, pullOf(pull)])).values()];
      });
    },
    async findOpen(branch) {
      return call(`GET ${path}`, async () => {
        const { data } = await octokit.rest.pulls.list({
          ...repository,
          base,
          state: 'open',
          head: `${owner}:${branch}`,
        });
        // `head` names an owner, who may have a fork as well.
        const found = data.find((pull) => pull.head.ref === branch && isWithin(pull, `${owner}/${repo}`));
        return found === undefined ? null : pullOf(found);
      });
    },
    async getPull(number) {
      return call(`GET ${path}/${number}`, async () =>
        pullOf((await octokit.rest.pulls.get({ ...repository, pull_number: number })).data),
      );
    },
    async createPull(branch, texts, draft = false) {
      return call(`POST ${path}`, async () => {
        const wanted = { ...repository, base, head: branch, ...texts, ...(draft && { draft }) };
        return pullOf((await octokit.rest.pulls.create(wanted)).data);
      });
    },
    async updatePull(number, change) {
      return call(`PATCH ${path}/${number}`, async () =>
        pullOf((await octokit.rest.pulls.update({ ...repository, pull_number: number, ...change })).data),
      );
    },
    async mergePull(number, commit) {
      return call(`PUT ${path}/${number}/merge`, async () => {
        const { data } = await octokit.rest.pulls.merge({
          ...{ ...repository, pull_number: number, ...once },
          ...(commit !== undefined && { sha: commit }),
        });
        return data.merged;
      }).catch((error: unknown) => {
        // 405 and 409 are GitHub's words for "not yet"; 422 for a head that has moved.
        if (error instanceof ForgeError && [405, 409, 422].includes(error.status ?? 0)) return false;
        throw error;
      });
    },
    mergeOf: (number) =>
      call(`GET ${path}/${number}`, () => mergeOf(octokit, { ...repository, pull_number: number })).catch(
        (error: unknown) => {
          if (error instanceof ForgeError && error.code === 'forge-not-found') return null;
          throw error;
        },
      ),
    async mergedAs(commit) {
      return call(`GET ${root}/commits/${commit}/pulls`, async () => {
        const asked = { ...repository, commit_sha: commit, per_page: 100 };
        const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit(asked);
        const merged = data.filter((pull) => pull.merged_at !== null);
        // A branch may have been brought along by another one: what became this very commit is meant first.
        const found =
          merged.find((pull) => pull.merge_commit_sha === commit) ??
          merged.find((pull) => pull.base.ref === base);
        return found?.number ?? null;
      }).catch((error: unknown) => {
        // 422: a commit that the forge does not have.
        if (error instanceof ForgeError && [404, 422].includes(error.status ?? 0)) return null;
        throw error;
      });
    },
    async isApproved(number) {
      return call(`GET ${path}/${number}/reviews`, async () => {
        const asked = { ...repository, pull_number: number, per_page: 100 };
        const said = new Map<string, string>();
        // In the order of time; a comment takes no word back.
        for (const { user, state } of await octokit.paginate(octokit.rest.pulls.listReviews, asked))
          if (state !== 'COMMENTED' && state !== 'PENDING') said.set(user?.login ?? '', state);
        const words = [...said.values()];
        return words.includes('APPROVED') && !words.includes('CHANGES_REQUESTED');
      });
    },
    async requestReviewers(number, { people, teams }) {
      await call(`POST ${path}/${number}/requested_reviewers`, () =>
        octokit.rest.pulls.requestReviewers({
          ...repository,
          pull_number: number,
          reviewers: [...people],
          team_reviewers: [...teams],
        }),
      );
    },
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
        const edited = await editedReviews(octokit, reviews);
        const said = reviews.flatMap(({ id, node_id, user, body, submitted_at }): ForgeComment[] =>
          submitted_at === undefined || body === ''
            ? []
            : [
                {
                  id,
                  kind: 'review',
                  key: `r${id}`,
                  ...authorOf(user),
                  isEdited: edited.get(node_id) ?? false,
                  body,
                  atMs: Date.parse(submitted_at),
                },
              ],
        );
        return [...found.map(commentOf), ...said].sort((a, b) => a.atMs - b.atMs || a.id - b.id);
      });
    },
    async comment(number, body) {
      return call(`POST ${root}/issues/${number}/comments`, async () =>
        commentOf(
          (await octokit.rest.issues.createComment({ ...repository, issue_number: number, body, ...once }))
            .data,
        ),
      );
    },
    async react(comment, content) {
      await call(`POST ${root}/issues/comments/${comment}/reactions`, () =>
        octokit.rest.reactions.createForIssueComment({ ...repository, comment_id: comment, content }),
      );
    },
    async issue(number) {
      return call(`GET ${root}/issues/${number}`, async () => {
        const { data } = await octokit.rest.issues.get({ ...repository, issue_number: number });
        return { ...issueOf(data), author: data.user?.login ?? '', createdMs: Date.parse(data.created_at) };
      });
    },
    whoAmI: () => whoAmI(client),
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
    async mayWrite(login) {
      return call(`GET ${root}/collaborators/${login}/permission`, async () => {
        const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
          ...repository,
          username: login,
        });
        return data.permission === 'admin' || data.permission === 'write';
      }).catch((error: unknown) => {
        // GitHub knows no such collaborator: then nobody may.
        if (error instanceof ForgeError && error.code === 'forge-not-found') return false;
        throw error;
      });
    },
    async hasStatus(commit, context) {
      return call(`GET ${root}/commits/${commit}/status`, async () => {
        const asked = { ...repository, ref: commit, per_page: 100 };
        const { data } = await octokit.rest.repos.getCombinedStatusForRef(asked);
        return data.statuses.some((status) => status.context === context && status.state === 'success');
      });
    },
    async setStatus(commit, status) {
      await call(`POST ${root}/statuses/${commit}`, () =>
        octokit.rest.repos.createCommitStatus({ ...repository, sha: commit, ...status }),
      );
    },
  };
}

type RawUser = { login: string; type?: string } | null;
const authorOf = (user: RawUser) => ({ author: user?.login ?? '', isBot: user?.type === 'Bot' });

type RawComment = {
  id: number;
  user: RawUser;
  body?: string | null;
  created_at: string;
  updated_at: string;
};
const commentOf = ({ id, user, body, created_at, updated_at }: RawComment): ForgeComment => ({
  id,
  kind: 'comment',
  key: `c${id}`,
  ...authorOf(user),
  isEdited: updated_at !== created_at,
  body: body ?? '',
  atMs: Date.parse(created_at),
});

type RawIssue = { number: number; html_url: string; body?: string | null; state: string };
const issueOf = ({ number, html_url, body, state }: RawIssue): ForgeIssue => ({
  number,
  url: html_url,
  body: body ?? '',
  state: state === 'open' ? 'open' : 'closed',
});
