import { LRUCache } from 'lru-cache';

/** What an entry takes beside its key and its value: places in the cache's tables, and the heads of both. */
const entryBytes = 150;

/**
 * Keeps the values that were used last, in `mostBytes`: keys come from callers, so what bounds them is not their number.
 * `bytesOf` reckons what a value takes beside its head.
 */
export const lruCache = <Value extends object | number | boolean>(
  mostBytes: number,
  bytesOf: (value: Value) => number = () => 0,
): LRUCache<string, Value> =>
  new LRUCache({
    maxSize: mostBytes,
    // A letter outside Latin 1 makes every letter of its text take two.
    sizeCalculation: (value, key) => entryBytes + 2 * key.length + bytesOf(value),
  });

export const MiB = 2 ** 20;
