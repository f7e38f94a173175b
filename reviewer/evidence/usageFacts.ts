import type { Coverage } from './coverage.ts';
import type { DayOfUse } from './usage.ts';

/** How a grant was used in one window; instants in seconds since 1970. */
export type UsageFacts = {
  from: number;
  /** Share of the window's minutes that the records vouch for. */
  coverage: number;
  lostMinutes: number;
  allows: number;
  /** UTC days with a use. */
  daysUsed: number;
  /** The last use known, also one before the window. */
  lastUsedAt: number | null;
  /** Operations used, sorted. */
  operations: readonly string[];
};

/**
 * Counts a grant's uses in a window. Uses are kept by day, so of a day that the window's start cuts in two only what is
 * certain counts: all of it when the day's first use is inside, else its last one.
 */
export function usageFacts(
  uses: readonly DayOfUse[],
  window: { from: number; to: number },
  coverage: Coverage,
): UsageFacts {
  let allows = 0;
  let lastUsedAt: number | null = null;
  const days = new Set<number>();
  const operations = new Set<string>();
  for (const { operation, day, count, first, last } of uses) {
    if (first > window.to) continue;
    lastUsedAt = Math.max(lastUsedAt ?? last, last);
    if (last < window.from) continue;
    allows += first >= window.from ? count : 1;
    days.add(day);
    operations.add(operation);
  }
  return {
    from: window.from,
    coverage: coverage.share(window.from, window.to),
    lostMinutes: coverage.lost(window.from, window.to),
    allows,
    daysUsed: days.size,
    lastUsedAt,
    operations: [...operations].sort(),
  };
}
