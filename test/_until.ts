import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds. The bound is for machines that are busy with other things; beyond it, it throws. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); await sleep(20))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${holds}`);
}
