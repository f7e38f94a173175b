// Sharp edges of Octokit, kept behind this file: it has no time-out; it turns a failed connection into a status 500;
// plugin-retry repeats what is not idempotent, so a repeated creation may be refused because the first one worked;
// plugin-throttling puts 1 to 3 seconds between writes, as GitHub asks for.
import { createAppAuth } from '@octokit/auth-app';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { ReviewError } from '../reviewError.ts';
import { errorOfStatus, ForgeError } from './forgeError.ts';

/** Where pull requests are opened, and as whom. */
export type ForgeTarget = {
  /** The REST API's address: `https://api.github.com`, `https://HOST/api/v3`. */
  baseUrl: string;
  owner: string;
  repo: string;
  /** The branch that is enforced; `main` when left out. */
  base?: string;
  token?: string;
  /** A GitHub App's key, instead of a token. */
  appAuth?: { appId: number | string; privateKey: string; installationId: number | string };
  /** Where Git fetches and pushes; derived from `baseUrl` when left out. */
  cloneUrl?: string;
  /** How long one call may take, in ms; 30 s when left out. */
  timeoutMs?: number;
  /** How often a failed call is repeated (3 when left out), after 1, 4 and 9 times this long, in ms (1 s). */
  retries?: number;
  retryAfterMs?: number;
};

/** A pull request as far as the review needs it. */
export type ForgePull = {
  number: number;
  url: string;
  title: string;
  body: string;
  state: 'open' | 'closed';
  merged: boolean;
  branch: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  closedAt: number | null;
};

type Texts = { title: string; body: string };

/** What is said beside a commit; `context` is whose word it is, and a later one of the same context replaces it. */
export type CommitStatus = {
  context: string;
  state: 'success' | 'pending' | 'failure';
  /** 140 characters at most. */
  description: string;
};

/** The calls the review makes. Each throws ForgeError, or ReviewError `aborted`. */
export type Forge = {
  slug: string;
  base: string;
  cloneUrl: string;
  timeoutMs: number;
  /** The token for Git. */
  token(): Promise<string>;
  /** Pull requests against the base branch from branches of this very repository with the prefix: all open ones, and those closed since `since` (ms). */
  listPulls(prefix: string, since: number): Promise<ForgePull[]>;
  findOpen(branch: string): Promise<ForgePull | null>;
  createPull(branch: string, texts: Texts): Promise<ForgePull>;
  updatePull(number: number, texts: Texts): Promise<ForgePull>;
  /** `commit` in full. */
  setStatus(commit: string, status: CommitStatus): Promise<void>;
};

const Client = Octokit.plugin(retry, throttling);

/** GitHub's own Git address beside its API's. */
function cloneUrlOf({ baseUrl, owner, repo }: ForgeTarget): string {
  const url = new URL(baseUrl);
  const host = url.host === 'api.github.com' ? 'github.com' : url.host;
  return `${url.protocol}//${host}${url.pathname.replace(/\/(?:api\/v3\/?)?$/, '')}/${owner}/${repo}.git`;
}

function authentication({ token, appAuth }: ForgeTarget) {
  if (appAuth) return { authStrategy: createAppAuth, auth: appAuth };
  return token === undefined ? {} : { auth: token };
}

/** Makes a client; nothing is called yet. */
export function openForge(target: ForgeTarget, signal?: AbortSignal): Forge {
  const {
    baseUrl,
    owner,
    repo,
    base = 'main',
    timeoutMs = 30_000,
    retries = 3,
    retryAfterMs = 1000,
  } = target;
  const again = (_: number, options: unknown, __: unknown, count: number) =>
    count < 1 && typeof options === 'object';
  const octokit = new Client({
    ...authentication(target),
    baseUrl: baseUrl.replace(/\/$/, ''),
    userAgent: 'grantgate',
    log: { debug() {}, info() {}, warn() {}, error() {} },
    retry: { retries, retryAfterBaseValue: retryAfterMs },
    // A forge on this machine asks for no pauses.
    throttle: {
      enabled: !isLoopback(new URL(baseUrl).hostname),
      onRateLimit: again,
      onSecondaryRateLimit: again,
    },
    request: {
      fetch: (url: string, init: RequestInit) =>
        fetch(url, {
          ...init,
          signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
        }),
    },
  });

  /** Waits for a call and names it when it fails. */
  async function call<T>(name: string, work: () => Promise<T>): Promise<T> {
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(new ReviewError('aborted', 'the review was stopped'));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    stopped.promise.catch(() => {});
    try {
      return await Promise.race([work(), stopped.promise]);
    } catch (error) {
      throw error instanceof ReviewError ? error : failureOf(name, error, timeoutMs);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
  const path = `/repos/${owner}/${repo}/pulls`;
  const repository = { owner, repo };

  return {
    slug: `${owner}/${repo}`,
    base,
    cloneUrl: target.cloneUrl ?? cloneUrlOf(target),
    timeoutMs,
    async token() {
      if (!target.appAuth) return target.token ?? '';
      return call('POST /app/installations/ID/access_tokens', async () => {
        const { token } = (await octokit.auth({ type: 'installation' })) as { token: string };
        return token;
      });
    },
    async listPulls(prefix, since) {
      const ours = (pull: RawPull) =>
        pull.head.ref.startsWith(prefix) &&
        pull.base.ref === base &&
        // A fork may name its branch as it likes.
        pull.head.repo?.full_name.toLowerCase() === `${owner}/${repo}`.toLowerCase();
      return call(`GET ${path}`, async () => {
        const found: RawPull[] = [];
        const open = { ...repository, base, state: 'open', per_page: 100 } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, open))
          found.push(...data);
        const closed = { ...open, state: 'closed', sort: 'updated', direction: 'desc' } as const;
        for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, closed)) {
          found.push(...data);
          const oldest = data.at(-1);
          if (oldest === undefined || Date.parse(oldest.updated_at) < since) break;
        }
        return found.filter(ours).map(pullOf);
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
        const found = data.find(({ head }) => head.ref === branch);
        return found === undefined ? null : pullOf(found);
      });
    },
    async createPull(branch, texts) {
      return call(`POST ${path}`, async () => {
        const { data } = await octokit.rest.pulls.create({ ...repository, base, head: branch, ...texts });
        return pullOf(data);
      });
    },
    async updatePull(number, texts) {
      return call(`PATCH ${path}/${number}`, async () => {
        const { data } = await octokit.rest.pulls.update({ ...repository, pull_number: number, ...texts });
        return pullOf(data);
      });
    },
    async setStatus(commit, status) {
      await call(`POST /repos/${owner}/${repo}/statuses/${commit}`, () =>
        octokit.rest.repos.createCommitStatus({ ...repository, sha: commit, ...status }),
      );
    },
  };
}

/** What the list and the single pull request have in common. */
type RawPull = {
  number: number;
  html_url: string;
  title: string;
  body: string | null;
  state: string;
  merged_at?: string | null;
  created_at: string;
  updated_at: string;
  closed_at: string | null;
  head: { ref: string; repo: { full_name: string } | null };
  base: { ref: string };
};

function pullOf(pull: RawPull): ForgePull {
  return {
    number: pull.number,
    url: pull.html_url,
    title: pull.title,
    body: pull.body ?? '',
    state: pull.state === 'open' ? 'open' : 'closed',
    merged: pull.merged_at != null,
    branch: pull.head.ref,
    createdAt: Date.parse(pull.created_at),
    closedAt: pull.closed_at === null ? null : Date.parse(pull.closed_at),
  };
}

function failureOf(call: string, error: unknown, timeoutMs: number): ForgeError {
  const known = error as {
    status?: unknown;
    response?: unknown;
    message?: unknown;
    cause?: unknown;
    name?: unknown;
  };
  const message = typeof known.message === 'string' ? (known.message.split('\n')[0] ?? '') : '';
  if (typeof known.status === 'number' && known.response !== undefined)
    return errorOfStatus(call, known.status, message.replace(/ - https:\S+$/, ''), error);
  const causes = [known, known.cause as typeof known | undefined];
  if (causes.some((cause) => cause?.name === 'TimeoutError') || /timeout/i.test(message))
    return new ForgeError('forge-timeout', call, `gave no answer within ${timeoutMs / 1000} s`, {
      cause: error,
    });
  const reason = causes
    .map((cause) => cause?.message)
    .find((text) => typeof text === 'string' && text !== '');
  return new ForgeError('forge-unreachable', call, `got no answer: ${String(reason ?? error)}`, {
    cause: error,
  });
}
