import type { Minutes } from './usageLine.ts';

/** Minutes since 1970 as spans from midnight, sorted, not touching. */
export function spansOf(minutes: ReadonlySet<number>, midnight: number): Minutes[] {
  const spans: [number, number][] = [];
  for (const at of [...minutes].map((minute) => minute - midnight).sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === at) last[1] = at + 1;
    else spans.push([at, at + 1]);
  }
  return spans;
}
