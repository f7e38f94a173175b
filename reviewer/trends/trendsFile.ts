import { mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { dayMs } from '../../bundle/format/times.ts';
import { holdLock } from '../../bundle/policy/holdLock.ts';
import { ReviewError } from '../reviewError.ts';
import { writeWhole } from '../writeWhole.ts';
import { type Summary, type Trend, trend } from './trend.ts';

/**
 * Reads the lines of runs, oldest first; none where there is no file. Throws ReviewError `trends-malformed`, which names
 * the line, and what reading it throws.
 */
export async function readTrends(file: string): Promise<Trend[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, index) => {
    try {
      return trend.parse(JSON.parse(line));
    } catch (error) {
      const where = `${file}:${index + 1}`;
      throw new ReviewError('trends-malformed', `${where}: must be a line that a review wrote`, {
        cause: error,
      });
    }
  });
}
const isSame = (a: Pick<Trend, 'date' | 'revision'>, b: Pick<Trend, 'date' | 'revision'>) =>
  a.date === b.date && a.revision === b.revision;

/** The lines with a run's in its place: that of the same day and commit is replaced, so a second run changes nothing. */
export function withRun(lines: readonly Trend[], run: Summary): Trend[] {
  const { fingerprints, ...summary } = run;
  // The newest line keeps the ledger; a run of an earlier day can only tell from it what is older than itself.
  const since = new Map(Object.entries(lines.at(-1)?.open ?? {}));
  const open: Record<string, string> = {};
  for (const one of fingerprints) {
    const known = since.get(one);
    open[one] = known !== undefined && known <= run.date ? known : run.date;
  }
  const ages = Object.values(open)
    .map((day) => Math.round((Date.parse(run.date) - Date.parse(day)) / dayMs))
    .sort((a, b) => a - b);
  const age = { oldest: ages.at(-1) ?? 0, median: ages[Math.floor((ages.length - 1) / 2)] ?? 0 };
  const rest = lines.filter((line) => !isSame(line, run));
  const newest = rest.every((line) => line.as_of <= run.as_of);
  const own: Trend = { ...summary, age, ...(newest && { open }) };
  const all = [...rest, own].sort((a, b) => (a.as_of < b.as_of ? -1 : a.as_of > b.as_of ? 1 : 0));
  return all.map((line, index) => {
    if (index === all.length - 1) return line;
    const { open: _, ...old } = line;
    return old;
  });
}

/**
 * Adds a run to the file, which is replaced in one step: whoever reads finds it whole, and of two runs at once both are
 * in it. Throws ReviewError `trends-malformed`, and what the file system throws.
 */
export async function appendTrend(file: string, run: Summary): Promise<Trend[]> {
  const path = resolve(file);
  await mkdir(dirname(path), { recursive: true });
  const release = await holdLock(`${path}.lock`, () => {});
  try {
    const lines = withRun(await readTrends(path), run);
    await writeWhole(path, lines.map((line) => `${canonicalJson(line)}\n`).join(''));
    return lines;
  } finally {
    await release();
  }
}
