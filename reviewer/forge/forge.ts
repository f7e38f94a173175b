import { openClient } from './client.ts';
import type { Forge } from './contract.ts';
import { issueCalls } from './issueCalls.ts';
import { mayWrite } from './mayWrite.ts';
import { pullCalls } from './pullCalls.ts';
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
  let self: Promise<string> | null = null;
  const ourselves = async () => {
    // Asked once; what failed is asked again.
    self ??= target.account === undefined ? whoAmI(client) : Promise.resolve(target.account);
    return self.catch((error: unknown) => {
      self = null;
      throw error;
    });
  };
  const asked = { ...client, repository, root, base, ourselves };
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
    whoAmI: ourselves,
    ...pullCalls(asked),
    ...issueCalls(asked),
    mayWrite: (login) => mayWrite(asked, login),
    async hasStatus(commit, context) {
      const me = await ourselves();
      return call(`GET ${root}/commits/${commit}/statuses`, async () => {
        const asked = { ...repository, ref: commit, per_page: 100 };
        // The newest first; nobody can change or delete one.
        const found = await octokit.paginate(octokit.rest.repos.listCommitStatusesForRef, asked);
        const last = found.find((status) => status.context === context && status.creator?.login === me);
        return last?.state === 'success';
      });
    },
    async setStatus(commit, status) {
      await call(`POST ${root}/statuses/${commit}`, () =>
        octokit.rest.repos.createCommitStatus({ ...repository, sha: commit, ...status }),
      );
    },
  };
}
