import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';

const perTurnMs = 2;
const pieceBytes = 256 * 1024;

/** The bytes of a file, piece by piece. */
export function* readPieces(path: string): Generator<Buffer> {
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

/** The lines of a file that end in a line feed, without it; empty ones are left out. */
export function* readLines(path: string): Generator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for (const piece of readPieces(path)) {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}

/** Writes each value as a line of JSON, all in this turn of the event loop. */
export function writeLines(path: string, values: Iterable<object>): void {
  const fd = openSync(path, 'w');
  try {
    let text = '';
    const put = () => {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      text = '';
    };
    for (const value of values) {
      text += `${JSON.stringify(value)}\n`;
      if (text.length > pieceBytes) put();
    }
    put();
  } finally {
    closeSync(fd);
  }
}

/**
 * The same beside requests: no turn is held up for long. Null stands for a place where a turn may end. Resolves with
 * whether it came to its end before `isOver`.
 */
export async function writeLinesInTurns(
  path: string,
  values: Iterable<object | null>,
  isOver: () => boolean,
): Promise<boolean> {
  const file = await open(path, 'w');
  try {
    let text = '';
    let beganMs = performance.now();
    for (const value of values) {
      if (value !== null) text += `${JSON.stringify(value)}\n`;
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

/** Writes text as bytes that are good until the next call: most batches fit into memory that is there for all of them. */
export function createBytesOf(): (text: string) => Buffer {
  const room = Buffer.allocUnsafeSlow(256 * 1024);
  // No character takes more than three bytes.
  return (text) => (text.length * 3 <= room.length ? room.subarray(0, room.write(text)) : Buffer.from(text));
}

type Open = { fd: number; size: number; torn?: boolean };

/**
 * All or nothing: a batch cut short (disk full) is taken back, so that no half line stands in the middle of a file; at
 * the next write, where a disk that has become read-only does not even allow that.
 */
export function appendWhole(file: Open, bytes: Buffer): void {
  let done = 0;
  try {
    if (file.torn === true) cut(file);
    while (done < bytes.length) done += writeSync(file.fd, bytes, done);
  } catch (error) {
    if (done > 0) cut(file);
    throw error;
  }
  file.size += bytes.length;
}

function cut(file: Open): void {
  file.torn = true;
  ftruncateSync(file.fd, file.size);
  file.torn = false;
}

/**
 * Whether an open file is the one at its path, as long as it was left. One that somebody has removed, or put another in
 * place of, would take lines that nobody reads.
 */
export function isThere(path: string, { fd, size }: Open): boolean {
  try {
    const [open, there] = [fstatSync(fd), statSync(path)];
    return open.ino === there.ino && open.dev === there.dev && there.size >= size;
  } catch {
    return false;
  }
}

/** Throws what the file system says while there is no room for some lines: a short one may fit where the next does not. */
export function assertRoom(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(pieceBytes));
  } finally {
    rmSync(path, { force: true });
  }
}
