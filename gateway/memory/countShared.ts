import type { SharedLines } from '../revision/lineIndex.ts';

const weights = new WeakMap<object, ArrayBuffer>();

/** By then whatever came before the holder is garbage. */
const laterMs = 1000;

/**
 * V8 leaves shared memory out of its accounts: it sees no reason to look for garbage when a revision of 200 MB is
 * dropped. Memory of that size that nobody touches takes none, but is counted, for as long as its holder lives; taking
 * it makes V8 look, bit by bit, and find what was dropped before.
 */
export function countShared(holder: object, { data }: SharedLines): void {
  setTimeout(() => weights.set(holder, new ArrayBuffer(data.byteLength)), laterMs).unref();
}
