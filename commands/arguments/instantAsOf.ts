import { UsageError } from './usageError.ts';

/** The instant that `--as-of` names, in ms since 1970; now, when left out. Throws UsageError. */
export function instantAsOf({ asOf }: { asOf?: string }): number {
  const atMs = asOf === undefined ? Date.now() : Date.parse(asOf);
  if (Number.isNaN(atMs))
    throw new UsageError(`--as-of must be an instant like 2026-03-01T09:00:00Z, got "${asOf}"`);
  return atMs;
}
