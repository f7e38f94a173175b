import { readRate } from '../../bundle/format/rate.ts';

/** Rounds up to two digits, so that a rate looks like one and stays the same from run to run. */
export function rounded(count: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, count))) - 1);
  return Math.ceil(count / step) * step;
}

/** How many requests come in a minute at most by a rate, in the long run. */
export const perMinute = (rate: string): number => {
  const known = readRate(rate);
  return known === null ? Number.POSITIVE_INFINITY : 60_000 / known.intervalMs;
};

export type Busy = {
  /** Of the minutes in which a caller asked: how much nearly all of them held, and the busiest. */
  usual: number;
  busiest: number;
};

/**
 * Rates to try, lowest first: the usual minute with its margin, then the busiest one. One of twice the busiest minute
 * refuses nothing whatever comes when, for any minute touches two of the clock's.
 */
export function ratesFor({ usual, busiest }: Busy, margin: number, least: number): number[] {
  const counts = [usual, busiest].map((count) => rounded(Math.max(least, Math.ceil(count * margin))));
  return [...new Set(counts)];
}

/** Whether a rate leaves room for twice the busiest minute. */
export const isSafe = (count: number, { busiest }: Busy): boolean => count >= 2 * busiest;

/**
 * Counts what a gateway refuses by a rate of so many a minute, of requests of one caller after the other (ms since
 * 1970, sorted): its own algorithm, which admits a burst of the whole count and then one request per interval.
 */
export function createRateTrial(count: number): (caller: string, ms: number) => boolean {
  const periodMs = 60_000;
  const intervalMs = periodMs / count;
  let last = { caller: '', wholeAt: 0 };
  return (caller, ms) => {
    if (caller !== last.caller) last = { caller, wholeAt: 0 };
    const from = Math.max(last.wholeAt, ms);
    if (from + intervalMs - ms - periodMs > 1e-6) return false;
    last.wholeAt = from + intervalMs;
    return true;
  };
}
