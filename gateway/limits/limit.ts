import { type Rate, readRate } from '../../bundle/format/rate.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { remember } from '../memory/remember.ts';

/**
 * Takes one request from a key's allowance of `rate` (`600/min`) at `now` (ms). Above zero: nothing was taken, and
 * there will be something to take after that many milliseconds. Else it was, and the negated result is how many more
 * may come at once. A number when it is known here, a promise when others have to be asked; that one never rejects.
 */
export type Limit = (key: string, rate: string, now: number) => number | Promise<number>;

/** A limit that this process alone counts. */
export type LocalLimit = (key: string, rate: string, now: number) => number;

/** Reads a rate that was checked where it came in. Throws RangeError for what is none: no number would let all through. */
export function parseRate(text: string): Rate {
  const rate = readRate(text);
  if (rate === null) throw new RangeError(`${JSON.stringify(text)} is no rate like "600/min"`);
  return rate;
}

/** As many rates as are remembered, by whoever meets them with each request. */
export const mostRates = 1000;

/**
 * The generic cell rate algorithm: one number per key, the instant at which its allowance is whole again. It admits
 * a burst of the whole count and then one request per interval, so no window's edge lets twice the rate through.
 */
export function createLimit(): LocalLimit {
  const wholeAt = lruCache<number>(64 * MiB);
  const rateOf = remember(parseRate, mostRates);
  return (key, rate, now) => {
    const { interval, period } = rateOf(rate);
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
