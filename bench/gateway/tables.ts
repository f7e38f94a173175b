/** What one peer is asked for. `rate` is requests a second on a schedule; null: each answer is followed by a request. */
export type Load = { name: string; callers: number; rate: number | null };

/**
 * One round of one peer: requests/s where nothing else sets them, milliseconds of CPU for 1,000 requests, latencies in ms.
 * `late`: one request in a hundred was sent so much later than it was due, which is none of the peer's doing.
 */
export type Figures = {
  rate: number | null;
  cpu: number;
  p50: number;
  p99: number;
  p999: number | null;
  late: number | null;
};

/** Of an even number, the higher of the two in the middle; 0 of none. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Ours (the first peer) over another, round by round: both were measured within seconds of each other. */
function ratios(ours: readonly number[], theirs: readonly number[]): string {
  return spanOf(ours.map((value, round) => value / (theirs[round] ?? 0)));
}

/** `MEDIAN (LOWEST–HIGHEST)`. */
export const spanOf = (all: readonly number[]): string =>
  `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`;

const columns = [
  '',
  'requests/s',
  'CPU ms/1,000',
  'CPU, ours / this',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'sent late ms',
];
const widths = [20, 12, 14, 20, 9, 9, 9, 14];
const row = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
    .join('');

/** Prints a table for each load, with medians of all rounds. */
export function printTables(results: ReadonlyMap<Load, ReadonlyMap<string, readonly Figures[]>>): void {
  for (const [load, peers] of results) {
    console.log(row([...columns].with(0, '')));
    console.log(load.name);
    const [ours = []] = peers.values();
    for (const [name, figures] of peers) {
      const of = (pick: (one: Figures) => number | null, digits: number) => {
        const known = figures.map(pick).filter((value) => value !== null);
        return known.length === 0 ? '-' : median(known).toFixed(digits);
      };
      const cpu = (all: readonly Figures[]) => all.map((one) => one.cpu);
      console.log(
        row([
          `  ${name}`,
          of((one) => one.rate, 0),
          of((one) => one.cpu, 0),
          figures === ours ? '' : ratios(cpu(ours), cpu(figures)),
          of((one) => one.p50, 2),
          of((one) => one.p99, 2),
          of((one) => one.p999, 2),
          of((one) => one.late, 2),
        ]),
      );
    }
    console.log('');
  }
}
