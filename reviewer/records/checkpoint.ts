import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ReviewError } from '../reviewError.ts';
import type { Archive } from './readArchive.ts';
import { readLines } from './readLines.ts';
import type { FileFacts } from './scanFile.ts';
import type { Break } from './verifyChain.ts';

const end = z.strictObject({
  instance: z.string().min(1),
  /** The newest file: its name, its place in the chain, and its whole lines. */
  file: z.string(),
  place: z.int().min(1).nullable(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The last number given out. */
  seq: z.int().min(0),
});
const checkpoint = z.strictObject({ version: z.literal(1), ends: z.array(end) });

type End = z.infer<typeof end>;
/** Where the records of each instance ended when they were verified: a chain by itself does not tell what is gone behind its end. */
export type Checkpoint = z.infer<typeof checkpoint>;

/** Reads what `makeCheckpoint` made, as JSON in `file`. Throws ReviewError `checkpoint-invalid`. */
export function readCheckpoint(text: string, file: string): Checkpoint {
  const invalid = (cause: unknown) =>
    new ReviewError(
      'checkpoint-invalid',
      `${file} is no checkpoint as \`records verify --checkpoint\` writes it`,
      {
        cause,
      },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(cause);
  }
  const read = checkpoint.safeParse(value);
  if (!read.success) throw invalid(read.error);
  return read.data;
}

/** The end of all that lies there now. Throws what reading the newest files does. */
export async function makeCheckpoint(archives: readonly Archive[]): Promise<Checkpoint> {
  const ends: End[] = [];
  for (const { instance, files, manifests } of archives) {
    const newest = files.toSorted(byAge).at(-1);
    if (newest === undefined) continue;
    const { name: file, path, chain } = newest;
    const whole = await wholeLines(path, Number.POSITIVE_INFINITY);
    ends.push({
      instance,
      file,
      place: chain?.place ?? null,
      ...whole,
      seq: lastNumber({ files, manifests }),
    });
  }
  return { version: 1, ends };
}

/** What a checkpoint saw of an instance and what is gone since, or otherwise. Throws what reading its file does. */
export async function heldAgainst({ ends }: Checkpoint, archive: Archive): Promise<Break[]> {
  const seen = ends.find(({ instance }) => instance === archive.instance);
  if (seen === undefined) return [];
  const breaks: Break[] = [];
  const say = (what: string) =>
    void breaks.push({ kind: 'checkpoint', file: seen.file, sentence: `${what} since the checkpoint` });
  const last = lastNumber(archive);
  if (last < seen.seq)
    say(`${last + 1 === seen.seq ? `number ${seen.seq} is` : `numbers ${last + 1} to ${seen.seq} are`} gone`);
  const isIt = (one: { name: string; chain: FileFacts['chain'] }) =>
    seen.place === null ? one.name === seen.file : one.chain?.place === seen.place;
  const file = archive.files.find(isIt);
  if (file === undefined) {
    const pruned = archive.manifests.flatMap((manifest) => manifest.pruned);
    if (!pruned.some(({ file: name, chain }) => isIt({ name, chain }))) say(`${seen.file} is gone`);
    return breaks;
  }
  // Whom it was about has been erased from it; the manifest, which the chain binds, says what it was.
  const erased = archive.manifests.flatMap((manifest) => manifest.erased);
  if (erased.some(({ after }) => after === file.sha256)) return breaks;
  const now = await wholeLines(file.path, seen.bytes);
  if (now.bytes < seen.bytes) say(`${seen.file} was cut from ${seen.bytes} to ${now.bytes} bytes`);
  else if (now.bytes !== seen.bytes || now.sha256 !== seen.sha256) say(`${seen.file} was changed`);
  return breaks;
}

/** Size and digest of a file's first whole lines, until `bytes` are reached; a torn end is not counted, as it goes at the next start. */
async function wholeLines(path: string, bytes: number): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  reading: for await (const lines of readLines(path))
    for (const line of lines) {
      if (size >= bytes) break reading;
      if (line.at(-1) !== 0x0a) continue;
      hash.update(line);
      size += line.length;
    }
  return { bytes: size, sha256: hash.digest('hex') };
}

function byAge(one: FileFacts, other: FileFacts): number {
  const [left, right] = [one.chain?.place ?? 0, other.chain?.place ?? 0];
  return left - right || (one.name < other.name ? -1 : 1);
}

const lastNumber = ({ files, manifests }: Pick<Archive, 'files' | 'manifests'>): number =>
  [...files, ...manifests.flatMap(({ pruned }) => pruned)].reduce(
    (last, { seq }) => Math.max(last, seq?.[1] ?? 0),
    0,
  );
