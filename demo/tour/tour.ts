import type { Loop } from '../startLoop.ts';
import { createTour, type Print } from './createTour.ts';

/**
 * Walks through the loop by itself. Returns the milliseconds from merge to first denial; throws TourError at the first
 * thing that does not hold.
 */
export async function tour(
  loop: Loop,
  now: () => number,
  print: Print,
  begin: (what: string) => void,
): Promise<number> {
  const { steps, took } = createTour(loop, now);
  for (const [index, { title, run }] of steps.entries()) {
    print(`${index + 1}. ${title}`);
    await run((line) => print(`   ${line}`), begin);
  }
  return took() ?? Number.NaN;
}
