import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isCode } from '../../bundle/format/isCode.ts';
import { decisionFiles } from './decisionFiles.ts';
import { lastPruned } from './lastPruned.ts';

/** Gives an instance its numbers for ever: none comes twice, over restarts, rotation and clean-up of files. */
export type Sequence = {
  /** The last number given out before this start. */
  readonly last: number;
  /** Before a line is appended: notes the file, and once in many numbers how far they may go. */
  before(seq: number, file: string): void;
  /** The last number written so far; `ended` when none follows in this run. */
  note(seq: number, ended?: boolean): void;
};

/** Numbers that may be given out before the note is written again. */
const ahead = 100_000;

type Note = { seq: number; reserved: number; file: string | null; ended: boolean };

/**
 * Files may be compressed, moved or deleted between two runs, so they alone do not tell the last number: `kept` (a file
 * in the state folder) does. After a crash whose last file is gone too, counting goes on past all numbers that may have
 * been given out: a gap is evidence that something is missing, a number given twice would hide it.
 */
export function openSequence(home: string, kept: string | undefined): Sequence {
  const known = kept === undefined ? null : readNote(kept);
  const inFiles = lastSeq(home);
  const last = known === null ? inFiles : Math.max(inFiles, lastGiven(known, home, inFiles));
  let current: Note = { seq: last, reserved: known === null ? -1 : 0, file: null, ended: false };
  const save = (note: Note) => {
    current = note;
    if (kept === undefined) return;
    mkdirSync(dirname(kept), { recursive: true });
    const temporary = `${kept}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify(note));
    renameSync(temporary, kept);
  };
  return {
    last,
    before(seq, file) {
      if (file === current.file && seq <= current.reserved) return;
      const written = file === current.file ? current.seq : Math.max(current.seq, last);
      save({ seq: written, reserved: seq + ahead, file, ended: false });
    },
    note(seq, ended = false) {
      if (seq !== current.seq || ended) save({ ...current, seq, reserved: seq + ahead, ended });
    },
  };
}

function lastGiven({ seq, reserved, file, ended }: Note, home: string, inFiles: number): number {
  if (ended) return seq;
  const there = file !== null && (existsSync(join(home, file)) || lastPruned(home)?.file === file);
  const whole = there && inFiles >= seq;
  return whole ? inFiles : reserved;
}

function readNote(path: string): Note | null {
  let value: Partial<Note>;
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
  const { seq, reserved, file = null, ended } = value;
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(reserved))
    throw new Error(`${path} does not say how far the sequence of the decision log has come`);
  return { seq: Number(seq), reserved: Number(reserved), file, ended: ended === true };
}

/** The last `seq` in the files, pruned ones too. Looks at each: after a clock was set back, the newest is not the last one written. */
function lastSeq(home: string): number {
  return decisionFiles(home).reduce(
    (last, name) => Math.max(last, lastSeqOf(join(home, name))),
    lastPruned(home)?.seq ?? 0,
  );
}

/** The `seq` of a file's last line; cuts off a torn one. */
function lastSeqOf(path: string): number {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    // A line may be long: a token may carry hundreds of groups.
    for (let window = 64 * 1024; ; window *= 8) {
      const tail = Buffer.alloc(Math.min(size, window));
      readSync(fd, tail, 0, tail.length, size - tail.length);
      const end = tail.lastIndexOf(0x0a) + 1;
      const start = end < 2 ? 0 : tail.lastIndexOf(0x0a, end - 2) + 1;
      if (start === 0 && tail.length < size) continue;
      if (end < tail.length) truncateSync(path, size - tail.length + end);
      if (end === 0) return 0;
      const { seq } = JSON.parse(tail.subarray(start, end).toString()) as { seq?: unknown };
      return typeof seq === 'number' ? seq : 0;
    }
  } finally {
    closeSync(fd);
  }
}
