import type { Rate } from '../../bundle/format/rate.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';

/**
 * Takes one request from a key's allowance of `rate` at `nowMs`. Above zero: nothing was taken, and
 * there will be something to take after that many milliseconds. Else it was, and the negated result is how many more
 * may come at once. A number when it is known here, a promise when others have to be asked; that one never rejects.
 */
export type Limit = (key: string, rate: Rate, nowMs: number) => number | Promise<number>;

/** A limit that this process alone counts. */
export type LocalLimit = (key: string, rate: Rate, nowMs: number) => number;

type Pace = Pick<Rate, 'intervalMs' | 'periodMs'>;

/** A rounding error of a division must not cost the last request of a burst. */
const rounding = 1e-6;

/** Requests may have waited for an issuer before they are counted by the instant at which they came. */
const latestMs = 10_000;

/** What is owed at `nowMs`. The clock was set back, or the rate raised: nobody waits for what the old one owed. */
export const owedFrom = (wholeAtMs: number, { periodMs }: Pace, nowMs: number): number =>
  wholeAtMs > nowMs + periodMs + latestMs ? nowMs + periodMs : Math.max(wholeAtMs, nowMs);

/** How long the next request has to wait when `fromMs` is owed, as `Limit` tells it: 0 or less, it need not. */
export const nextAfter = (fromMs: number, { intervalMs, periodMs }: Pace, nowMs: number): number => {
  const waitMs = fromMs + intervalMs - nowMs - periodMs;
  return waitMs > rounding ? waitMs : -Math.max(0, Math.floor(rounding - waitMs / intervalMs));
};

/**
 * The generic cell rate algorithm: one number per key, the instant at which its allowance is whole again. It admits
 * a burst of the whole count and then one request per interval, so no window's edge lets twice the rate through.
 */
export function createLimit(): LocalLimit {
  const wholeAtMs = lruCache<number>(64 * MiB);
  return (key, rate, nowMs) => {
    const fromMs = owedFrom(wholeAtMs.get(key) ?? 0, rate, nowMs);
    const next = nextAfter(fromMs, rate, nowMs);
    wholeAtMs.set(key, next > 0 ? fromMs : fromMs + rate.intervalMs);
    return next;
  };
}
