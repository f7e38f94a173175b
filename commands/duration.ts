import { UsageError } from './usageError.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** Milliseconds of a time like "30s". Throws UsageError naming the option. */
export function durationOf(text: string, option: string): number {
  const [, count, unit = ''] = /^([1-9][0-9]{0,5})(ms|s|min|h)$/.exec(text) ?? [];
  const factor = units[unit];
  if (factor === undefined) throw new UsageError(`${option} must be a time like "30s", got "${text}"`);
  return Number(count) * factor;
}
