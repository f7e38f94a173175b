import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { compareReleases, type Release } from '../../bundle/archive/release.ts';

/** The newest accepted bundle, kept for a start without its source. */
export type LastGood = Release & {
  /** The archive: as it was signed, or packed here without a signature when it came from Git. */
  archive: Buffer;
};

/** One that was read back; `confirmedMs` (milliseconds since 1970) is when its source last said that it is its newest. */
export type KeptLastGood = LastGood & { confirmedMs: number };

/** The kept bundle cannot be used: it counts as none, and the reason is logged. */
export class LastGoodError extends Error {
  readonly code = 'last-good-unusable';
  override readonly name = 'LastGoodError';
}

const version = 'grantgate-last-good-1';
const file = (stateFolder: string) => join(stateFolder, 'last-good.bundle');

/**
 * Keeps a bundle: complete or not at all, whenever the power goes, and whoever else writes here. `source` is the
 * source's name. An older one never replaces a newer one of the same source, except by `force`.
 */
export async function saveLastGood(
  stateFolder: string,
  source: string,
  { archive, counter, rollback }: LastGood,
  force = false,
): Promise<void> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const kept = await readHeader(stateFolder);
  const release = { counter, ...(rollback && { rollback }) };
  if (!force && kept?.source === source && compareReleases(kept, release) > 0) return;
  const facts = { version, source, ...release, bytes: archive.length, sha256: sha256(archive) };
  const header = JSON.stringify(facts);
  const temporary = `${file(stateFolder)}.${randomUUID()}.new`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(Buffer.concat([Buffer.from(`${header}\n`), archive]));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file(stateFolder));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // The name is durable only once its folder is.
  const folder = await open(stateFolder, 'r');
  await folder.sync().catch(() => {});
  await folder.close();
  await removeLeftovers(stateFolder);
}

/** Whether it is this archive that is kept, not the same release signed by another key. */
export async function isKept(stateFolder: string, source: string, archive: Buffer): Promise<boolean> {
  const kept = await readHeader(stateFolder);
  return kept?.source === source && kept.sha256 === sha256(archive);
}

/**
 * Notes that the source has just said that a release is its newest, as the time of the file, if it is the one kept: then
 * a start without the source knows how old its word is.
 */
export async function confirmLastGood(stateFolder: string, source: string, release: Release): Promise<void> {
  const kept = await readHeader(stateFolder);
  if (kept?.source !== source || compareReleases(kept, release) !== 0) return;
  const now = new Date();
  await utimes(file(stateFolder), now, now);
}

/**
 * Reads the kept bundle back; null when there is none, or it came from another source. What it says is not yet
 * trusted: a signed archive must be verified again. Throws LastGoodError when it is damaged, or when other users of
 * the machine could have written it (from Git it carries no signature, so the file itself must be beyond doubt).
 */
export async function readLastGood(stateFolder: string, source: string): Promise<KeptLastGood | null> {
  const stats = await stat(file(stateFolder)).catch(() => null);
  if (stats === null) return null;
  if (process.getuid !== undefined && (stats.uid !== process.getuid() || (stats.mode & 0o022) !== 0))
    throw new LastGoodError('the kept bundle could have been written by another user');
  const bytes = await readFile(file(stateFolder));
  const end = bytes.indexOf(10);
  const header = end < 0 ? null : parseHeader(bytes.toString('utf8', 0, end));
  if (header === null) throw new LastGoodError('the kept bundle has no readable header');
  if (header.source !== source) return null;
  const archive = bytes.subarray(end + 1);
  if (archive.length !== header.bytes || sha256(archive) !== header.sha256)
    throw new LastGoodError('the kept bundle is damaged');
  const { counter, rollback } = header;
  return { archive, counter, ...(rollback && { rollback }), confirmedMs: stats.mtimeMs };
}

/** What an archive says of itself must be what its header says, by which newer and older ones are told. */
export function assertKept(kept: Release, bundle: Release): void {
  if (compareReleases(kept, bundle) !== 0)
    throw new LastGoodError('the kept bundle is another release than its header says');
}

type Header = Release & { source: string; bytes: number; sha256: string };

type Fields = Record<string, unknown> & { rollback?: { from?: unknown; nth?: unknown } };

function parseHeader(line: string): Header | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return null;
    const { version: written, source, counter, rollback, bytes, sha256: digest } = value as Fields;
    if (written !== version || typeof source !== 'string' || typeof digest !== 'string') return null;
    if (typeof counter !== 'number' || typeof bytes !== 'number') return null;
    const { from, nth } = rollback ?? {};
    const way = typeof from === 'number' && typeof nth === 'number' ? { rollback: { from, nth } } : {};
    return { source, counter, ...way, bytes, sha256: digest };
  } catch {
    return null;
  }
}

async function readHeader(stateFolder: string): Promise<Header | null> {
  const handle = await open(file(stateFolder), 'r').catch(() => null);
  if (handle === null) return null;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(8192), 0, 8192, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(10);
    return end < 0 ? null : parseHeader(buffer.toString('utf8', 0, end));
  } finally {
    await handle.close();
  }
}

/** What a killed process left behind. One younger than an hour may be another process at work. */
async function removeLeftovers(stateFolder: string): Promise<void> {
  for (const name of await readdir(stateFolder)) {
    if (!/^last-good\.bundle\..*\.new$/.test(name)) continue;
    const path = join(stateFolder, name);
    const stats = await stat(path).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs > 3_600_000) await rm(path, { force: true });
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
