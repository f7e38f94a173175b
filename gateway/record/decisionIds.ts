import { randomFillSync } from 'node:crypto';
import { encodeTime, incrementBase32 } from 'ulid';

/** Gives out ULIDs that only grow; `atMs` since 1970. */
export type DecisionIds = (atMs: number) => string;

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** All that two digits can be, in their order. */
const pairs = [...digits].flatMap((first) => [...digits].map((second) => first + second));

/**
 * Like ulid's own `monotonicFactory`, which writes all 26 digits anew for each: within a millisecond only the last four
 * count on. And ulid asks its source for a number per digit, each a system call by default: here one call serves 4,096.
 */
export function createDecisionIds(): DecisionIds {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  const random = () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used] ?? 0;
    used += 1;
    return byte / 256;
  };
  const draw = (most: number) => Math.floor(random() * most);
  let last = Number.NEGATIVE_INFINITY;
  let time = '';
  /** The digits between the time and the last four, then those by twos. */
  let middle = '';
  let high = 0;
  let low = 0;
  return (atMs) => {
    if (atMs > last) {
      last = atMs;
      time = encodeTime(atMs, 10);
      middle = '';
      while (middle.length < 12) middle += digits[draw(32)];
      high = 32 * draw(32) + draw(32);
      low = 32 * draw(32) + draw(32);
    } else {
      low += 1;
      if (low === pairs.length) {
        low = 0;
        high += 1;
      }
      if (high === pairs.length) {
        high = 0;
        middle = incrementBase32(middle);
      }
    }
    return `${time}${middle}${pairs[high]}${pairs[low]}`;
  };
}
