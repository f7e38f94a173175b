import { glob, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { ReviewError } from '../reviewError.ts';

const isNdjson = (path: string) => /\.ndjson(?:\.gz|\.zst)?$/.test(path);

/**
 * Finds the decision logs that folders (searched to any depth), files and globs name: real paths, sorted, each once
 * however often it is named. A folder or glob without logs gives none, a missing folder too: no evidence is not an
 * error here. A named file that is not there is; throws ReviewError `decisions-unreadable`.
 */
export async function findLogs(
  sources: readonly string[],
  isLog: (path: string) => boolean = isNdjson,
): Promise<string[]> {
  const found = new Set<string>();
  for (const source of sources) {
    const stats = await stat(source).catch(() => null);
    let paths: string[];
    if (stats?.isDirectory())
      paths = (await readdir(source, { recursive: true })).filter(isLog).map((name) => join(source, name));
    else if (stats !== null) paths = [source];
    else if (/[*?[{]/.test(source)) paths = (await Array.fromAsync(glob(source))).filter(isLog);
    else if (isLog(source))
      throw new ReviewError('decisions-unreadable', `the decision log ${source} is not there`);
    else paths = [];
    for (const path of paths) {
      const real = await realpath(path);
      if ((await stat(real)).isFile()) found.add(real);
    }
  }
  return [...found].sort(compareCodePoints);
}
