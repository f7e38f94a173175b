import { createDayCoverage } from './dayCoverage.ts';
import type { DecisionRecord, Heartbeat, Stopped, StreamClosed } from './record.ts';
import type { Head, UsageLine } from './usageLine.ts';
import { createUseTables, type UseRow } from './useTables.ts';

/** What a line of the log says of use. */
export type Counted =
  | Pick<DecisionRecord, 'timestamp' | 'input' | 'result' | 'status'>
  | Pick<StreamClosed, 'timestamp' | 'event'>
  | Pick<Heartbeat, 'timestamp' | 'heartbeat'>
  | Pick<Stopped, 'timestamp' | 'stopped'>;

/** What one day came to. */
export type UsageDay = {
  readonly changed: boolean;
  /** How many lines it makes. */
  readonly size: number;
  /** Counts a line, with the number it took (a heartbeat, an end: the last one taken). */
  add(entry: Counted, seq: number): void;
  /** Goes on from what a roll-up of the same day says, whose records are gone. Before anything is added. */
  restore(lines: readonly UsageLine[]): void;
  /** The lines, the head first, the others sorted. */
  lines(): Generator<UsageLine>;
  /**
   * The same as they are now, whatever is added while they are read; null wherever a turn of the event loop may end. To
   * be thawed when nobody reads on.
   */
  freeze(): Generator<UsageLine | null>;
  thaw(): void;
  saved(): void;
  /** What was called saved is not. */
  unsaved(): void;
};

/** Whole minutes since 1970, of RFC 3339 in UTC; mostly one asks for the minute that was asked for before. */
function createMinuteOf(): (timestamp: string) => number {
  let known = { prefix: '', minute: 0 };
  return (timestamp) => {
    const prefix = timestamp.slice(0, 16);
    if (prefix !== known.prefix) known = { prefix, minute: Date.parse(`${prefix}:00Z`) / 60_000 };
    return known.minute;
  };
}

/** Keeps what is counted of `day` (YYYY-MM-DD); its memory is bounded, whatever comes. */
export function createUsageDay(day: string, instance: string): UsageDay {
  const minuteOf = createMinuteOf();
  const coverage = createDayCoverage(Date.parse(`${day}T00:00:00Z`) / 60_000);
  const tables = createUseTables(coverage.cut);
  let changed = true;

  const head = () => coverage.head(tables.size, tables.counts);
  function* placed(first: Head, parts: Iterable<UseRow | null>[]): Generator<UsageLine | null> {
    yield { day, instance, coverage: first };
    for (const part of parts) for (const one of part) yield one === null ? null : { day, instance, ...one };
  }

  return {
    get changed() {
      return changed;
    },
    get size() {
      return tables.size + 1;
    },
    add(entry, seq) {
      changed = true;
      const minute = minuteOf(entry.timestamp);
      if ('stopped' in entry) return coverage.stopped(seq, minute);
      if ('heartbeat' in entry) return coverage.heartbeat(seq, minute);
      // Whatever takes a number counts, so that none is missing.
      coverage.record(seq, minute);
      if (!('event' in entry)) tables.add(entry, minute);
    },
    restore(lines) {
      for (const line of lines)
        if ('coverage' in line) coverage.restore(line.coverage);
        else tables.restore(line);
    },
    *lines() {
      for (const line of placed(head(), tables.sorted())) if (line !== null) yield line;
    },
    freeze: () => placed(head(), tables.freeze()),
    thaw: tables.thaw,
    saved: () => {
      changed = false;
    },
    unsaved: () => {
      changed = true;
    },
  };
}
