// How providers say "not now". Sharp edges: Okta and GitHub name the end of a limit by their clock, which need not be ours,
// and Okta sends no `Retry-After`; GitHub tells of its secondary limits by 403.

/** Whether an answer asks to wait. */
export const isLimit = (status: number, headers: Headers): boolean =>
  status === 429 ||
  (status === 503 && headers.has('retry-after')) ||
  (status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0'));

const resetOf = (headers: Headers) =>
  Number(headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset') ?? Number.NaN) * 1000;

/** What the provider's clock shows as it answers; ours, where it does not say. */
const theirNow = (headers: Headers, now: number): number => {
  const told = Date.parse(headers.get('date') ?? '');
  return Number.isFinite(told) ? told : now;
};

/** Until when a provider that says "none left" is not to be asked, by our clock; 0 when some are left. */
export function exhaustedUntil(headers: Headers, now: number): number {
  const remaining = headers.get('x-rate-limit-remaining') ?? headers.get('x-ratelimit-remaining');
  const left = resetOf(headers) - theirNow(headers, now);
  return remaining === '0' && left > 0 ? now + left : 0;
}

/** How long to wait, ms: seconds or a date (RFC 9110), else the reset of the rate, else ever longer. */
export function waitOf(headers: Headers, now: number, failures: number): number {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = Number(after);
    const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - theirNow(headers, now);
    if (Number.isFinite(wait)) return Math.max(1000, wait);
  }
  const left = resetOf(headers) - theirNow(headers, now);
  return left > 0 ? Math.max(1000, left) : laterMs(failures);
}

/** Pauses that grow. */
export const laterMs = (failures: number): number => Math.min(60_000, 1000 * 2 ** failures);
