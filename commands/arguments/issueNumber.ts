import { UsageError } from './usageError.ts';

/** The number of an issue or a pull request, as an option names it. Throws UsageError. */
export function issueNumber(text: string, option: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError(`${option} must be a number, got "${text}"`);
  return Number(text);
}
