import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dayOf } from '../../bundle/format/times.ts';
import { decisionFiles } from './decisionFiles.ts';
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
const perTurnMs = 2;
const pieceBytes = 256 * 1024;

const linesIn = (path: string): UsageLine[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as UsageLine);

function* pieces(path: string): Generator<Buffer> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const length = readSync(fd, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

/** The lines of a decision file. One that is none leaves its number out, which the roll-up then says is missing. */
function* entriesOf(path: string): Generator<LogEntry | Heartbeat | Stopped> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for (const piece of pieces(path)) {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const entry = line === '' ? null : entryOf(line);
      if (entry !== null) yield entry;
    }
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
  const days = new Map<string, UsageDay>();
  let current = dayOf(now() / 1000);
  const fileOf = (day: string) => join(folder, `${day}.ndjson`);
  /** Day → the last number that its usage file vouches for, where the files with the numbers before are gone. */
  const seeded = new Map<string, number>();
  const dayFrom = (key: string, first: number): UsageDay => {
    const known = days.get(key);
    if (known !== undefined) return known;
    const day = createUsageDay(key, instance);
    days.set(key, day);
    const saved = existsSync(fileOf(key)) ? linesIn(fileOf(key)) : [];
    const head = saved.find((line) => 'coverage' in line)?.coverage;
    if (head !== undefined && first > head.seq[0]) {
      day.restore(saved);
      seeded.set(key, head.seq[1]);
    }
    return day;
  };
  const add = (entry: Counted, seq: number, key: string) => {
    const takesNone = 'heartbeat' in entry || 'stopped' in entry;
    const day = dayFrom(key, takesNone ? seq + 1 : seq);
    if (takesNone || seq > (seeded.get(key) ?? -1)) day.add(entry, seq);
  };

  /** What is being written beside requests. */
  let saving: { abandon: () => void } | null = null;
  const save = () => {
    saving?.abandon();
    for (const [key, day] of days) {
      if (day.changed) {
        write(`${fileOf(key)}.${process.pid}.tmp`, day.lines());
        renameSync(`${fileOf(key)}.${process.pid}.tmp`, fileOf(key));
        day.saved();
      }
      if (key < current) {
        days.delete(key);
        seeded.delete(key);
      }
    }
  };

  const saveBeside = async () => {
    for (const [key, day] of [...days]) {
      if (!day.changed) continue;
      const path = `${fileOf(key)}.${process.pid}.turns.tmp`;
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
        const whole = await writeInTurns(path, day.freeze(), () => isOver);
        if (!whole || isOver) {
          rmSync(path, { force: true });
          return;
        }
        renameSync(path, fileOf(key));
        day.thaw();
        saving = null;
        if (key < current && !day.changed) {
          days.delete(key);
          seeded.delete(key);
        }
      } catch (error) {
        if (isOver) return;
        abandon();
        throw error;
      }
    }
  };

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
  for (const key of again) {
    for (const name of files.filter((file) => file.startsWith(key)))
      for (const entry of entriesOf(join(decisions, name))) add(entry, entry.seq, key);
    save();
  }

  function* piecesOf(names: readonly string[]) {
    for (const name of names) yield* pieces(join(folder, name));
  }
  let turns = 0;
  return {
    add(entry, seq, day) {
      current = day;
      add(entry, seq, day);
    },
    save,
    saveInTurn() {
      turns += 1;
      let lines = 0;
      for (const day of days.values()) lines += day.size;
      if (saving !== null || (days.size < 2 && turns * linesATurn < lines)) return null;
      turns = 0;
      if (lines > few) return saveBeside();
      save();
      return null;
    },
    texts(since) {
      save();
      const names = readdirSync(folder).filter((name) => /^\d{4}-\d{2}-\d{2}\.ndjson$/.test(name));
      return piecesOf(names.filter((name) => name.slice(0, 10) >= since).sort());
    },
  };
}

function write(path: string, lines: Iterable<UsageLine>): void {
  const fd = openSync(path, 'w');
  try {
    let text = '';
    const put = () => {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      text = '';
    };
    for (const line of lines) {
      text += `${JSON.stringify(line)}\n`;
      if (text.length > pieceBytes) put();
    }
    put();
  } finally {
    closeSync(fd);
  }
}

/** Says whether it came to its end. */
async function writeInTurns(
  path: string,
  lines: Iterable<UsageLine | null>,
  isOver: () => boolean,
): Promise<boolean> {
  const file = await open(path, 'w');
  try {
    let text = '';
    let beganMs = performance.now();
    for (const line of lines) {
      if (line !== null) text += `${JSON.stringify(line)}\n`;
      if (performance.now() - beganMs < perTurnMs) continue;
      if (text.length > pieceBytes) {
        await file.writeFile(text);
        text = '';
      } else await nextTurn();
      if (isOver()) return false;
      beganMs = performance.now();
    }
    await file.writeFile(text);
  } finally {
    await file.close();
  }
  return true;
}
