import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { manifestName } from '../../gateway/record/lastPruned.ts';
import { createUsageDay } from '../../gateway/record/usageDay.ts';
import { entryOf } from '../../gateway/record/usageRollup.ts';
import { stopIfAborted } from '../reviewError.ts';
import { homesIn, isBeingWritten, type Order, writtenTo } from './beingWritten.ts';
import { exactRollup } from './exactRollup.ts';
import {
  appendNotes,
  earlierDigests,
  type Manifest,
  type NewNote,
  type Pruned,
  readManifest,
} from './manifest.ts';
import { flushFolder, manifestLock } from './manifestLock.ts';
import { reasonOf } from './readArchive.ts';
import { type FileFacts, headOf, scanFile } from './scanFile.ts';

/** A whole day of an instance that goes, or why it stays. */
export type PrunedDay = {
  instance: string;
  day: string;
  /** Names as they lie there. */
  files: readonly string[];
  bytes: number;
  records: number;
  refused: string | null;
};

type Options = {
  decisions: string;
  usage: string;
  /** The first day that stays, YYYY-MM-DD, and the one that it is now (UTC). */
  keepFrom: string;
  today: string;
  /** Leave it out and nothing is changed. */
  apply: boolean;
  /** ms since 1970. */
  nowMs: number;
  signal?: AbortSignal | undefined;
};

/**
 * Removes the decision files of whole days before one, where the roll-up that is left says all that they do. The note comes
 * first, then the files go, oldest first: broken off anywhere, a further run goes on. Throws ReviewError `records-in-use`,
 * `aborted`.
 */
export async function pruneRecords(options: Options): Promise<PrunedDay[]> {
  const { decisions, keepFrom, today, apply, signal } = options;
  const days: PrunedDay[] = [];
  for (const { instance, home, order } of await homesIn(decisions)) {
    const release = apply ? manifestLock(home) : () => {};
    try {
      const due = [...new Set(order.map(({ day }) => day))].sort();
      for (const day of due.filter((one) => one < keepFrom && one < today)) {
        stopIfAborted(signal);
        days.push(await pruneDay({ ...options, instance, home, day, order }));
      }
    } finally {
      release();
    }
  }
  return days;
}

type Day = Options & { instance: string; home: string; day: string; order: Order };

async function pruneDay(asked: Day): Promise<PrunedDay> {
  const { instance, home, day, order, apply, nowMs } = asked;
  const names = order.filter((file) => file.day === day).map(({ name }) => name);
  const of = { instance, day, files: names };
  const manifest = readManifest(join(home, manifestName));
  const found = await readDay(asked, names);
  if ('reason' in found) return { ...of, bytes: 0, records: 0, refused: found.reason };
  const { facts, counted } = found;
  const sum = {
    bytes: facts.reduce((all, { bytes }) => all + bytes, 0),
    records: facts.reduce((all, { records }) => all + records, 0),
  };
  const noted = new Map(manifest.pruned.map((one) => [one.sha256, one]));
  // A run that was broken off had found the day to be right, and took files of it away since.
  const isNoted = facts.every(({ sha256 }) => noted.get(sha256)?.day === day);
  let notes: NewNote[] = [];
  if (!isNoted) {
    const judged = exactRollup(asked.usage, instance, day, counted);
    const reason = 'reason' in judged ? judged.reason : await refusal(asked, facts, manifest);
    if (reason !== null || 'reason' in judged) return { ...of, ...sum, refused: reason };
    notes = facts.map((file) => ({ pruned: noteOf(file, day, judged.sha256) }));
  }
  if (apply) {
    if (notes.length > 0) appendNotes(home, instance, notes, nowMs);
    for (const name of names) unlinkSync(join(home, name));
    flushFolder(home);
  }
  return { ...of, ...sum, refused: null };
}

/** What the files of a day hold, and what of it a roll-up would say. */
async function readDay({ home, day, instance, order, today }: Day, names: readonly string[]) {
  const counted = createUsageDay(day, instance);
  const facts: FileFacts[] = [];
  for (const name of names) {
    if (isBeingWritten(home, order, today, name)) return { reason: writtenTo(home, name) };
    try {
      const file = await scanFile(join(home, name), (line) => {
        const entry = entryOf(line.toString());
        if (entry !== null) counted.add(entry, entry.seq);
      });
      if (file.malformed !== null) return { reason: `line ${file.malformed} of ${name} is no record` };
      if (file.instance !== instance)
        return { reason: `${name} is of ${file.instance}, and lies beside files of ${instance}` };
      facts.push(file);
    } catch (error) {
      return { reason: `${name} cannot be read: ${reasonOf(error)}` };
    }
  }
  return { facts, counted };
}

/** What was changed must stay: once it is gone, nobody could tell. */
async function refusal(
  { home, order }: Day,
  facts: readonly FileFacts[],
  { erased, broken, path }: Manifest,
): Promise<string | null> {
  if (broken !== null) return `${path} was changed in line ${broken}`;
  for (const { name, path: file, sha256, chain } of facts) {
    const at = order.findIndex((one) => join(home, one.name) === file);
    const next = order[at + 1];
    const header = next === undefined ? null : (await headOf(join(home, next.name))).chain;
    // Between two files without headers nothing tells.
    if (header === null && chain === null) continue;
    // The last one of all: the note is what a next one goes on from.
    if (next === undefined) continue;
    const digest = header?.previous?.sha256 ?? null;
    if (header?.place !== (chain?.place ?? 0) + 1)
      return `the file after ${name} is missing: nothing vouches for it`;
    if (digest === null || !earlierDigests(sha256, erased).has(digest))
      return `${name} is not what ${next.name} was begun after; "grantgate records verify" says more`;
  }
  return null;
}

function noteOf(file: FileFacts, day: string, rollup: string): Pruned {
  const { name, sha256, bytes, lines, records, seq, chain } = file;
  return {
    ...{ file: name, day, sha256, bytes, lines, records, chain, rollup },
    seq: seq === null ? null : [seq[0], seq[1]],
  };
}
