import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 collect the old generation each time it has grown by half, where it would wait until it is several times as large:
 * for commands that go through far more than they keep. A review of a million grants peaks at 2.3 GB rather than 3.2, for
 * a twentieth more time (`bench/review.ts`). For the whole process, from now on.
 */
export function growHeapSlowly(): void {
  setFlagsFromString('--heap-growing-percent=50');
}
