import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dayOf } from '../../bundle/format/times.ts';
import { decisionFiles } from './decisionFiles.ts';
import { readLines, readPieces, writeLines, writeLinesInTurns } from './lineFile.ts';
import type { Heartbeat, LogEntry, Stopped } from './record.ts';
import { type Counted, createUsageDay, type UsageDay } from './usageDay.ts';
import type { UsageLine } from './usageLine.ts';

/** Usage per day: grant × operation → count, first and last use, busiest minute; and what of the day it vouches for. */
export type UsageRollup = {
  /**
   * Counts a line of the decision file of `day`, with the number it took (a heartbeat: the last one taken). The file's day counts, not the line's: around midnight they differ,
   * and each day must come out the same whenever it is counted.
   */
  add(entry: Counted, seq: number, day: string): void;
  /** Writes what changed. */
  save(): void;
  /**
   * The same once a minute: a large day less often, as the decision files make up for what was not saved, and beside
   * requests: then a promise of it, else null.
   */
  saveInTurn(): Promise<void> | null;
  /** The stored and current days from `since` (YYYY-MM-DD) on, oldest first, in pieces of text. */
  texts(since: string): Generator<Buffer>;
};

type Options = { decisions: string; folder: string; instance: string; now: () => number };

/** So many lines are written within the time that a turn may take. */
const linesATurn = 5000;
/** So few are written at once. */
const few = 500;

const linesIn = (path: string): UsageLine[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as UsageLine);

/** The lines of a decision file. One that is none leaves its number out, which the roll-up then says is missing. */
function* entriesOf(path: string): Generator<LogEntry | Heartbeat | Stopped> {
  for (const line of readLines(path)) {
    const entry = entryOf(line);
    if (entry !== null) yield entry;
  }
}

/** What a line says; null where it is none that counts. */
export function entryOf(line: string): LogEntry | Heartbeat | Stopped | null {
  try {
    const entry = JSON.parse(line) as LogEntry | Heartbeat | Stopped;
    const { seq, timestamp } = entry;
    if (!Number.isSafeInteger(seq) || typeof timestamp !== 'string') return null;
    const isDecision = !('heartbeat' in entry || 'stopped' in entry || 'event' in entry);
    return isDecision && (!entry.input || !Array.isArray(entry.result?.grants)) ? null : entry;
  } catch {
    return null;
  }
}

/**
 * Keeps `folder/YYYY-MM-DD.ndjson`. The decision files are the truth: at start each day whose decision file is newer
 * than its usage file is counted again, so a crash between two saves loses nothing.
 */
export function openUsageRollup({ decisions, folder, instance, now }: Options): UsageRollup {
  mkdirSync(folder, { recursive: true });
  let current = dayOf(now() / 1000);
  const days = createDays(folder, instance);
  const saves = createSaves(days, () => current);
  const files = decisionFiles(decisions);
  for (const key of daysToCount({ decisions, folder, files, current })) {
    for (const name of files.filter((file) => file.startsWith(key)))
      for (const entry of entriesOf(join(decisions, name))) days.add(entry, entry.seq, key);
    saves.save();
  }
  let turns = 0;
  return {
    add(entry, seq, day) {
      current = day;
      days.add(entry, seq, day);
    },
    save: saves.save,
    saveInTurn() {
      turns += 1;
      let lines = 0;
      for (const day of days.all.values()) lines += day.size;
      if (saves.busy() || (days.all.size < 2 && turns * linesATurn < lines)) return null;
      turns = 0;
      if (lines > few) return saves.saveInTurns();
      saves.save();
      return null;
    },
    texts(since) {
      saves.save();
      const names = readdirSync(folder).filter((name) => /^\d{4}-\d{2}-\d{2}\.ndjson$/.test(name));
      return piecesOf(folder, names.filter((name) => name.slice(0, 10) >= since).sort());
    },
  };
}

function* piecesOf(folder: string, names: readonly string[]): Generator<Buffer> {
  for (const name of names) yield* readPieces(join(folder, name));
}

/**
 * The days that must be counted again. One that may still get lines must be known whole; later ones are there when the
 * clock was set back. A day has several files when they grow large: it is counted from all of them or not at all.
 */
function daysToCount({
  decisions,
  folder,
  files,
  current,
}: {
  decisions: string;
  folder: string;
  files: readonly string[];
  current: string;
}): Set<string> {
  const isCounted = (name: string): boolean => {
    const day = name.slice(0, 10);
    const saved = statSync(join(folder, `${day}.ndjson`), { throwIfNoEntry: false });
    return day < current && saved !== undefined && saved.mtimeMs > statSync(join(decisions, name)).mtimeMs;
  };
  return new Set(files.filter((name) => !isCounted(name)).map((name) => name.slice(0, 10)));
}

/** The days that are counted at the moment, each with its file. */
type Days = {
  readonly all: ReadonlyMap<string, UsageDay>;
  fileOf(key: string): string;
  add(entry: Counted, seq: number, key: string): void;
  drop(key: string): void;
};

function createDays(folder: string, instance: string): Days {
  const all = new Map<string, UsageDay>();
  /** Day → the last number that its usage file vouches for, where the files with the numbers before are gone. */
  const seeded = new Map<string, number>();
  const fileOf = (key: string) => join(folder, `${key}.ndjson`);
  const dayFrom = (key: string, first: number): UsageDay => {
    const known = all.get(key);
    if (known !== undefined) return known;
    const day = createUsageDay(key, instance);
    all.set(key, day);
    const saved = existsSync(fileOf(key)) ? linesIn(fileOf(key)) : [];
    const head = saved.find((line) => 'coverage' in line)?.coverage;
    if (head !== undefined && first > head.seq[0]) {
      day.restore(saved);
      seeded.set(key, head.seq[1]);
    }
    return day;
  };
  return {
    all,
    fileOf,
    add(entry, seq, key) {
      const takesNone = 'heartbeat' in entry || 'stopped' in entry;
      const day = dayFrom(key, takesNone ? seq + 1 : seq);
      if (takesNone || seq > (seeded.get(key) ?? -1)) day.add(entry, seq);
    },
    drop(key) {
      all.delete(key);
      seeded.delete(key);
    },
  };
}

/** Writes the days that changed, each as a whole: at once, or beside requests, which a save at once breaks off. */
function createSaves(days: Days, current: () => string) {
  /** What is being written beside requests. */
  let saving: { abandon: () => void } | null = null;

  const saveDayInTurns = async (key: string, day: UsageDay): Promise<boolean> => {
    const file = days.fileOf(key);
    const path = `${file}.${process.pid}.turns.tmp`;
    let isOver = false;
    const abandon = () => {
      isOver = true;
      saving = null;
      day.thaw();
      day.unsaved();
      rmSync(path, { force: true });
    };
    saving = { abandon };
    day.saved();
    try {
      const whole = await writeLinesInTurns(path, day.freeze(), () => isOver);
      if (!whole || isOver) {
        rmSync(path, { force: true });
        return false;
      }
      renameSync(path, file);
      day.thaw();
      saving = null;
      if (key < current() && !day.changed) days.drop(key);
      return true;
    } catch (error) {
      if (isOver) return false;
      abandon();
      throw error;
    }
  };

  return {
    busy: () => saving !== null,
    save() {
      saving?.abandon();
      for (const [key, day] of days.all) {
        if (day.changed) {
          const path = `${days.fileOf(key)}.${process.pid}.tmp`;
          writeLines(path, day.lines());
          renameSync(path, days.fileOf(key));
          day.saved();
        }
        if (key < current()) days.drop(key);
      }
    },
    async saveInTurns() {
      for (const [key, day] of [...days.all]) if (day.changed && !(await saveDayInTurns(key, day))) return;
    },
  };
}
