import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Day and number of a file's name; compressed ones too, which nobody appends to. */
const parts = (name: string): { day: string; number: number; open: boolean } | null => {
  const match = /^(\d{4}-\d{2}-\d{2})(?:-(\d+))?\.ndjson(\.gz|\.zst)?$/.exec(name);
  if (match?.[1] === undefined) return null;
  return { day: match[1], number: Number(match[2] ?? 0), open: match[3] === undefined };
};

/** Whether a file is called as the writer calls its own. */
export const isDecisionFile = (name: string): boolean => parts(name) !== null;

/** The instance's files, oldest first, those too that nobody appends to. */
export function filesOf(home: string) {
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .flatMap((name) => {
      const part = parts(name);
      return part === null ? [] : [{ name, ...part }];
    })
    .sort((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1));
}

/** The instance's files, oldest first; those that rotation compressed left out. */
export function decisionFiles(home: string): string[] {
  return filesOf(home)
    .filter(({ open }) => open)
    .map(({ name }) => name);
}

/**
 * The file to append to on a day: its newest, or a further one when that is `full`, was compressed or is not the `last`
 * one written: what came after it holds its digest.
 */
export function nextFile(home: string, day: string, full: boolean, last: string | null): string {
  const newest = filesOf(home)
    .filter((file) => file.day === day)
    .at(-1);
  const goesOn =
    newest?.open === true && !full && (newest.name === last || statSync(join(home, newest.name)).size === 0);
  const number = newest === undefined ? 0 : newest.number + (goesOn ? 0 : 1);
  return number === 0 ? `${day}.ndjson` : `${day}-${number}.ndjson`;
}
