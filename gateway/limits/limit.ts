import type { Rate } from '../../bundle/format/rate.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';

/**
 * Takes one request from a key's allowance of `rate` at `now` (ms). Above zero: nothing was taken, and
 * there will be something to take after that many milliseconds. Else it was, and the negated result is how many more
 * may come at once. A number when it is known here, a promise when others have to be asked; that one never rejects.
 */
export type Limit = (key: string, rate: Rate, now: number) => number | Promise<number>;

/** A limit that this process alone counts. */
export type LocalLimit = (key: string, rate: Rate, now: number) => number;

/**
 * The generic cell rate algorithm: one number per key, the instant at which its allowance is whole again. It admits
 * a burst of the whole count and then one request per interval, so no window's edge lets twice the rate through.
 */
export function createLimit(): LocalLimit {
  const wholeAt = lruCache<number>(64 * MiB);
  return (key, rate, now) => {
    const { interval, period } = rate;
    let from = Math.max(wholeAt.get(key) ?? 0, now);
    if (from > now + period) {
      // The clock was set back, or the rate was raised: nobody waits for what the old one owed.
      from = now + period;
      wholeAt.set(key, from);
    }
    const wait = from + interval - now - period;
    // A rounding error of the division must not cost the last request of a burst.
    if (wait > 1e-6) return wait;
    wholeAt.set(key, from + interval);
    return -Math.max(0, Math.floor(1e-6 - wait / interval));
  };
}
