import { spansOf } from './spansOf.ts';
import type { Head } from './usageLine.ts';

/** What of a day its roll-up vouches for. Minutes are whole ones since 1970. */
export type DayCoverage = {
  /** A line that took a number. */
  record(seq: number, minute: number): void;
  /** A heartbeat, and an orderly end: they tell the last number taken. */
  heartbeat(seq: number, minute: number): void;
  stopped(seq: number, minute: number): void;
  /** There is more than a roll-up holds: it vouches for nothing. */
  cut(): void;
  /** `lines` follow it, the counts of which come to `uses`. */
  head(lines: number, uses: number): Head;
  /** Goes on from what a roll-up of the same day says. Before anything is added. */
  restore(head: Head): void;
};

/** Past so many runs of numbers a day is cut. */
export const mostRuns = 10_000;

/** `midnight` is the day's first minute. */
export function createDayCoverage(midnight: number): DayCoverage {
  const [beats, seen, ends] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const heartbeats = new Set<number>();
  const runs: [number, number, number, number][] = [];
  let records = 0;
  let isCut = false;

  /** A number that a record took, or that was the last one taken by then. */
  const number = (seq: number, minute: number, taken: boolean) => {
    const run = runs.at(-1);
    const next = run === undefined ? null : run[1] + 1;
    if (run !== undefined && (taken ? seq === next : seq <= run[1])) {
      if (taken) run[1] = seq;
      run[2] = Math.min(run[2], minute);
      run[3] = Math.max(run[3], minute);
    } else if (runs.length >= mostRuns) isCut = true;
    else runs.push(taken ? [seq, seq, minute, minute] : [seq + 1, seq, minute, minute]);
  };

  return {
    record(seq, minute) {
      seen.add(minute);
      ends.delete(minute);
      records += 1;
      number(seq, minute, true);
    },
    heartbeat(seq, minute) {
      for (const minutes of [seen, beats, heartbeats]) minutes.add(minute);
      ends.delete(minute);
      number(seq, minute, false);
    },
    stopped(seq, minute) {
      for (const minutes of [seen, beats, ends]) minutes.add(minute);
      number(seq, minute, false);
    },
    cut() {
      isCut = true;
    },
    head(lines, uses) {
      const first = runs.reduce((least, [from]) => Math.min(least, from), Number.POSITIVE_INFINITY);
      const last = runs.reduce((highest, [, to]) => Math.max(highest, to), 0);
      return {
        seq: runs.length === 0 ? [1, 0] : [first, last],
        records,
        minutes: heartbeats.size,
        ...(!isCut && {
          runs: runs.map(([from, to, a, b]) => [from, to, a - midnight, b - midnight] as const),
        }),
        beats: spansOf(beats, midnight),
        seen: spansOf(seen, midnight),
        ends: [...ends].map((at) => at - midnight).sort((a, b) => a - b),
        lines,
        uses,
        ...(isCut && { cut: true }),
      };
    },
    restore(head) {
      records = head.records;
      for (const [from, to, first, last] of head.runs ?? [])
        runs.push([from, to, first + midnight, last + midnight]);
      if (head.runs === undefined || head.cut === true) isCut = true;
      for (const [from, to] of head.beats ?? [])
        for (let at = from; at < to; at += 1) beats.add(at + midnight);
      for (const [from, to] of head.seen ?? []) for (let at = from; at < to; at += 1) seen.add(at + midnight);
      for (const at of head.ends ?? []) ends.add(at + midnight);
      for (const at of beats) if (!ends.has(at)) heartbeats.add(at);
      if (runs.length === 0 && head.records > 0) runs.push([...head.seq, midnight, midnight]);
    },
  };
}
