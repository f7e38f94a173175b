import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { filesOf } from './decisionFiles.ts';
import { lastPruned, manifestName } from './lastPruned.ts';
import type { Link } from './record.ts';

/** Binds an instance's files together: each begins with the digest of the one before it. */
export type Chain = {
  /** The file written last, which may be gone on with; null before the first. */
  readonly last: string | null;
  /** What a new file's first line says. Nothing has begun until something was written. */
  link(file: string): Link;
  /**
   * Bytes that are in the file now, which has `size` of them. They are hashed at once: that takes less than to keep them as
   * text until they are many, which each collection of young objects had to copy.
   */
  wrote(file: string, bytes: Uint8Array, size: number): void;
  /** Notes how far the chain has come; `ended` when nothing follows in this run. */
  note(ended?: boolean): void;
};

const pieceBytes = 256 * 1024;
const headBytes = 4096;

/** `digest` is known without `hash` of a file that cannot be appended to; null where neither tells. */
type Current = {
  file: string;
  place: number;
  bytes: number | null;
  hash: Hash | null;
  digest: string | null;
};

/**
 * Goes on after the last file in `home`, whose digest is that of its bytes as they lie there; torn lines have been cut off
 * by then. `kept` (a file in the state folder) tells of it when it was compressed, moved or deleted since.
 */
export function openChain(home: string, kept: string | undefined): Chain {
  let current = lastOf(home, kept === undefined ? null : readNote(kept));
  let begun: { file: string; place: number } | null = null;
  let noted = '';

  const digest = () => current?.hash?.copy().digest('hex') ?? current?.digest ?? null;
  return {
    get last() {
      return current?.file ?? null;
    },
    link(file) {
      begun = { file, place: (current?.place ?? 0) + 1 };
      const previous =
        current === null ? null : { file: current.file, sha256: digest(), bytes: current.bytes };
      return { place: begun.place, previous, notes: notesIn(home) };
    },
    wrote(file, bytes, size) {
      if (begun !== null && begun.file === file) {
        current = { ...begun, bytes: 0, hash: createHash('sha256'), digest: null };
        begun = null;
      }
      if (current === null) return;
      current.hash?.update(bytes);
      current.bytes = size;
    },
    note(ended = false) {
      if (kept === undefined || current === null) return;
      const { place, file, bytes } = current;
      const text = JSON.stringify(
        ended ? { place, file, sha256: digest(), bytes } : { place, file, sha256: null, bytes: null },
      );
      if (text === noted) return;
      mkdirSync(dirname(kept), { recursive: true });
      writeFileSync(`${kept}.${process.pid}.tmp`, text);
      renameSync(`${kept}.${process.pid}.tmp`, kept);
      noted = text;
    },
  };
}

type Note = { place: number; file: string; sha256: string | null; bytes: number | null };

/** Files tell as well, so a note that cannot be read is none. */
function readNote(path: string): Note | null {
  try {
    const {
      place,
      file,
      sha256 = null,
      bytes = null,
    } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>;
    return Number.isSafeInteger(place) && typeof file === 'string'
      ? { place: Number(place), file, sha256, bytes }
      : null;
  } catch {
    return null;
  }
}

function lastOf(home: string, note: Note | null): Current | null {
  const files = filesOf(home);
  const newest = files.at(-1);
  let last: { name: string; place: number } | null = null;
  for (const file of files) {
    if (!file.open && file !== newest) continue;
    const place = placeIn(join(home, file.name));
    // Of files without a header, as older versions wrote them, the newest is the last.
    if (place !== null && place >= (last?.place ?? 0)) last = { name: file.name, place };
  }
  const pruned = lastPruned(home);
  if (pruned !== null && pruned.place >= (note?.place ?? 0) && pruned.place > (last?.place ?? -1))
    return { ...pruned, hash: null, digest: pruned.sha256 };
  if (note !== null && note.place > (last?.place ?? -1))
    return { file: note.file, place: note.place, bytes: note.bytes, hash: null, digest: note.sha256 };
  if (last === null) return null;
  const { hash, bytes } = hashOf(join(home, last.name));
  return { file: last.name.replace(/\.(?:gz|zst)$/, ''), place: last.place, bytes, hash, digest: null };
}

/** A file's place by its first line: 0 where it has no header, null where it has no line. */
function placeIn(path: string): number | null {
  const head = firstBytes(path);
  const end = head.indexOf('\n');
  if (end < 0) return head === '' ? null : 0;
  try {
    const { chain } = JSON.parse(head.slice(0, end)) as { chain?: { place?: unknown } };
    return typeof chain?.place === 'number' ? chain.place : 0;
  } catch {
    return 0;
  }
}

function firstBytes(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(path.endsWith('.ndjson') ? headBytes : pieceBytes);
    const read = bytes.subarray(0, readSync(fd, bytes));
    if (path.endsWith('.gz')) return gunzipSync(read, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    if (path.endsWith('.zst')) return unpacked(path)?.subarray(0, headBytes).toString() ?? '';
    return read.toString();
  } catch {
    return '';
  } finally {
    closeSync(fd);
  }
}

/** A compressed file's content; null where it cannot be unpacked. Files end at 256 MiB. */
function unpacked(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path);
    return path.endsWith('.gz') ? gunzipSync(bytes) : zstdDecompressSync(bytes);
  } catch {
    return null;
  }
}

function hashOf(path: string): { hash: Hash | null; bytes: number | null } {
  const hash = createHash('sha256');
  if (!path.endsWith('.ndjson')) {
    const content = unpacked(path);
    return content === null
      ? { hash: null, bytes: null }
      : { hash: hash.update(content), bytes: content.length };
  }
  const fd = openSync(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let bytes = 0; ; ) {
      const read = readSync(fd, piece);
      if (read === 0) return { hash, bytes };
      hash.update(piece.subarray(0, read));
      bytes += read;
    }
  } finally {
    closeSync(fd);
  }
}

/** How far the manifest goes and its digest, whole lines only; null while there is none. */
function notesIn(home: string): Link['notes'] {
  const path = join(home, manifestName);
  if (!existsSync(path) || statSync(path).size === 0) return null;
  const bytes = readFileSync(path);
  const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
  return { bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') };
}
