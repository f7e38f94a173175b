import { dayMs } from './times.ts';

const periods: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, day: dayMs };

/** `COUNT/UNIT`. */
export const rateForm = /^[1-9][0-9]{0,8}\/(?:s|min|h|day)$/;

/** `intervalMs`: for each request. `periodMs`: within which all `count` of them may come at once. */
export type Rate = { count: number; intervalMs: number; periodMs: number };

/** Reads a rate like `600/min`; null for anything else, as a rate that is no number would let everything through. */
export function readRate(text: string): Rate | null {
  if (!rateForm.test(text)) return null;
  const [count, unit = ''] = text.split('/');
  const periodMs = periods[unit];
  return periodMs === undefined ? null : rateOf(Number(count), periodMs);
}

/** Reads a rate that was checked before. Throws RangeError for what is none. */
export function parseRate(text: string): Rate {
  const rate = readRate(text);
  if (rate === null) throw new RangeError(`${JSON.stringify(text)} is no rate like "600/min"`);
  return rate;
}

/** So many in a period of milliseconds. */
export const rateOf = (count: number, periodMs: number): Rate => ({
  count,
  intervalMs: periodMs / count,
  periodMs,
});

/** Whether whatever keeps to the one rate keeps to the other: no faster in the long run, and no more at once. */
export const isWithinRate = (one: Rate, other: Rate): boolean =>
  other.intervalMs <= one.intervalMs && other.count >= one.count;

/** The order in which a gateway takes from several: what is whole again soonest first, so that an hour's is not spent on what a minute's would have let through. */
export const bySoonest = (one: Rate, other: Rate): number =>
  one.periodMs - other.periodMs || one.intervalMs - other.intervalMs;
