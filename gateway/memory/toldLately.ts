import { lruCache, MiB } from './lruCache.ts';

/** How often something happened since it was told last, this time included; null while that is lately. */
export type ToldLately = (key: string, now: number) => number | null;

/** Says what is to be told: at once, then at most once in a while, with a count. `now` in ms; forgets the oldest beyond `mostBytes`. */
export function createToldLately({ everyMs = 60_000, mostBytes = MiB } = {}): ToldLately {
  const known = lruCache<{ atMs: number; since: number }>(mostBytes);
  return (key, now) => {
    const last = known.get(key);
    if (last !== undefined && Math.abs(now - last.atMs) < everyMs) {
      last.since += 1;
      return null;
    }
    known.set(key, { atMs: now, since: 0 });
    return (last?.since ?? 0) + 1;
  };
}
