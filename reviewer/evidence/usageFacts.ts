import type { Coverage } from './coverage.ts';
import type { WindowOfUse } from './usage.ts';

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

type Known = { used: WindowOfUse | null; coverage: Coverage };

/** Puts together what is known of a grant's use in a window and how much of it the records vouch for. */
export function usageFacts({ from, to }: { from: number; to: number }, known: Known): UsageFacts {
  const { used, coverage } = known;
  return {
    from,
    coverage: coverage.share(from, to),
    lostMinutes: coverage.lost(from, to),
    allows: used?.allows ?? 0,
    daysUsed: used?.daysUsed ?? 0,
    lastUsedAt: used?.lastUsedAt ?? null,
    operations: used?.operations ?? [],
  };
}
