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

/**
 * What records say up to an instant, in ms since 1970, read once for all worlds whose records are the same: reading them
 * takes a third of a review. Undefined where there are none, or they cannot be read: the review is to find that itself.
 */
export async function keptOf(decisions: string, asOfMs: number): Promise<KeptUsage | undefined> {
  const hash = createHash('sha256').update(String(asOfMs));
  for (const name of (await readdir(decisions, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(name.slice(decisions.length)).update(await readFile(name));
  const key = hash.digest('hex');
  const made =
    known.get(key) ??
    (async () => {
      const [sources, file] = [join(folder(), key), join(folder(), `${key}.db`)];
      cpSync(decisions, sources, { recursive: true });
      return keepUsage(file, { sources: [sources], asOf: Math.floor(asOfMs / 1000) }).catch(() => null);
    })();
  known.set(key, made);
  return (await made) ?? undefined;
}
