import { existsSync, readdirSync } from 'node:fs';

export const parts = (name: string): [string, number] => {
  const match = /^(\d{4}-\d{2}-\d{2})(?:-(\d+))?\.ndjson$/.exec(name);
  return match?.[1] === undefined ? ['', 0] : [match[1], Number(match[2] ?? 0)];
};

/** The instance's files, oldest first. */
export function decisionFiles(home: string): string[] {
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((name) => parts(name)[0] !== '')
    .sort((a, b) => {
      const [[dayA, numberA], [dayB, numberB]] = [parts(a), parts(b)];
      return dayA === dayB ? numberA - numberB : dayA < dayB ? -1 : 1;
    });
}
