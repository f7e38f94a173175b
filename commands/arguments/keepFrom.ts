import { dayMs, dayOf } from '../../bundle/format/times.ts';
import { UsageError } from './usageError.ts';

/**
 * The first day (YYYY-MM-DD, UTC) that stays when days are kept for a time like `13mo`, `400d` or `2y` up to `nowMs` (ms):
 * months and years are the calendar's. Throws UsageError.
 */
export function keepFrom(text: string, nowMs: number): string {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,3})(d|mo|y)$/.exec(text) ?? [];
  if (unit === '') throw new UsageError(`--keep must be a time like 13mo, 400d or 2y, got "${text}"`);
  const today = new Date(Math.floor(nowMs / dayMs) * dayMs);
  if (unit === 'd') return dayOf((today.getTime() - Number(count) * dayMs) / 1000);
  const months = Number(count) * (unit === 'y' ? 12 : 1);
  const first = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - months, 1));
  // The 31st of a month that has none is its last day.
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(today.getUTCDate(), last));
  return dayOf(first.getTime() / 1000);
}
