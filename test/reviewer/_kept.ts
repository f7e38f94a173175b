import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeptUsage, keepUsage } from '../../reviewer/evidence/usage.ts';

let place: string | null = null;
const known = new Map<string, Promise<KeptUsage | null>>();

/** Where what is kept lies, until the process ends. */
function folder(): string {
  if (place === null) {
    const made = mkdtempSync(join(tmpdir(), 'grantgate-kept-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    place = made;
  }
  return place;
}

/** The latest instant that records name, in ms since 1970, by the hash of the records. */
const latest = new Map<string, number>();
const latestIn = (records: string) =>
  [...records.matchAll(/"timestamp":"([^"]+)"/g)].reduce(
    (last, [, timestamp = '']) => Math.max(last, Date.parse(timestamp)),
    0,
  );

/**
 * What records say up to an instant, in ms since 1970, read once for all worlds whose records are the same: reading them
 * takes a third of a review. Undefined where there are none, or they cannot be read: the review is to find that itself.
 */
export async function keptOf(decisions: string, asOfMs: number): Promise<KeptUsage | undefined> {
  const hash = createHash('sha256');
  const texts: Buffer[] = [];
  const files = (await readdir(decisions, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of files) {
    const text = await readFile(name);
    hash.update(name.slice(decisions.length)).update(text);
    texts.push(text);
  }
  const records = hash.digest('hex');
  const isPlain = files.every((name) => name.endsWith('.ndjson'));
  const last = latest.get(records) ?? (isPlain ? latestIn(texts.join('\n')) : Number.POSITIVE_INFINITY);
  latest.set(records, last);
  const asOf = Math.floor(asOfMs / 1000);
  // From the last of them on they say the same.
  const key = `${records}-${last <= asOf * 1000 ? 'all' : asOf}`;
  const made =
    known.get(key) ??
    (async () => {
      const [sources, file] = [join(folder(), key), join(folder(), `${key}.db`)];
      cpSync(decisions, sources, { recursive: true });
      return keepUsage(file, { sources: [sources], asOf }).catch(() => null);
    })();
  known.set(key, made);
  return (await made) ?? undefined;
}
