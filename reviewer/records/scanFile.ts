import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { Link } from '../../gateway/record/record.ts';
import { readLines } from './readLines.ts';

/** Numbers that one line leaves out, or gives out again (`to` is less than `from` then), before the line at `line`. */
export type Jump = { from: number; to: number; line: number };

/** What a decision file holds, by its content: compressed or not. */
export type FileFacts = {
  path: string;
  /** As it was written, without what compresses it. */
  name: string;
  /** The day in its name, YYYY-MM-DD; null where there is none. */
  day: string | null;
  instance: string;
  /** What its header says; null where it has none. */
  chain: Link | null;
  sha256: string;
  bytes: number;
  lines: number;
  /** Lines that took a number. */
  records: number;
  /** The number that was due when it began, and the last one given out in it; null where no line tells. */
  seq: readonly [due: number, last: number] | null;
  jumps: readonly Jump[];
  /** The first whole line that has no number at all. */
  malformed: number | null;
  /** It ends in the middle of a line. */
  torn: boolean;
};

type Line = { seq: number; taken: boolean; instance: unknown; chain: unknown };

/** How our own decisions begin: faster than parsing them. */
const ours =
  /^\{"timestamp":"[^"\\]*","decision_id":"[^"\\]*","instance":"(?:[^"\\]|\\.)*","seq":(\d{1,15}),"path":/;
const most = 1000;

/** Reads a file to its end; `each` is given its whole lines. Throws what reading or unpacking it does. */
export async function scanFile(path: string, each: (line: Buffer) => void = () => {}): Promise<FileFacts> {
  const hash = createHash('sha256');
  const found = { bytes: 0, lines: 0, records: 0, malformed: null as number | null, torn: false };
  const jumps: Jump[] = [];
  let [due, last] = [-1, -1];
  let instance: string | null = null;
  let chain: Link | null = null;
  const seen = (piece: Buffer) => {
    hash.update(piece);
    found.bytes += piece.length;
  };
  for await (const lines of readLines(path, seen))
    for (const bytes of lines) {
      if (bytes.at(-1) !== 0x0a) {
        found.torn = true;
        continue;
      }
      found.lines += 1;
      each(bytes);
      // The first lines are asked for more than their numbers.
      const line: Line | null = instance === null ? lineOf(bytes) : (quickLine(bytes) ?? lineOf(bytes));
      if (line === null) {
        if (bytes.length > 1) found.malformed ??= found.lines;
        continue;
      }
      if (instance === null && typeof line.instance === 'string') instance = line.instance;
      if (found.lines === 1 && isLink(line.chain)) chain = line.chain;
      const { seq, taken } = line;
      if (last < 0) due = taken ? seq : seq + 1;
      else if ((taken ? seq !== last + 1 : seq !== last) && jumps.length < most)
        jumps.push({ from: last + 1, to: taken ? seq - 1 : seq, line: found.lines });
      if (taken) found.records += 1;
      last = seq;
    }
  const name = basename(path).replace(/\.(?:gz|zst)$/, '');
  return {
    ...{ path, name, chain, jumps, ...found },
    day: /^\d{4}-\d{2}-\d{2}(?=[-.])/.exec(name)?.[0] ?? null,
    instance: instance ?? basename(dirname(path)),
    sha256: hash.digest('hex'),
    seq: last < 0 ? null : [due, last],
  };
}

function quickLine(bytes: Buffer): Line | null {
  const seq = ours.exec(bytes.toString('latin1', 0, 400))?.[1];
  return seq === undefined ? null : { seq: Number(seq), taken: true, instance: null, chain: null };
}

function lineOf(bytes: Buffer): Line | null {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value !== 'object' || value === null || !('seq' in value)) return null;
    const { seq } = value;
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return null;
    return {
      seq,
      taken: !('heartbeat' in value || 'stopped' in value),
      instance: 'instance' in value ? value.instance : null,
      chain: 'chain' in value ? value.chain : null,
    };
  } catch {
    return null;
  }
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false;
  const { place, previous, notes } = value as Partial<Link>;
  if (typeof place !== 'number' || !Number.isSafeInteger(place) || place < 1) return false;
  if (previous === undefined || notes === undefined) return false;
  return (
    (previous === null ||
      (typeof previous === 'object' &&
        typeof previous.file === 'string' &&
        (previous.sha256 === null || typeof previous.sha256 === 'string'))) &&
    (notes === null || (typeof notes === 'object' && Number.isSafeInteger(notes.bytes)))
  );
}

/** What a file's first line says: of its place null where it has no header, of its instance where it names none. */
export async function headOf(path: string): Promise<{ chain: Link | null; instance: string | null }> {
  try {
    for await (const [first] of readLines(path)) {
      const line = first === undefined ? null : lineOf(first);
      if (line === null) break;
      const instance = typeof line.instance === 'string' ? line.instance : null;
      return { chain: isLink(line.chain) ? line.chain : null, instance };
    }
  } catch {
    // What reads it whole says why.
  }
  return { chain: null, instance: null };
}
