import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** Gives out ULIDs that only grow; `at` is milliseconds since 1970. */
export type DecisionIds = (at: number) => string;

/** ulid asks its source for sixteen numbers per millisecond, each a system call by default: here one call serves 4,096. */
export function createDecisionIds(): DecisionIds {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  return monotonicFactory(() => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used] ?? 0;
    used += 1;
    return byte / 256;
  });
}
