const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `COUNT` and unit, as settings and options have it. */
export const durationForm = /^([1-9][0-9]{0,5})(ms|s|min|h|d)$/;

/** What a timer of Node's waits for at most: a longer one ends at once. Milliseconds. */
export const longestTimer = 24 * 86_400_000;

/** Milliseconds of a time like `30s` or `7d`; null for anything else. */
export function durationMs(text: string): number | null {
  const [, count, unit = ''] = durationForm.exec(text) ?? [];
  const factor = units[unit];
  return factor === undefined ? null : Number(count) * factor;
}
