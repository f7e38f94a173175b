import { LRUCache } from 'lru-cache';

/**
 * Keeps the `most` values that were used last. LRUCache's own `max` would take memory for all of them at once, and the
 * collector would look through it each time, though mostly nothing is there.
 */
export const lruCache = <Value extends object | number | boolean>(
  most: number,
  /** How many a value counts for: one, unless it may be large. */
  weightOf: (value: Value) => number = () => 1,
): LRUCache<string, Value> => new LRUCache({ maxSize: most, sizeCalculation: (value) => weightOf(value) });
