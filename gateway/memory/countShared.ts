import type { SharedLines } from '../revision/lineIndex.ts';

/** By then whatever came before the holder is garbage. */
const laterMs = 1000;

/** Counts shared memory to V8, for as long as its holder lives. */
export type CountShared = (holder: object, lines: Pick<SharedLines, 'data'>) => void;

/**
 * V8 leaves shared memory out of its accounts: it sees no reason to look for garbage when a revision of 200 MB is
 * dropped. Memory of that size that nobody touches takes none, but is counted; taking it makes V8 look, bit by bit, and
 * find what was dropped before.
 */
export function createCountShared(): CountShared {
  const weights = new WeakMap<object, ArrayBuffer>();
  return (holder, { data }) => {
    setTimeout(() => weights.set(holder, new ArrayBuffer(data.byteLength)), laterMs).unref();
  };
}
