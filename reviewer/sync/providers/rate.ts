// How providers say "not now". Sharp edges: Okta and GitHub name the end of a limit by their clock, which need not be ours,
// and Okta sends no `Retry-After`; GitHub tells of its secondary limits by 403, and may name no time: then a minute is meant.

/** Whether an answer asks to wait. */
export const isLimit = (status: number, headers: Headers, body = ''): boolean =>
  status === 429 ||
  (status === 503 && headers.has('retry-after')) ||
  (status === 403 &&
    (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0' || isSecondary(body)));

const isSecondary = (body: string) => /secondary rate limit/i.test(body);

const resetOf = (headers: Headers) =>
  Number(headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset') ?? Number.NaN) * 1000;

/** What the provider's clock shows as it answers; ours, where it does not say. */
const theirNow = (headers: Headers, nowMs: number): number => {
  const told = Date.parse(headers.get('date') ?? '');
  return Number.isFinite(told) ? told : nowMs;
};

/** Until when a provider that says "none left" is not to be asked, by our clock; 0 when some are left. */
export function exhaustedUntil(headers: Headers, nowMs: number): number {
  const remaining = headers.get('x-rate-limit-remaining') ?? headers.get('x-ratelimit-remaining');
  const leftMs = resetOf(headers) - theirNow(headers, nowMs);
  return remaining === '0' && leftMs > 0 ? nowMs + leftMs : 0;
}

/** How long to wait, ms: seconds or a date (RFC 9110), else the reset of the rate, else ever longer. */
export function waitOf(headers: Headers, nowMs: number, failures: number, body = ''): number {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = Number(after);
    const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - theirNow(headers, nowMs);
    if (Number.isFinite(waitMs)) return Math.max(1000, waitMs);
  }
  // The reset that stands beside it is that of another limit, which is not used up.
  if (isSecondary(body)) return 60_000;
  const leftMs = resetOf(headers) - theirNow(headers, nowMs);
  return leftMs > 0 ? Math.max(1000, leftMs) : laterMs(failures);
}

/** Pauses that grow. */
export const laterMs = (failures: number): number => Math.min(60_000, 1000 * 2 ** failures);
