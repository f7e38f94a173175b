export const daySeconds = 86_400;
export const dayMs = 86_400_000;

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: dayMs };

/** `COUNT` and unit, as settings and options have it. */
export const durationForm = /^[1-9][0-9]{0,5}(?:ms|s|min|h|d)$/;

/** What a timer of Node's waits for at most: a longer one ends at once. Milliseconds. */
export const longestTimerMs = 24 * dayMs;

/** Milliseconds of a time like `30s` or `7d`; null for anything else. */
export function durationMs(text: string): number | null {
  if (!durationForm.test(text)) return null;
  const count = Number.parseInt(text, 10);
  const factor = units[text.slice(String(count).length)];
  return factor === undefined ? null : count * factor;
}

/** Whether a text is a calendar day that exists, `2026-11-23`. */
export function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/** `2026-11-23`, of seconds since 1970. */
export const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** `2026-11-23T12:00Z`, of seconds since 1970. */
export const toTheMinute = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;

/** `2026-11-23T12:00:00Z`, of seconds since 1970. */
export const instantOf = (seconds: number): string =>
  `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19)}Z`;
