import { closeSync, fstatSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { dayOf } from '../../bundle/format/times.ts';
import { type Chain, openChain } from './chain.ts';
import { nextFile } from './decisionFiles.ts';
import { appendWhole, assertRoom, createBytesOf, isThere } from './lineFile.ts';
import { takeLock } from './lockFile.ts';
import type { Heartbeat, Stopped, StreamClosed } from './record.ts';
import { createRecordLine, type NewRecord } from './recordLine.ts';
import { openSequence } from './sequence.ts';
import { createSyncLater, type SyncLater } from './syncLater.ts';
import type { Counted } from './usageDay.ts';
import { openUsageRollup, type UsageRollup } from './usageRollup.ts';

/** Past this size a day goes on in a further file. */
const fileBytes = 256 * 1024 * 1024;

/** The log cannot be opened or written. Codes: `decisions-in-use`, `decisions-unwritable`. */
export class RecordError extends Error {
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RecordError';
    this.code = code;
  }
}

/** Appends decision records. Records of one event-loop turn go down in one write. */
export type RecordWriter = {
  readonly instance: string;
  /** The usage of the current and recent days, or null when no usage folder is kept. */
  readonly usage: UsageRollup | null;
  /**
   * Takes the record into the turn's batch and gives it its `seq`. `written` is called after the batch is in the
   * file (with null) or could not be written (with the error); nothing that depends on the record may happen before.
   */
  write(record: NewRecord, written?: (error: Error | null) => void): void;
  /** The same for the end of a stream. */
  writeClosed(record: Omit<StreamClosed, 'instance' | 'seq'>, written?: (error: Error | null) => void): void;
  heartbeat(): void;
  /** Why nothing can be written; null while all can. */
  readonly fault: RecordError | null;
  /**
   * Looks whether there is room: where there is none a fault begins, and one ends where a heartbeat can be written too. To
   * be called every minute, and every second while there is a fault: a load balancer sends no request then that would try.
   */
  probe(): void;
  /** Writes the batch now. */
  flush(): void;
  /** Writes the batch and, where anything was written, that the instance stopped: its silence from now on is no gap. */
  close(): void;
};

type Options = {
  folder: string;
  usage?: string;
  /** The state folder, which keeps the last `seq` when files are moved away; left out, the files alone tell. */
  state?: string | undefined;
  instance: string;
  now: () => number;
  /** The usage rollup could not be saved; the records it is counted from are not touched by that. */
  onUsageFailure?: (error: unknown) => void;
  /** A batch is in the file: the milliseconds since its first record was taken. */
  onWritten?: (milliseconds: number) => void;
  /** Hears when nothing can be written any more, and (null) when all can again. */
  onFault?: (fault: RecordError | null) => void;
  /** Hears of the lines of decisions and closed streams that have just been written. */
  onLines?: (lines: readonly string[]) => void;
  /** How files that are complete get to the disk. */
  syncLater?: SyncLater;
};
/** `gone`: what is in the folder by this name is no longer the file that is open. */
type File = { fd: number; name: string; day: string; size: number; gone?: boolean };
type Pending = {
  line: string;
  /** What the usage is counted from. */
  entry: Counted;
  seq: number;
  written: ((error: Error | null) => void) | undefined;
};

/**
 * Opens `folder/INSTANCE/YYYY-MM-DD[-N].ndjson` for appending and goes on after the last `seq` found there. A line
 * torn by a crash is cut off: its request was never forwarded, as that happens after the write.
 * Throws RecordError when the folder cannot be written or another process holds the instance's name.
 */
export function openRecordWriter(options: Options): RecordWriter {
  const { folder, usage, state, instance, now, onUsageFailure, onWritten, onFault, onLines } = options;
  const { syncLater = createSyncLater() } = options;
  const home = join(folder, instance);
  const release = claimed(home, instance);
  const { sequence, chain } = openOrRelease(home, instance, state, release);
  let seq = sequence.last;
  const recordLine = createRecordLine(instance);
  const bytesOf = createBytesOf();
  const rollup =
    usage === undefined
      ? null
      : openUsageRollup({ decisions: home, folder: join(usage, instance), instance, now });
  let file: File | null = null;
  let batch: Pending[] = [];
  let scheduled = false;
  let begunMs = 0;
  /** The last number in a file. */
  let written = seq;
  let fault: RecordError | null = null;
  /** Whether to look if the open file is still the one in the folder: with each heartbeat, and where it could not be written. */
  let doubtful = false;

  const openingLine = (name: string): Heartbeat => {
    const timestamp = new Date(now()).toISOString();
    return { heartbeat: true, timestamp, instance, seq: written, chain: chain.link(name) };
  };
  /** Writes a batch behind what is in the file, or begins the next file with it. Throws where not all of it is there. */
  const put = (taken: readonly Pending[]) => {
    if (doubtful && file !== null) file.gone = !isThere(join(home, file.name), file);
    doubtful = false;
    // Of a file that did not get to the disk somebody must hear: so these are turned away, as if it had been waited for.
    syncLater.assertFlushed();
    const next = fileFor(home, now(), file, chain);
    const before = next === file ? null : file;
    file = next;
    if (before !== null) syncLater.close(before.fd);
    const opening = file.size === 0 ? openingLine(file.name) : null;
    let text = opening === null ? '' : `${JSON.stringify(opening)}\n`;
    for (const { line } of taken) text += line;
    sequence.before(taken.at(-1)?.seq ?? seq, file.name);
    const bytes = bytesOf(text);
    appendWhole(file, bytes);
    chain.wrote(file.name, bytes, file.size);
    if (opening !== null) rollup?.add(opening, written, file.day);
    written = taken.at(-1)?.seq ?? written;
    if (rollup !== null) for (const one of taken) rollup.add(one.entry, one.seq, file.day);
  };
  const failed = (taken: readonly Pending[], cause: unknown): RecordError => {
    const message = `the decision log in ${home} could not be written`;
    const failure = new RecordError('decisions-unwritable', message, cause);
    // Their requests are turned away: a gap would say that decisions were made whose records are lost.
    seq -= taken.filter(({ entry }) => takesNumber(entry)).length;
    doubtful = true;
    if (fault === null) onFault?.(failure);
    fault = failure;
    return failure;
  };
  const flush = () => {
    scheduled = false;
    if (batch.length === 0) return;
    const taken = batch;
    batch = [];
    let failure: RecordError | null = null;
    try {
      put(taken);
      onWritten?.(performance.now() - begunMs);
    } catch (error) {
      failure = failed(taken, error);
    }
    for (const one of taken) one.written?.(failure);
    if (failure === null && onLines !== undefined)
      onLines(taken.filter(({ entry }) => takesNumber(entry)).map(({ line }) => line));
  };
  const queue = (item: Pending) => {
    batch.push(item);
    // setImmediate runs after all sockets readable in this turn were served: one write for all their decisions.
    if (!scheduled) {
      scheduled = true;
      begunMs = performance.now();
      setImmediate(flush);
    }
  };

  const beat = () => {
    const line: Heartbeat = { heartbeat: true, timestamp: new Date(now()).toISOString(), instance, seq };
    queue({ line: `${JSON.stringify(line)}\n`, entry: line, seq, written: undefined });
  };

  return {
    instance,
    usage: rollup,
    get fault() {
      return fault;
    },
    write(record, done) {
      seq += 1;
      queue({ line: recordLine(record, seq), entry: record, seq, written: done });
    },
    writeClosed(record, done) {
      seq += 1;
      const { timestamp, decision_id, ...rest } = record;
      const full: StreamClosed = { timestamp, decision_id, instance, seq, ...rest };
      queue({ line: `${JSON.stringify(full)}\n`, entry: record, seq, written: done });
    },
    heartbeat() {
      beat();
      doubtful = true;
      // The files are the truth, so this can be made up for; a full disk must not end the process.
      try {
        if (file !== null) sequence.note(written);
        chain.note();
        rollup?.saveInTurn()?.catch((error: unknown) => onUsageFailure?.(error));
      } catch (error) {
        onUsageFailure?.(error);
      }
    },
    probe() {
      const before = fault;
      try {
        assertRoom(join(home, '.room'));
      } catch (error) {
        failed([], error);
        return;
      }
      if (before === null) return;
      beat();
      flush();
      if (fault !== before) return;
      fault = null;
      onFault?.(null);
    },
    flush,
    close() {
      try {
        flush();
        if (file !== null) {
          const timestamp = new Date(now()).toISOString();
          const stopped: Stopped = { stopped: true, timestamp, instance, seq };
          queue({ line: `${JSON.stringify(stopped)}\n`, entry: stopped, seq, written: undefined });
          flush();
          sequence.note(seq, true);
          chain.note(true);
        }
        rollup?.save();
        if (file !== null) closeFile(file.fd);
        syncLater.finish();
      } finally {
        file = null;
        release();
      }
    },
  };
}

const takesNumber = (entry: Counted) => !('heartbeat' in entry) && !('stopped' in entry);

function openOrRelease(home: string, instance: string, state: string | undefined, release: () => void) {
  const kept = (what: string) => (state === undefined ? undefined : join(state, what, instance));
  try {
    // First the sequence: it cuts off what a crash has torn.
    const sequence = openSequence(home, kept('seq'));
    return { sequence, chain: openChain(home, kept('chain')) };
  } catch (error) {
    release();
    throw new RecordError('decisions-unwritable', `the sequence of ${home} cannot be gone on with`, error);
  }
}

/** One process per instance name: two would give out the same `seq` twice. */
function claimed(home: string, instance: string): () => void {
  let lock: ReturnType<typeof takeLock>;
  try {
    lock = takeLock(join(home, '.lock'));
  } catch (error) {
    throw new RecordError(
      'decisions-unwritable',
      `the folder of the decision log cannot be written: ${home}`,
      error,
    );
  }
  if ('release' in lock) return lock.release;
  throw new RecordError(
    'decisions-in-use',
    `process ${lock.holder} already writes decisions as instance "${instance}"; give each gateway an instance name of its own`,
  );
}

/** What a clock may be set back by over midnight, in milliseconds, and the new day goes on. */
const midnightMs = 3_600_000;

/**
 * The file to append to. A day that has begun goes on where the clock is set back a little; one that was begun as the
 * clock was days ahead ends with that: its roll-up speaks of no other days.
 */
function fileFor(home: string, nowMs: number, open: File | null, chain: Chain): File {
  const today = dayOf(nowMs / 1000);
  const goesOn = open !== null && open.day > today && Date.parse(open.day) - nowMs < midnightMs;
  const day = goesOn ? open.day : today;
  if (open?.gone !== true && open?.day === day && open.size < fileBytes) return open;
  const name = nextFile(home, day, open !== null && open.day === day, chain.last);
  const fd = openSync(join(home, name), 'a', 0o640);
  return { fd, name, day, size: fstatSync(fd).size };
}

function closeFile(fd: number): void {
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
