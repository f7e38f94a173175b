import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of the processor that processes have taken, with all their threads that live. */
export function cpuMs(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids)
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return nanoseconds / 1e6;
}

/** The processes that a process has started and that live. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** Resident memory of processes, in MB. */
export function residentMb(pids: readonly number[]): number {
  const kilobytes = (pid: number) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return pids.reduce((sum, pid) => sum + kilobytes(pid), 0) / 1024;
}

/** How noisy the machine is at the moment. */
export type Noise = { memoryNs: number; spinMs: number; load: number };

const cells = 8 * 2 ** 20;
let chain: Uint32Array | null = null;

/** One walk through 32 MB in no order, and one of a loop that needs nothing but the processor. */
export function noise(): Noise {
  chain ??= newChain();
  const steps = 400_000;
  let place = 0;
  const began = performance.now();
  for (let step = 0; step < steps; step += 1) place = chain[place] ?? 0;
  const walked = performance.now();
  let sum = place;
  for (let step = 0; step < 20_000_000; step += 1) sum = (sum * 31 + step) | 0;
  const spun = performance.now();
  if (sum === 0.5) throw new Error('never');
  const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
  return { memoryNs: ((walked - began) * 1e6) / steps, spinMs: spun - walked, load };
}

/** Sattolo's shuffle: one circle through all cells. */
function newChain(): Uint32Array {
  const made = Uint32Array.from({ length: cells }, (_, at) => at);
  for (let at = cells - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * at);
    [made[at], made[other]] = [made[other] ?? 0, made[at] ?? 0];
  }
  return made;
}
