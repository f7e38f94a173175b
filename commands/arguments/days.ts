import { UsageError } from './usageError.ts';

/** The days that `--days` looks back on. Throws UsageError. */
export function daysOf({ days }: { days: string }): number {
  if (!/^[1-9]\d{0,3}$/.test(days))
    throw new UsageError(`--days must be a number from 1 to 9999, got "${days}"`);
  return Number(days);
}
