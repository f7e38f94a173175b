import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { decisionFiles } from './decisionFiles.ts';
import type { DecisionRecord, Heartbeat, LogEntry, Stopped, StreamClosed } from './record.ts';

/** One line of a usage file: the day's coverage, or one grant's use of one operation. Instants are RFC 3339, UTC. */
export type UsageLine =
  | { day: string; instance: string; coverage: { seq: [number, number]; records: number; minutes: number } }
  | {
      day: string;
      instance: string;
      grant: string;
      operation: string;
      count: number;
      first: string;
      last: string;
    };

/** What a line says of use. */
export type Counted =
  | Pick<DecisionRecord, 'timestamp' | 'input' | 'result' | 'status'>
  | Pick<StreamClosed, 'timestamp' | 'event'>
  | Pick<Heartbeat, 'timestamp' | 'heartbeat'>
  | Pick<Stopped, 'timestamp' | 'stopped'>;

/** Usage per day: grant × operation → count, first and last use. */
export type UsageRollup = {
  /**
   * Counts a line of the decision file of `day`, with the number it took (a heartbeat: the last one taken). The file's day counts, not the line's: around midnight they differ,
   * and each day must come out the same whenever it is counted.
   */
  add(entry: Counted, seq: number, day: string): void;
  /** Writes what changed. */
  save(): void;
  /** The stored and current days from `since` (YYYY-MM-DD) on, oldest first. */
  lines(since: string): UsageLine[];
};

type Use = { grant: string; operation: string; count: number; first: string; last: string };

/** By what a day's uses are sorted. */
const placeOf = ({ grant, operation }: Use) => `${grant} ${operation}`;

type Day = {
  seq: [number, number] | null;
  records: number;
  minutes: Set<string>;
  /** Minutes known from a usage file whose records are gone. */
  earlier: number;
  /** Grant → operation → use. */
  uses: Map<string, Map<string, Use>>;
  changed: boolean;
};

type Options = { decisions: string; folder: string; instance: string; now: () => number };

const linesIn = (path: string): UsageLine[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as UsageLine);

/**
 * Keeps `folder/YYYY-MM-DD.ndjson`. The decision files are the truth: at start each day whose decision file is newer
 * than its usage file is counted again, so a crash between two saves loses nothing.
 */
export function openUsageRollup({ decisions, folder, instance, now }: Options): UsageRollup {
  mkdirSync(folder, { recursive: true });
  const days = new Map<string, Day>();
  let current = new Date(now()).toISOString().slice(0, 10);
  const dayOf = (key: string): Day => {
    let day = days.get(key);
    if (day === undefined) {
      day = { seq: null, records: 0, minutes: new Set(), earlier: 0, uses: new Map(), changed: true };
      days.set(key, day);
    }
    return day;
  };
  const add = (entry: Counted, seq: number, key: string) => {
    if ('stopped' in entry) return;
    const day = dayOf(key);
    if ('heartbeat' in entry) {
      day.minutes.add(entry.timestamp.slice(11, 16));
      day.changed = true;
      return;
    }
    const { timestamp } = entry;
    day.changed = true;
    // Whatever takes a number counts, so that none is missing.
    day.records += 1;
    if (day.seq === null) day.seq = [seq, seq];
    else day.seq[1] = seq;
    if ('event' in entry) return;
    const { result, status } = entry;
    const { operation } = entry.input;
    if (!result.allow || status === 429) return;
    for (const grant of result.grants) {
      let ofGrant = day.uses.get(grant);
      if (ofGrant === undefined) {
        ofGrant = new Map();
        day.uses.set(grant, ofGrant);
      }
      const use = ofGrant.get(operation);
      if (use === undefined)
        ofGrant.set(operation, { grant, operation, count: 1, first: timestamp, last: timestamp });
      else {
        use.count += 1;
        use.last = timestamp;
      }
    }
  };
  const fileOf = (day: string) => join(folder, `${day}.ndjson`);

  // A day that may still get lines must be known whole; later ones are there when the clock was set back.
  const counted = (name: string): boolean => {
    const saved = statSync(fileOf(name.slice(0, 10)), { throwIfNoEntry: false });
    return (
      name.slice(0, 10) < current &&
      saved !== undefined &&
      saved.mtimeMs > statSync(join(decisions, name)).mtimeMs
    );
  };
  const files = decisionFiles(decisions);
  // A day has several files when they grow large: it is counted from all of them or not at all.
  const again = new Set(files.filter((name) => !counted(name)).map((name) => name.slice(0, 10)));
  /** Day → the last number that its usage file vouches for, where the files with the numbers before are gone. */
  const seeded = new Map<string, number>();
  const seed = (key: string, first: number) => {
    const saved = existsSync(fileOf(key)) ? linesIn(fileOf(key)) : [];
    const head = saved.find((line) => 'coverage' in line)?.coverage;
    if (head === undefined || first <= head.seq[0]) return;
    const day = dayOf(key);
    Object.assign(day, {
      seq: head.records === 0 ? null : head.seq,
      records: head.records,
      earlier: head.minutes,
    });
    for (const line of saved) {
      if ('coverage' in line) continue;
      const { grant, operation, count, first: from, last } = line;
      const ofGrant = day.uses.get(grant) ?? new Map<string, Use>();
      day.uses.set(grant, ofGrant.set(operation, { grant, operation, count, first: from, last }));
    }
    seeded.set(key, head.seq[1]);
  };
  for (const name of files) {
    const key = name.slice(0, 10);
    if (!again.has(key)) continue;
    for (const line of readFileSync(join(decisions, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as LogEntry | Heartbeat | Stopped;
      if (!days.has(key)) seed(key, entry.seq);
      if (entry.seq > (seeded.get(key) ?? -1)) add(entry, entry.seq, key);
    }
  }

  const linesOf = (key: string, day: Day): UsageLine[] => [
    {
      day: key,
      instance,
      coverage: { seq: day.seq ?? [0, 0], records: day.records, minutes: day.earlier + day.minutes.size },
    },
    ...[...day.uses.values()]
      .flatMap((ofGrant) => [...ofGrant.values()])
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
      .map((use) => ({ day: key, instance, ...use })),
  ];
  const save = () => {
    for (const [key, day] of days) {
      if (day.changed) {
        const temporary = `${fileOf(key)}.${process.pid}.tmp`;
        writeFileSync(
          temporary,
          linesOf(key, day)
            .map((line) => `${JSON.stringify(line)}\n`)
            .join(''),
        );
        renameSync(temporary, fileOf(key));
        day.changed = false;
      }
      if (key < current) days.delete(key);
    }
  };
  save();

  return {
    add(entry, seq, day) {
      current = day;
      if (!days.has(day)) seed(day, seq);
      add(entry, seq, day);
    },
    save,
    lines(since) {
      save();
      return readdirSync(folder)
        .filter((name) => /^\d{4}-\d{2}-\d{2}\.ndjson$/.test(name) && name.slice(0, 10) >= since)
        .sort()
        .flatMap((name) => linesIn(join(folder, name)));
    },
  };
}
