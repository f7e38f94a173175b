import type { DecisionRecord, Heartbeat, Stopped, StreamClosed } from './record.ts';
import { createRows } from './rows.ts';
import { spansOf } from './spansOf.ts';
import type { Head, UsageLine } from './usageLine.ts';

/** What a line of the log says of use. */
export type Counted =
  | Pick<DecisionRecord, 'timestamp' | 'input' | 'result' | 'status'>
  | Pick<StreamClosed, 'timestamp' | 'event'>
  | Pick<Heartbeat, 'timestamp' | 'heartbeat'>
  | Pick<Stopped, 'timestamp' | 'stopped'>;

type Use = {
  grant: string;
  operation: string;
  count: number;
  first: string;
  last: string;
  api: string;
  busiest: number;
  mfa: number;
};
/** A use with the minute that is counted at the moment, and how often it was in it. */
type Counting = { use: Use; minute: number; times: number };
type Together = { together: string[]; operation: string; count: number };
type Denied = {
  denied: string;
  api: string;
  operation: string;
  count: number;
  first: string;
  last: string;
};

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

/** Past so many lines of one kind a day is cut: it takes no more memory, and vouches for nothing. */
export const most = { uses: 500_000, together: 100_000, denied: 10_000, runs: 10_000 } as const;

/** Whole minutes since 1970, of RFC 3339 in UTC; mostly one asks for the minute that was asked for before. */
function createMinuteOf(): (timestamp: string) => number {
  let known = { prefix: '', minute: 0 };
  return (timestamp) => {
    const prefix = timestamp.slice(0, 16);
    if (prefix !== known.prefix) known = { prefix, minute: Date.parse(`${prefix}:00Z`) / 60_000 };
    return known.minute;
  };
}

/** Separates what may be any name. */
const cut = '\u0000';
const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a > b ? a : b);

/** Keeps what is counted of `day` (YYYY-MM-DD); its memory is bounded, whatever comes. */
export function createUsageDay(day: string, instance: string): UsageDay {
  const minuteOf = createMinuteOf();
  const midnight = Date.parse(`${day}T00:00:00Z`) / 60_000;
  /** By operation, then by grant: a map for each of many grants would take more than its uses. */
  const uses = new Map<string, Map<string, Counting>>();
  const together = new Map<string, Together>();
  const denied = new Map<string, Denied>();
  const [beats, seen, ends] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const heartbeats = new Set<number>();
  const runs: [number, number, number, number][] = [];
  const [useRows, togetherRows, deniedRows] = [
    createRows<Use>(byName),
    createRows<Together>((a, b) => order(keyOf(a), keyOf(b))),
    createRows<Denied>((a, b) => order(placeOf(a), placeOf(b))),
  ];
  let records = 0;
  /** The sum of all counts. */
  let counts = 0;
  let size = 0;
  let isCut = false;
  let changed = true;

  /** A number that a record took, or that was the last one taken by then. */
  const number = (seq: number, minute: number, taken: boolean) => {
    const run = runs.at(-1);
    const next = run === undefined ? null : run[1] + 1;
    if (run !== undefined && (taken ? seq === next : seq <= run[1])) {
      if (taken) run[1] = seq;
      run[2] = Math.min(run[2], minute);
      run[3] = Math.max(run[3], minute);
    } else if (runs.length >= most.runs) isCut = true;
    else runs.push(taken ? [seq, seq, minute, minute] : [seq + 1, seq, minute, minute]);
  };
  /** The place for one more line, unless there are too many. */
  const isFull = (lines: number, limit: number) => {
    if (lines < limit) size += 1;
    return lines >= limit;
  };
  const use = (grant: string, operation: string, api: string) => {
    let ofOperation = uses.get(operation);
    const known = ofOperation?.get(grant);
    if (known !== undefined) return known;
    if (isFull(useRows.size, most.uses)) {
      isCut = true;
      return null;
    }
    if (ofOperation === undefined) {
      ofOperation = new Map();
      uses.set(operation, ofOperation);
    }
    const fresh = { grant, operation, count: 0, first: '', last: '', api, busiest: 0, mfa: 0 };
    const counting: Counting = { use: fresh, minute: -1, times: 0 };
    ofOperation.set(grant, counting);
    useRows.add(fresh);
    return counting;
  };
  const sharing = (grants: readonly string[], operation: string, count: number) => {
    const key = [operation, ...grants].join(cut);
    const known = together.get(key);
    if (known !== undefined) {
      togetherRows.touch(known);
      known.count += count;
      counts += count;
      // Left out it costs no more than that of two grants that cover each other none is told redundant.
    } else if (!isFull(together.size, most.together)) {
      const fresh = { together: [...grants], operation, count };
      together.set(key, fresh);
      togetherRows.add(fresh);
      counts += count;
    }
  };
  const refused = (reason: string, api: string, operation: string, timestamp: string) => {
    const key = [reason, api, operation].join(cut);
    const known = denied.get(key);
    if (known !== undefined) {
      deniedRows.touch(known);
      counts += 1;
      known.count += 1;
      known.first = earlier(known.first, timestamp);
      known.last = later(known.last, timestamp);
    } else if (!isFull(denied.size, most.denied)) {
      const fresh = { denied: reason, api, operation, count: 1, first: timestamp, last: timestamp };
      denied.set(key, fresh);
      deniedRows.add(fresh);
      counts += 1;
    }
  };
  const headOf = (lines: number): Head => {
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
      uses: counts,
      ...(isCut && { cut: true }),
    };
  };
  const every = () => useRows.size + togetherRows.size + deniedRows.size;
  function* placed(
    coverage: Head,
    parts: Iterable<Use | Together | Denied | null>[],
  ): Generator<UsageLine | null> {
    yield { day, instance, coverage };
    for (const part of parts) for (const one of part) yield one === null ? null : { day, instance, ...one };
  }

  return {
    get changed() {
      return changed;
    },
    get size() {
      return size + 1;
    },
    add(entry, seq) {
      changed = true;
      const { timestamp } = entry;
      const minute = minuteOf(timestamp);
      seen.add(minute);
      if ('stopped' in entry) {
        beats.add(minute);
        ends.add(minute);
        return number(seq, minute, false);
      }
      ends.delete(minute);
      if ('heartbeat' in entry) {
        beats.add(minute);
        heartbeats.add(minute);
        return number(seq, minute, false);
      }
      // Whatever takes a number counts, so that none is missing.
      records += 1;
      number(seq, minute, true);
      if ('event' in entry) return;
      const { result, status } = entry;
      const { operation, api, mfa } = entry.input;
      if (!result.allow || status === 429)
        return refused(result.allow ? 'limited' : result.reason, api, operation, timestamp);
      for (const grant of result.grants) {
        const counting = use(grant, operation, api);
        if (counting === null) continue;
        const held = counting.use;
        useRows.touch(held);
        counts += 1;
        held.count += 1;
        if (held.first === '' || timestamp < held.first) held.first = timestamp;
        if (timestamp > held.last) held.last = timestamp;
        if (mfa) held.mfa += 1;
        // One that comes late counts with the minute that is counted: rather too busy than too little.
        if (minute > counting.minute) {
          counting.minute = minute;
          counting.times = 0;
        }
        counting.times += 1;
        if (counting.times > held.busiest) held.busiest = counting.times;
      }
      if (result.grants.length > 1) sharing(result.grants, operation, 1);
    },
    restore(lines) {
      for (const line of lines) {
        if ('coverage' in line) {
          const head = line.coverage;
          records = head.records;
          for (const [from, to, first, last] of head.runs ?? [])
            runs.push([from, to, first + midnight, last + midnight]);
          if (head.runs === undefined || head.cut === true) isCut = true;
          for (const [from, to] of head.beats ?? [])
            for (let at = from; at < to; at += 1) beats.add(at + midnight);
          for (const [from, to] of head.seen ?? [])
            for (let at = from; at < to; at += 1) seen.add(at + midnight);
          for (const at of head.ends ?? []) ends.add(at + midnight);
          for (const at of beats) if (!ends.has(at)) heartbeats.add(at);
          if (runs.length === 0 && head.records > 0) runs.push([...head.seq, midnight, midnight]);
        } else if ('grant' in line) {
          const counting = use(line.grant, line.operation, line.api ?? '');
          if (counting === null) continue;
          const { count, first, last, busiest = 0, mfa = 0 } = line;
          counts += count - counting.use.count;
          Object.assign(counting.use, { count, first, last, busiest, mfa });
        } else if ('together' in line) sharing(line.together, line.operation, line.count);
        else {
          const { denied: reason, api, operation, count, first, last } = line;
          refused(reason, api, operation, first);
          const held = denied.get([reason, api, operation].join(cut));
          if (held === undefined) continue;
          counts += count - held.count;
          Object.assign(held, { count, last });
        }
      }
    },
    *lines() {
      const parts = [useRows, togetherRows, deniedRows].map((rows) => rows.sorted());
      for (const line of placed(headOf(every()), parts)) if (line !== null) yield line;
    },
    freeze: () => placed(headOf(every()), [useRows.freeze(), togetherRows.freeze(), deniedRows.freeze()]),
    thaw() {
      for (const rows of [useRows, togetherRows, deniedRows]) rows.thaw();
    },
    saved: () => {
      changed = false;
    },
    unsaved: () => {
      changed = true;
    },
  };
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byName = (a: Use, b: Use) => order(a.grant, b.grant) || order(a.operation, b.operation);
const keyOf = ({ operation, together }: Together) => [operation, ...together].join(cut);
const placeOf = ({ denied, api, operation }: Denied) => [denied, api, operation].join(cut);
