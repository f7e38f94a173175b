import { readCapped } from '../../../bundle/format/readCapped.ts';
import { SyncError } from './syncError.ts';

/** What an answer is needed of. */
export type Answer = { body: unknown; headers: Headers };

export type Client = {
  /** Asks with GET. `url` may be relative to the origin; another origin is refused. Throws SyncError. */
  get(url: string): Promise<Answer>;
};

/** Time and network as they are; tests have their own. */
export type Surroundings = {
  fetch: typeof fetch;
  /** Milliseconds since 1970. */
  now: () => number;
  sleep: (ms: number) => Promise<unknown>;
  signal?: AbortSignal;
};

type Options = Surroundings & {
  /** Where the provider is. Whatever it answers, no credential of ours goes anywhere else. */
  base: string;
  /** The credential; asked again with `renew` after a 401. */
  authorize: (renew: boolean) => Promise<Readonly<Record<string, string>>>;
};

const timeoutMs = 60_000;
const largest = 64 * 1024 * 1024;
/** All pauses that a provider may ask for, added up: a job that waits for ever tells nobody. */
const mostWaitMs = 15 * 60_000;
const mostFailures = 5;

/**
 * Asks one provider, politely: waits as long as `Retry-After` and rate headers say, repeats what failed on its side
 * with growing pauses, renews the credential once.
 */
export function createClient({ base, authorize, fetch: ask, now, sleep, signal }: Options): Client {
  const origin = new URL(base).origin;
  let waited = 0;
  let holdUntil = 0;

  const pause = async (ms: number, why: string) => {
    waited += ms;
    if (waited > mostWaitMs)
      throw new SyncError('sync-limited', `${why}, and asks for longer than ${mostWaitMs / 60_000} minutes`);
    await sleep(ms);
    if (signal?.aborted) throw new SyncError('aborted', 'the sync was stopped');
  };

  /** One try. `again`: it may go better; `renew`: perhaps with a new credential. */
  const once = async (url: URL, failures: number, renew: boolean): Promise<Answer | 'again' | 'renew'> => {
    const where = `${url.origin}${url.pathname}`;
    if (holdUntil > now()) await pause(holdUntil - now(), `${where} allows no more requests for now`);
    let response: Response;
    let body: string;
    try {
      response = await ask(url, {
        headers: { accept: 'application/json', ...(await authorize(renew)) },
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
      });
      body = await readBounded(response, where);
    } catch (cause) {
      if (cause instanceof SyncError) throw cause;
      if (signal?.aborted) throw new SyncError('aborted', 'the sync was stopped', { cause });
      if (failures >= mostFailures)
        throw new SyncError('sync-unreachable', `${where} gives no answer: ${reasonOf(cause)}`, { cause });
      await pause(1000 * 2 ** failures, `${where} gives no answer`);
      return 'again';
    }
    const { status, headers } = response;
    if (status === 200) {
      holdUntil = exhaustedUntil(headers);
      return { body: parse(body, where), headers };
    }
    if (
      status === 429 ||
      (status === 503 && headers.has('retry-after')) ||
      isSecondaryLimit(status, headers)
    ) {
      await pause(waitOf(headers, now(), failures), `${where} answers ${status}`);
      return 'again';
    }
    if (status >= 500) {
      if (failures >= mostFailures)
        throw new SyncError('sync-failed', `${where} answered ${status}, ${failures + 1} times`);
      await pause(1000 * 2 ** failures, `${where} answers ${status}`);
      return 'again';
    }
    if (status === 401) {
      if (!renew) return 'renew';
      throw new SyncError('sync-unauthorized', `${where} does not take the credential (401)`);
    }
    throw refusalOf(status, where);
  };

  return {
    async get(path) {
      const url = new URL(path, base);
      // A next page elsewhere would be sent our credential.
      if (url.origin !== origin)
        throw new SyncError('sync-answer', `${origin} sends us on to ${url.origin}, which is not asked`);
      let renew = false;
      for (let failures = 0; ; failures += 1) {
        const answer = await once(url, failures, renew);
        if (typeof answer !== 'string') return answer;
        renew ||= answer === 'renew';
      }
    },
  };
}

function refusalOf(status: number, where: string): SyncError {
  if (status === 403)
    return new SyncError('sync-forbidden', `${where} answered 403: the credential may not read that`);
  if (status === 404)
    return new SyncError('sync-not-found', `${where} answered 404: wrong address, or nothing we may see`);
  if (status === 400 || status === 410)
    return new SyncError(
      'sync-gone',
      `${where} answered ${status}: it does not take the request, or no longer`,
    );
  return new SyncError('sync-answer', `${where} answered ${status}`);
}

/** GitHub tells of its secondary limits by 403. */
const isSecondaryLimit = (status: number, headers: Headers) =>
  status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0');

/** When a provider that says "none left" gives some again (Okta, GitHub: seconds since 1970); 0 when some are left. */
function exhaustedUntil(headers: Headers): number {
  const remaining = headers.get('x-rate-limit-remaining') ?? headers.get('x-ratelimit-remaining');
  const reset = Number(headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset'));
  return remaining === '0' && Number.isFinite(reset) ? reset * 1000 : 0;
}

/** How long to wait, ms: seconds or a date (RFC 9110), else the reset of the rate, else ever longer. */
function waitOf(headers: Headers, now: number, failures: number): number {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = Number(after);
    const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - now;
    if (Number.isFinite(wait)) return Math.max(1000, wait);
  }
  const reset = Number(headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset')) * 1000;
  return reset > now ? reset - now : Math.min(60_000, 1000 * 2 ** failures);
}

async function readBounded(response: Response, where: string): Promise<string> {
  const body = await readCapped(response.body ?? [], largest);
  if (body === null)
    throw new SyncError('sync-answer', `${where} answered more than ${largest / 1048576} MiB at once`);
  return body.toString();
}

function parse(body: string, where: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Its text may be a proxy's page, and long.
    throw new SyncError('sync-answer', `${where} answered 200 with something other than JSON`);
  }
}

const reasonOf = (error: unknown): string => {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
};
