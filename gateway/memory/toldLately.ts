import { lruCache, MiB } from './lruCache.ts';

/** How often something happened since it was told last, this time included; null while that is lately. */
export type ToldLately = (key: string, nowMs: number) => number | null;

/** Says what is to be told: at once, then at most once in a while, with a count. Forgets the oldest beyond `mostBytes`. */
export function createToldLately({ everyMs = 60_000, mostBytes = MiB } = {}): ToldLately {
  const known = lruCache<{ atMs: number; times: number }>(mostBytes);
  return (key, nowMs) => {
    const last = known.get(key);
    if (last !== undefined && Math.abs(nowMs - last.atMs) < everyMs) {
      last.times += 1;
      return null;
    }
    known.set(key, { atMs: nowMs, times: 0 });
    return (last?.times ?? 0) + 1;
  };
}
