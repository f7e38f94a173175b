/** Where pull requests are opened, and as whom. */
export type ForgeTarget = {
  /** The REST API's address: `https://api.github.com`, `https://HOST/api/v3`. */
  baseUrl: string;
  owner: string;
  repo: string;
  /** The branch that is enforced; `main` when left out. */
  base?: string;
  /** Where in the repository grants/ is, with a slash behind; at its root when left out. */
  folder?: string;
  token?: string;
  /** Whose words are the review's, where the token is another's: an auditor's, who only reads. */
  account?: string;
  /** A GitHub App's key, instead of a token. */
  appAuth?: { appId: number | string; privateKey: string; installationId: number | string };
  /** Where Git fetches and pushes; derived from `baseUrl` when left out. */
  cloneUrl?: string;
  /** How long one call may take, in ms; 30 s when left out. */
  timeoutMs?: number;
  /** How often a failed call is repeated (3 when left out), after 1, 4 and 9 times this long, in ms (1 s). */
  retries?: number;
  retryAfterMs?: number;
  /** The longest that one limit is waited for, in ms; 2 minutes when left out. All together have 5. */
  waitMs?: number;
  /** How time passes; as it does when left out. */
  time?: {
    /** Waits for a limit's end, in ms. */
    sleep?: (ms: number) => Promise<unknown>;
    /** Ends a call once it took so long, in ms. */
    deadline?: (ms: number, method: string, url: string) => AbortSignal;
  };
};

/** GitHub's own Git address beside its API's. */
export function cloneUrlOf({ baseUrl, owner, repo, cloneUrl }: ForgeTarget): string {
  if (cloneUrl !== undefined) return cloneUrl;
  const url = new URL(baseUrl);
  const host = /^api\.(?:github\.com|[^.]+\.ghe\.com)$/.test(url.host) ? url.host.slice(4) : url.host;
  return `${url.protocol}//${host}${url.pathname.replace(/\/(?:api\/v3\/?)?$/, '')}/${owner}/${repo}.git`;
}
