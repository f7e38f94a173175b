import type { Rate } from '../../bundle/format/rate.ts';
import { Refusal } from '../http/refusal.ts';

/** A policy as draft-ietf-httpapi-ratelimit-headers (10) writes it: how many, in how many seconds. */
export function ratePolicy(name: string, { count, periodMs }: Rate): string {
  return `"${name}";q=${count};w=${periodMs / 1000}`;
}

/** The answer to whoever is over a rate for `waitMs` more. */
export function rateExceeded(name: string, rate: Rate, waitMs: number, code = 'rate-exceeded'): Refusal {
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)));
  return new Refusal(429, code, 'Too many requests; try again later.', {
    'ratelimit-policy': ratePolicy(name, rate),
    ratelimit: `"${name}";r=0;t=${seconds}`,
    'retry-after': seconds,
  });
}
