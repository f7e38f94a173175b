// Sharp edges of Octokit, kept behind this file: it has no time-out; it turns a failed connection into a status 500;
// plugin-retry repeats what is not idempotent, so a repeated creation may be refused because the first one worked, and
// repeats a 429 without looking at `retry-after`, before plugin-throttling sees it (see limits.ts);
// plugin-paginate takes a list that is answered 409 for an empty one, so that all that was ever closed would be opened anew;
// an answer that breaks off, or is no JSON, is an empty text to it, and so again an empty list;
// plugin-throttling puts 1 to 3 seconds between writes, as GitHub asks for, and throws a limit of GraphQL as an Error without
// a status; the message of an answer that is no JSON is the whole answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { createAppAuth } from '@octokit/auth-app';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import { counted } from '../../bundle/format/counted.ts';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { ReviewError } from '../reviewError.ts';
import { errorOfStatus, ForgeError } from './forgeError.ts';
import { isSecondary, waitOf, withinLimits } from './limits.ts';
import type { ForgeTarget } from './target.ts';

const Throttled = Octokit.plugin(retry, throttling);

/**
 * So far this machine's clock and the forge's may be apart, in milliseconds. By a clock that is ahead, grants would have
 * expired and gone unused that have not.
 */
const mostApartMs = 3_600_000;

export type Client = {
  octokit: Octokit;
  /** Waits for a call and names it when it fails: ForgeError, or ReviewError `aborted`. */
  call<T>(name: string, work: () => Promise<T>): Promise<T>;
};

/** A client, and the repository that it is to ask about: where pull requests go, and its path in the API. */
export type RepositoryClient = Client & {
  repository: { owner: string; repo: string };
  base: string;
  root: string;
  /** Whose words are ours: a login. */
  ourselves: () => Promise<string>;
};

/** What says something anew each time it is repeated is not repeated. */
export const once = { request: { retries: 0 } };

function authentication({ token, appAuth }: ForgeTarget) {
  if (appAuth) return { authStrategy: createAppAuth, auth: appAuth };
  return token === undefined ? {} : { auth: token };
}

/** Makes a client; nothing is called yet. */
export function openClient(target: ForgeTarget, signal?: AbortSignal): Client {
  const { baseUrl, timeoutMs = 30_000, retries = 3, retryAfterMs = 1000 } = target;
  const { deadline = (ms: number) => AbortSignal.timeout(ms) } = target.time ?? {};
  const never = () => false;
  let theirs = '';
  let apart = 0;
  /** A time that was kept on the way, by a cache, tells of no clock. */
  const compareClocks = ({ headers }: Response) => {
    const date = headers.get('date');
    if (date === null || headers.has('age')) return;
    theirs = date;
    apart = Date.now() - Date.parse(date);
  };
  const assertClocks = (name: string) => {
    if (Math.abs(apart) > mostApartMs) throw new ForgeError('forge-clock', name, clocksApart(theirs));
  };
  const octokit = new Throttled({
    ...authentication(target),
    baseUrl: baseUrl.replace(/\/$/, ''),
    userAgent: 'grantgate',
    log: { debug() {}, info() {}, warn() {}, error() {} },
    retry: {
      retries,
      retryAfterBaseValue: retryAfterMs,
      doNotRetry: [400, 401, 403, 404, 405, 409, 410, 422, 429, 451],
    },
    // A forge on this machine asks for no pauses. Limits are waited for in `call`.
    throttle: {
      enabled: !isLoopback(new URL(baseUrl).hostname),
      onRateLimit: never,
      onSecondaryRateLimit: never,
    },
    request: {
      fetch: async (url: string, init: RequestInit) => {
        const response = await fetch(url, {
          ...init,
          signal: AbortSignal.any([
            deadline(timeoutMs, init.method ?? 'GET', url),
            ...(signal ? [signal] : []),
          ]),
        });
        compareClocks(response);
        return whole(response);
      },
    },
  });
  octokit.hook.error('request', (error, { method }) => {
    if (method === 'GET' && 'status' in error && error.status === 409) Object.assign(error, { status: 503 });
    throw error;
  });
  const patiently = withinLimits({
    now: Date.now,
    sleep: target.time?.sleep ?? ((ms: number) => sleep(ms, undefined, signal ? { signal } : {})),
    ...(target.waitMs !== undefined && { longestMs: target.waitMs }),
  });
  return {
    octokit,
    async call(name, work) {
      const stopped = Promise.withResolvers<never>();
      const stop = () => stopped.reject(new ReviewError('aborted', 'the review was stopped'));
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop, { once: true });
      stopped.promise.catch(() => {});
      try {
        const done = patiently(() => work().catch(asInRest));
        const answer = await Promise.race([done, stopped.promise]);
        assertClocks(name);
        return answer;
      } catch (error) {
        if (error instanceof ReviewError || error instanceof ForgeError) throw error;
        assertClocks(name);
        throw failureOf(name, error, timeoutMs);
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
  };
}

const clocksApart = (theirs: string): string =>
  `was answered at ${new Date(theirs).toISOString()} by the forge's clock, and at ${new Date().toISOString()} by this machine's: set the one that is wrong`;

/** An answer that came whole: what is done has a value, or says that it has none. Throws what it broke off with. */
async function whole(response: Response): Promise<Response> {
  const text = await response.text();
  if (response.ok && response.status !== 204) {
    try {
      if (typeof JSON.parse(text) !== 'object') throw new Error('no object and no list');
    } catch (cause) {
      throw new Error('what came is cut off, or no JSON', { cause });
    }
  }
  return Object.assign(response, { text: async () => text });
}

type GraphqlErrors = readonly {
  type?: string;
  code?: string;
  message?: string;
  extensions?: { code?: string };
}[];
/** As Octokit throws what GraphQL answers with status 200. */
export type GraphqlFailure = {
  errors: GraphqlErrors;
  data: unknown;
  headers: object;
  response: object;
};
export const isGraphql = (error: unknown): error is GraphqlFailure =>
  (error as { name?: unknown }).name === 'GraphqlResponseError';

/** What the token may not see, or this forge does not know: it will say so again. */
const refusals: ReadonlySet<string | undefined> = new Set(['FORBIDDEN', 'INSUFFICIENT_SCOPES', 'NOT_FOUND']);
export const isRefusal = ({ errors }: GraphqlFailure): boolean =>
  errors.every(({ type, extensions }) => refusals.has(type) || extensions?.code === 'undefinedField');

/** GitHub documents one word for it and sends the other. */
const isLimit = (errors: GraphqlErrors) =>
  errors.some(
    ({ type, message }) => type === 'RATE_LIMITED' || type === 'RATE_LIMIT' || isSecondary(message),
  );

/** A failure of GraphQL with the status by which REST would tell it, so that it is waited for, asked again and named alike. */
function asInRest(error: unknown): never {
  if (isGraphql(error))
    throw Object.assign(error, {
      status: isLimit(error.errors) ? 429 : isRefusal(error) ? 403 : 502,
      response: Object.assign(error.response, { headers: error.headers }),
    });
  // As plugin-throttling throws it.
  const { status, response } = error as {
    status?: unknown;
    response?: { data?: { errors?: GraphqlErrors } };
  };
  if (status === undefined && isLimit(response?.data?.errors ?? []))
    Object.assign(error as object, { status: 429 });
  throw error;
}

/** One line of what the forge said; a page of HTML says nothing. */
function saidOf(message: string): string {
  if (/^\s*</.test(message)) return '';
  return (message.split('\n')[0] ?? '').replace(/ - https?:\S+$/, '').slice(0, 300);
}

function failureOf(call: string, error: unknown, timeoutMs: number): ForgeError {
  const known = error as {
    status?: unknown;
    response?: unknown;
    message?: unknown;
    cause?: unknown;
    name?: unknown;
  };
  const message = typeof known.message === 'string' ? known.message : '';
  if (typeof known.status === 'number' && known.response !== undefined) {
    const waitMs = waitOf(error, Date.now());
    // What the forge says of a refused creation stands in `errors`, and Octokit puts it behind the message.
    const said = saidOf(message);
    if (waitMs === null) return errorOfStatus(call, known.status, said, error);
    const wait = `it asks to wait for ${counted(Math.ceil(waitMs / 60_000), 'minute')}`;
    return errorOfStatus(call, 429, said === '' ? wait : `${said}; ${wait}`, error);
  }
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
