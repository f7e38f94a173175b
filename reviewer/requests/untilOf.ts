import { dayMs, dayOf, durationMs, instantOf } from '../../bundle/format/times.ts';
import { day, instant } from '../../bundle/grants/schema.ts';
import { ReviewError } from '../reviewError.ts';

/**
 * The end of what is asked for, as a grant has it: a date or an instant as it is, or a time like `7d` from now; whole days
 * last until the night of the last one. `asOf`: seconds since 1970. Throws ReviewError `request-refused`.
 */
export function untilOf(text: string, asOf: number): string {
  if (day.safeParse(text).success || instant.safeParse(text).success) return text;
  const ms = durationMs(text);
  if (ms === null || ms < 60_000)
    throw new ReviewError(
      'request-refused',
      `how long must be a time like 8h or 7d, a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z, got "${text.slice(0, 100)}"`,
    );
  const end = asOf + ms / 1000;
  return ms % dayMs === 0 ? dayOf(end) : instantOf(end);
}
