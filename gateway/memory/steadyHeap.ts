import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 collect the old generation each time it has doubled, and no harder because requests have become few. Left alone,
 * it takes a lull for the time to give memory back: it moves all that lives on the heap, in one step of 46 to 270 ms (seen at 100 MB, on
 * a busy machine) beside requests that still come, and lets the heap grow by a tenth from there, so that the next wave of
 * requests begins with a collection of its own. Garbage is still collected in a lull, for the most part beside requests. For the
 * whole process, from now on; the heap takes up to twice what lives on it.
 */
export function steadyHeap(set: (flag: string) => void = setFlagsFromString): void {
  set('--heap-growing-percent=100');
  set('--no-memory-reducer-favors-memory');
}
