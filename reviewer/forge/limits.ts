// What GitHub asks of clients that it limits: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
// `retry-after` (429, and 403 for secondary limits) is waited for; a limit that is used up names its end in
// `x-ratelimit-reset`. plugin-retry would ask again after a second, and never look at either.

/** The longest a run waits for a limit; beyond it a later run goes on. */
const longestWaitMs = 120_000;
/** The longest in all: a job has minutes, and one that is ended from outside tells nobody why. */
const longestInAllMs = 5 * 60_000;
const mostTries = 3;

/** Of secondary limits often only the message speaks. */
export const isSecondary = (message: unknown): boolean => /secondary rate limit/i.test(String(message));

type Refusal = {
  status?: unknown;
  message?: unknown;
  response?: { headers?: Readonly<Record<string, unknown>> };
};

/** How long an answer asks to wait, in ms; null when it is not about a limit. `nowMs`: ms since 1970. */
export function waitOf(error: unknown, nowMs: number): number | null {
  const { status, message, response } = error as Refusal;
  if (status !== 403 && status !== 429) return null;
  const header = (name: string) => response?.headers?.[name];
  const after = Number(header('retry-after') ?? Number.NaN);
  if (Number.isFinite(after) && after >= 0) return after * 1000;
  if (header('x-ratelimit-remaining') === '0') {
    const reset = Number(header('x-ratelimit-reset') ?? Number.NaN);
    return Number.isFinite(reset) ? Math.max(0, reset * 1000 - nowMs) + 1000 : longestWaitMs + 1;
  }
  // GitHub says to wait a minute where it names no time.
  return status === 429 || isSecondary(message) ? 60_000 : null;
}

type Clock = { now: () => number; sleep: (ms: number) => Promise<unknown>; longestMs?: number };

/** Calls, waits as long as it is asked to, and calls again; what asks for too much, alone or with what was waited before, is thrown. */
export function withinLimits({ now, sleep, longestMs = longestWaitMs }: Clock) {
  let waitedMs = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        const waitMs = waitOf(error, now());
        if (waitMs === null || waitMs > longestMs || tried >= mostTries) throw error;
        waitedMs += waitMs;
        if (waitedMs > longestInAllMs) throw error;
        await sleep(waitMs);
      }
    }
  };
}
