import { daySeconds } from '../format/times.ts';

const isDay = (value: string) => value.length === 'YYYY-MM-DD'.length;

function secondsOf(value: string): number {
  const milliseconds = Date.parse(value);
  if (Number.isNaN(milliseconds)) throw new RangeError(`not a date or instant: ${JSON.stringify(value)}`);
  // Rounded down, also for an end: a fraction of a second too early is safe, too late is not.
  return Math.floor(milliseconds / 1000);
}

/**
 * The first instant of a day (`2026-03-01`, UTC) or the instant itself (RFC 3339), in whole seconds since 1970.
 * Throws RangeError for anything else.
 */
export function startOf(dayOrInstant: string): number {
  return secondsOf(dayOrInstant);
}

/**
 * The exclusive end of what lasts until then: the next midnight (UTC) for a day, the instant itself otherwise, in
 * whole seconds since 1970. Throws RangeError for anything else.
 */
export function endOf(dayOrInstant: string): number {
  return secondsOf(dayOrInstant) + (isDay(dayOrInstant) ? daySeconds : 0);
}

/** Whether a grant gives anything at an instant, its principal aside; `at` in whole seconds since 1970, null for no instant. */
export const isLive = (
  { state, expiresAt }: { state: 'active' | 'suspended'; expiresAt: number | null },
  at: number | null,
): boolean => state === 'active' && (at === null || expiresAt === null || at < expiresAt);

/** How many days a grant may lie idle by its cadence, as the review's policies count them; break-glass has no such end. */
export const cadenceDays = { daily: 1, monthly: 30, quarterly: 91, annual: 365 } as const;
