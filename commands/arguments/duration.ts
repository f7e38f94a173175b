import { dayMs, durationMs, longestTimerMs } from '../../bundle/format/times.ts';
import { UsageError } from './usageError.ts';

/** Milliseconds of a time like "30s" or "7d". Throws UsageError naming the option. */
export function durationOf(text: string, option: string, most: number = longestTimerMs): number {
  const milliseconds = durationMs(text);
  if (milliseconds === null)
    throw new UsageError(`${option} must be a time like 30s, 12h or 7d (ms, s, min, h or d), got "${text}"`);
  if (milliseconds > most) throw new UsageError(`${option} must be ${most / dayMs}d at most, got "${text}"`);
  return milliseconds;
}
