import { messageOf } from '../../../bundle/format/messageOf.ts';
import { readCapped } from '../../../bundle/format/readCapped.ts';
import { exhaustedUntil, isLimit, laterMs, waitOf } from './rate.ts';
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
/** The time that pauses may take in all: a job that waits for ever tells nobody. */
const mostWaitMs = 15 * 60_000;
const mostFailures = 5;
/** What a token endpoint may do better the next time. */
const mayPass: ReadonlySet<string> = new Set(['sync-failed', 'sync-unreachable']);

/**
 * Asks one provider, politely: waits as long as `Retry-After` and rate headers say, repeats what failed on its side
 * with growing pauses, renews the credential once.
 */
export function createClient({ base, authorize, fetch: ask, now, sleep, signal }: Options): Client {
  const origin = new URL(base).origin;
  let waited = 0;
  let waitingUntil = 0;
  let holdUntil = 0;

  const pause = async (ms: number, why: string) => {
    const end = now() + ms;
    // Those who wait at the same time wait once.
    waited += Math.max(0, end - Math.max(now(), waitingUntil));
    waitingUntil = Math.max(waitingUntil, end);
    if (waited > mostWaitMs)
      throw new SyncError('sync-limited', `${why}, and asks for longer than ${mostWaitMs / 60_000} minutes`);
    await sleep(ms);
    if (signal?.aborted) throw new SyncError('aborted', 'the sync was stopped');
  };

  /** One try. `again`: it failed and may go better; `later`: it was asked to wait; `renew`: perhaps with a new credential. */
  const once = async (
    url: URL,
    { tries, failures, renew }: { tries: number; failures: number; renew: boolean },
  ): Promise<Answer | 'again' | 'later' | 'renew'> => {
    const where = `${url.origin}${url.pathname}`;
    if (holdUntil > now()) await pause(holdUntil - now(), `${where} allows no more requests for now`);
    let response: Response;
    let body: string;
    let credential: Awaited<ReturnType<typeof authorize>>;
    try {
      credential = await authorize(renew);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      if (error.waitMs === null && (!mayPass.has(error.code) || failures >= mostFailures)) throw error;
      await pause(error.waitMs ?? laterMs(failures), error.message);
      return error.waitMs === null ? 'again' : 'later';
    }
    try {
      response = await ask(url, {
        headers: { accept: 'application/json', ...credential },
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
      });
      body = await readBounded(response, where);
    } catch (cause) {
      if (cause instanceof SyncError) throw cause;
      if (signal?.aborted) throw new SyncError('aborted', 'the sync was stopped', { cause });
      if (failures >= mostFailures)
        throw new SyncError('sync-unreachable', `${where} gives no answer: ${reasonOf(cause)}`, { cause });
      await pause(laterMs(failures), `${where} gives no answer`);
      return 'again';
    }
    const { status, headers } = response;
    if (status === 200) {
      // An answer that was long on its way does not take back what a later one said.
      holdUntil = Math.max(holdUntil, exhaustedUntil(headers, now()));
      return { body: parse(body, where), headers };
    }
    if (isLimit(status, headers, body)) {
      await pause(waitOf(headers, now(), tries, body), `${where} answers ${status}`);
      return 'later';
    }
    if (status >= 500) {
      if (failures >= mostFailures)
        throw new SyncError('sync-failed', `${where} answered ${status}, ${failures + 1} times`);
      await pause(laterMs(failures), `${where} answers ${status}`);
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
      let failures = 0;
      for (let tries = 0; ; tries += 1) {
        const answer = await once(url, { tries, failures, renew });
        if (typeof answer !== 'string') return answer;
        renew ||= answer === 'renew';
        failures += answer === 'again' ? 1 : 0;
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
  if (status >= 300 && status < 400)
    return new SyncError(
      'sync-answer',
      `${where} answered ${status}: it sends us elsewhere, which is not followed; is the address right, and may the credential read all of it?`,
    );
  return new SyncError('sync-answer', `${where} answered ${status}`);
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
  return messageOf(inner);
};
