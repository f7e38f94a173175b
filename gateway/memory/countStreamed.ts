import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor' }) => void;

/** Bytes that may pass between two collections. */
const enough = 16 * 1024 * 1024;

/**
 * Returns what is told how many bytes of a body have passed. Each piece lies in a buffer of its own, which is garbage as soon as it
 * is sent. V8 counts such memory with the old generation's: left alone it waits for 64 MB of them, and then marks the
 * whole heap, many times a second at a gigabyte each. A collection of the young takes half a millisecond and finds them.
 */
export function createCountStreamed(): (bytes: number) => void {
  let collect: Collect | null = null;
  let streamed = 0;
  return (bytes) => {
    streamed += bytes;
    if (streamed < enough) return;
    streamed = 0;
    collect ??= collector();
    collect({ type: 'minor' });
  };
}

/** V8 hands its collector only to contexts that are made while the flag is set: nobody else gets it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? (gc as Collect) : () => undefined;
}
