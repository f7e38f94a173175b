const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `COUNT` and unit, as settings and options have it. */
export const durationForm = /^[1-9][0-9]{0,5}(?:ms|s|min|h|d)$/;

/** What a timer of Node's waits for at most: a longer one ends at once. Milliseconds. */
export const longestTimer = 24 * 86_400_000;

/** Milliseconds of a time like `30s` or `7d`; null for anything else. */
export function durationMs(text: string): number | null {
  if (!durationForm.test(text)) return null;
  const count = Number.parseInt(text, 10);
  const factor = units[text.slice(String(count).length)];
  return factor === undefined ? null : count * factor;
}
