import { dayMs, instantOf } from '../../bundle/format/times.ts';
import { durationOf } from './duration.ts';
import { UsageError } from './usageError.ts';

const tenYearsMs = 3650 * dayMs;

/**
 * When a bundle built now shall end, RFC 3339 in whole seconds: after a time like `7d`, or at a time. Undefined when
 * neither is given. `nowMs` in milliseconds since 1970. Throws UsageError, also for an end that is past.
 */
export function validUntil(
  { validFor, validUntil: at }: { validFor?: string; validUntil?: string },
  nowMs: number,
): string | undefined {
  if (validFor === undefined && at === undefined) return undefined;
  if (validFor !== undefined && at !== undefined)
    throw new UsageError('either --valid-for or --valid-until is taken, not both');
  const endMs = at === undefined ? nowMs + durationOf(validFor ?? '', '--valid-for', tenYearsMs) : msOf(at);
  if (endMs <= nowMs) throw new UsageError(`--valid-until must be ahead, got "${at}"`);
  return instantOf(endMs / 1000);
}

function msOf(text: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`--valid-until must be a time like 2026-12-01T00:00:00Z, got "${text}"`);
  return ms;
}
