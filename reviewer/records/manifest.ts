import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../../bundle/format/digest.ts';
import { manifestName } from '../../gateway/record/lastPruned.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const link = z.object({
  place: z.int().min(1),
  previous: z
    .object({ file: z.string(), sha256: digest.nullable(), bytes: z.int().min(0).nullable() })
    .nullable(),
  notes: z.object({ bytes: z.int().min(0), sha256: digest }).nullable(),
});
const pruned = z.object({
  file: z.string(),
  day: z.string(),
  sha256: digest,
  bytes: z.int().min(0),
  lines: z.int().min(0),
  records: z.int().min(0),
  /** The number that was due when it began, and the last one given out in it; null where no line tells. */
  seq: z.tuple([z.int().min(0), z.int().min(0)]).nullable(),
  /** Its own header's; null where it had none. */
  chain: link.nullable(),
  /** SHA-256 of the roll-up that is left of its day. */
  rollup: digest,
});
const erased = z.object({
  file: z.string(),
  before: digest,
  after: digest,
  lines: z.int().min(1),
  pseudonym: z.string(),
});
const common = {
  instance: z.string().min(1),
  at: z.iso.datetime(),
  /** SHA-256 of the line before it; null in the first. */
  previous: digest.nullable(),
};
const noteForm = z.union([z.object({ ...common, pruned }), z.object({ ...common, erased })]);

export type Pruned = z.output<typeof pruned>;
export type Erased = z.output<typeof erased>;
/** What was done to a decision file, without what binds it to the notes before it. */
export type NewNote = { pruned: Pruned } | { erased: Erased };

/** The notes beside an instance's decision files. Whoever takes one out, or alters it, breaks the ones after it. */
export type Manifest = {
  path: string;
  /** Null while there is no note. */
  instance: string | null;
  pruned: readonly Pruned[];
  erased: readonly Erased[];
  /** Whole lines only: what a crash tore off was followed by nothing. */
  bytes: Buffer;
  /** The first line that is no note, or does not follow from the one before it; null where all do. */
  broken: number | null;
};

/** Reads the manifest at `path`; one that is not there has no notes. */
export function readManifest(path: string): Manifest {
  const all = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const bytes = all.subarray(0, all.lastIndexOf('\n') + 1);
  const found = { path, instance: null as string | null, bytes, broken: null as number | null };
  const lists = { pruned: [] as Pruned[], erased: [] as Erased[] };
  let previous: string | null = null;
  for (const [index, text] of bytes.toString().split('\n').slice(0, -1).entries()) {
    const note = parsed(text);
    if (note === null || note.previous !== previous || (found.instance ?? note.instance) !== note.instance) {
      found.broken ??= index + 1;
      if (note === null) continue;
    }
    previous = sha256(text);
    found.instance ??= note.instance;
    if ('pruned' in note) lists.pruned.push(note.pruned);
    else lists.erased.push(note.erased);
  }
  return { ...found, ...lists };
}

function parsed(text: string): z.output<typeof noteForm> | null {
  try {
    return noteForm.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/**
 * Appends notes to the manifest in `home`, and answers once they are on disk: only then may happen what they speak of.
 * `atMs` in ms. To be called by who holds the manifest's lock.
 */
export function appendNotes(home: string, instance: string, notes: readonly NewNote[], atMs: number): void {
  const path = join(home, manifestName);
  const { bytes } = readManifest(path);
  const lines = bytes.toString().split('\n').slice(0, -1);
  let last = lines.at(-1);
  let text = '';
  for (const note of notes) {
    const previous: string | null = last === undefined ? null : sha256(last);
    last = JSON.stringify({ instance, at: new Date(atMs).toISOString(), previous, ...note });
    text += `${last}\n`;
  }
  const fd = openSync(path, 'a', 0o640);
  try {
    ftruncateSync(fd, bytes.length);
    const added = Buffer.from(text);
    for (let done = 0; done < added.length; ) done += writeSync(fd, added, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What a file was before persons were erased from it, by digest; the one it has now is among them. */
export function earlierDigests(now: string, erased: readonly Erased[]): ReadonlySet<string> {
  const found = new Set([now]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { before, after } of erased) if (found.has(after)) found.add(before);
  }
  return found;
}
