import type { Rate } from '../../bundle/format/rate.ts';

/** A worker that dies takes what it has counted with it: of longer periods it is never given more than a minute's part. */
export const longestPartMs = 60_000;

/** What one of `workers` may count by itself: an equal part of the rate, and of what may come at once. */
export const shareOf = (
  { intervalMs, periodMs }: Rate,
  workers: number,
): Pick<Rate, 'intervalMs' | 'periodMs'> => ({
  intervalMs: intervalMs * workers,
  periodMs: Math.min(periodMs, longestPartMs),
});
