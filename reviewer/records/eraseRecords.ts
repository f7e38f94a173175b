import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { manifestName } from '../../gateway/record/lastPruned.ts';
import { stopIfAborted } from '../reviewError.ts';
import { homesIn, isBeingWritten, type Order, writtenTo } from './beingWritten.ts';
import { appendNotes, type Erased, readManifest } from './manifest.ts';
import { flushFolder, manifestLock } from './manifestLock.ts';
import { reasonOf } from './readArchive.ts';
import { draftEnding } from './readLines.ts';
import { createReplacer } from './replacer.ts';
import { countReplaced, rewriteFile } from './rewriteFile.ts';

/** A decision file that a person stands in. */
export type ErasedFile = {
  path: string;
  instance: string;
  /** Lines with the person in them. */
  lines: number;
  /** Lines that hold the login within other text, which stays as it is. */
  mentions: number;
  refused: string | null;
};

type Options = {
  /** `user:LOGIN`. */
  person: string;
  pseudonym: string;
  decisions: string;
  /** YYYY-MM-DD, UTC. */
  today: string;
  /** Leave it out and nothing is changed. */
  apply: boolean;
  /** ms since 1970. */
  nowMs: number;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/**
 * Puts a pseudonym for a person into the decision files of all instances. A note of the old and the new digest comes first,
 * then the new file takes the old one's place: broken off anywhere, a further run goes on. Files that are being written
 * are refused. Throws ReviewError `records-in-use`, `aborted`.
 */
export async function eraseRecords(options: Options): Promise<ErasedFile[]> {
  const { decisions, apply, signal, progress } = options;
  const found: ErasedFile[] = [];
  for (const { instance, home, order } of await homesIn(decisions)) {
    const release = apply ? manifestLock(home) : () => {};
    try {
      if (apply) removeDrafts(home);
      for (const { name } of order) {
        stopIfAborted(signal);
        progress?.(`reading ${join(home, name)}`);
        const file = await eraseFile({ ...options, instance, home, order, name });
        if (file.lines > 0 || file.mentions > 0 || file.refused !== null) found.push(file);
      }
    } finally {
      release();
    }
  }
  return found;
}

/** What a run that was killed left behind; whoever holds the lock may. */
function removeDrafts(home: string): void {
  for (const name of readdirSync(home)) if (name.endsWith(draftEnding)) rmSync(join(home, name));
}

type Asked = Options & { instance: string; home: string; order: Order; name: string };

async function eraseFile(asked: Asked): Promise<ErasedFile> {
  const { person, pseudonym, today, apply, nowMs, instance, home, order, name } = asked;
  const path = join(home, name);
  const of = { path, instance, lines: 0, mentions: 0 };
  const draft = `${path}${draftEnding}`;
  try {
    const counted = createReplacer(person, pseudonym);
    const before = await countReplaced(path, counted);
    Object.assign(of, { lines: counted.hits, mentions: counted.mentions });
    if (of.lines === 0) return { ...of, refused: null };
    if (isBeingWritten(home, order, today, name)) return { ...of, refused: writtenTo(home, path) };
    if (!apply) return { ...of, refused: null };
    const after = await rewriteFile({ path, draft, instance, before }, createReplacer(person, pseudonym));
    const file = name.replace(/\.(?:gz|zst)$/, '');
    const note: Erased = { file, before, after, lines: of.lines, pseudonym };
    const known = readManifest(join(home, manifestName)).erased;
    if (!known.some((one) => one.before === before && one.after === after))
      appendNotes(home, instance, [{ erased: note }], nowMs);
    renameSync(draft, path);
    flushFolder(home);
    return { ...of, refused: null };
  } catch (error) {
    return { ...of, refused: `${path} cannot be erased from: ${reasonOf(error)}` };
  } finally {
    rmSync(draft, { force: true });
  }
}
