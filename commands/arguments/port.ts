import { UsageError } from './usageError.ts';

/** A port that an option names, 0 for a free one. Throws UsageError. */
export function portOf(text: string, option: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new UsageError(`${option} must be a number up to 65535, got "${text}"`);
  return Number(text);
}
