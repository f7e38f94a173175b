import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { openDatabase, quoted } from '../evidence/database.ts';
import { findLogs } from '../evidence/findLogs.ts';
import { textOf } from '../evidence/malformedLines.ts';
import { stopIfAborted } from '../reviewError.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { type BucketAccess, bucketPlace, fetchObject, objectKeys } from './bucketObjects.ts';
import { openSources, type Sources } from './openSources.ts';

/** Evidence of any kind as files, sorted by what it is; `twice` were given again, byte for byte, and are left out. */
export type Places = Sources & { twice: readonly { file: string; as: string }[] };

type Options = {
  /** Folders, files and globs; addresses of gateways; `s3://BUCKET/PREFIX`. */
  places: readonly string[];
  since: string;
  token: string | null;
  bucket: BucketAccess;
  signal?: AbortSignal | undefined;
};

const isEvidence = (path: string) => /\.(?:ndjson(?:\.gz|\.zst)?|parquet)$/.test(path);

/**
 * Finds and fetches evidence: decision records and roll-ups, in lines of JSON (plain, gzip, zstd) or Parquet, told apart
 * by what their first line says. What cannot be had is named. Throws ReviewError `source-malformed`,
 * `decisions-unreadable`, `aborted`.
 */
export async function openPlaces({ places, since, token, bucket, signal }: Options): Promise<Places> {
  const buckets = places.filter((place) => place.startsWith('s3:')).map(bucketPlace);
  const addresses = places.filter((place) => /^https?:/i.test(place));
  const local = places.filter((place) => !/^(?:https?|s3):/i.test(place));
  const gateways = await openSources({ decisions: [], usage: addresses, since, token, signal });
  const folder = await temporaryFolder('places');
  const close = async () => {
    await gateways.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const unreachable = [...gateways.unreachable];
    const found = [...(await findLogs(local, isEvidence)), ...gateways.rollups];
    for (const place of buckets) {
      const name = `s3://${place.bucket}/${place.prefix}`;
      const missing = (file: string, error: unknown) => {
        stopIfAborted(signal);
        const reason = error instanceof Error && /^the store/.test(error.message) ? error.message : null;
        unreachable.push({ file, reason: reason ?? 'the store cannot be reached, or broke off' });
      };
      try {
        let count = 0;
        for await (const key of objectKeys(place, bucket, signal)) {
          if (!isEvidence(key)) continue;
          count += 1;
          const file = join(folder, `${buckets.indexOf(place)}-${count}-${basename(key)}`);
          await fetchObject({ bucket: place.bucket, key }, file, bucket, signal).then(
            () => found.push(file),
            (error: unknown) => missing(`s3://${place.bucket}/${key}`, error),
          );
        }
      } catch (error) {
        missing(name, error);
      }
    }
    const { once, twice } = await apart(found);
    const files = { decisions: [] as string[], rollups: [] as string[] };
    for (const [index, path] of once.entries()) {
      stopIfAborted(signal);
      try {
        const file = path.endsWith('.parquet') ? await fromParquet(path, folder, index) : path;
        ((await isRollup(file)) ? files.rollups : files.decisions).push(file);
      } catch (error) {
        const reason = messageOf(error).split('\n')[0] ?? '';
        unreachable.push({ file: path, reason: reason.slice(0, 200) });
      }
    }
    return { ...files, unreachable, twice, origin: gateways.origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Files that are there once, and copies of them: of one size first, then of one digest. */
async function apart(files: readonly string[]) {
  const bySize = new Map<number, string[]>();
  for (const file of files) {
    const { size } = await stat(file);
    bySize.set(size, [...(bySize.get(size) ?? []), file]);
  }
  const twice: { file: string; as: string }[] = [];
  for (const [size, same] of bySize) {
    if (same.length < 2 || size === 0) continue;
    const first = new Map<string, string>();
    for (const file of same) {
      const hash = createHash('sha256');
      for await (const piece of createReadStream(file)) hash.update(piece);
      const digest = hash.digest('hex');
      const known = first.get(digest);
      if (known === undefined) first.set(digest, file);
      else twice.push({ file, as: known });
    }
  }
  const copies = new Set(twice.map(({ file }) => file));
  return { once: files.filter((file) => !copies.has(file)), twice };
}

const sniffed = 1024 * 1024;

/** Whether a file's first line is one of a roll-up. */
async function isRollup(file: string): Promise<boolean> {
  let text = '';
  for await (const piece of textOf(file)) {
    text += piece;
    if (text.includes('\n') || text.length > sniffed) break;
  }
  const [line = ''] = text.split('\n', 1);
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'day' in value;
  } catch {
    return /^\s*\{"day":/.test(line);
  }
}

/** The rows as lines of JSON, instants and days written as we write them. */
async function fromParquet(path: string, folder: string, index: number): Promise<string> {
  const file = join(folder, `parquet-${index}-${basename(path, '.parquet')}.ndjson`);
  const database = await openDatabase('300MB');
  try {
    const columns = await database.read(`DESCRIBE SELECT * FROM read_parquet(${quoted(path)})`);
    const written = columns.flatMap(({ column_name: name, column_type: type }) => {
      const column = `"${String(name).replaceAll('"', '""')}"`;
      if (/^TIMESTAMP/.test(String(type)))
        return [`strftime(${column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ') AS ${column}`];
      return String(type) === 'DATE' ? [`strftime(${column}, '%Y-%m-%d') AS ${column}`] : [];
    });
    await database.connection.run(
      `COPY (SELECT * ${written.length > 0 ? `REPLACE (${written.join(', ')})` : ''} FROM read_parquet(${quoted(path)})) TO ${quoted(file)} (FORMAT json)`,
    );
    return file;
  } finally {
    await database.close();
  }
}
