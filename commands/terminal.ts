import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from './arguments/usageError.ts';

/** Tells a person at a terminal what takes time; programs that read our output are left alone. */
export const progress = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
};

export const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** A folder that an argument names, absolute. Throws UsageError when there is none. */
export function folderOf(given: string): string {
  const path = resolve(given);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is no folder ${path}`);
  if (!stats.isDirectory())
    throw new UsageError(`${path} is a file; name the folder of the repository, which holds grants/`);
  return path;
}

/** The text of a key file. Throws UsageError when it cannot be read. */
export function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`the key file ${path} cannot be read`);
  }
}

/** The texts of key files given as `ID=FILE`, by id. Throws UsageError. */
export function readKeys(given: readonly string[]): Record<string, string> {
  const pairs = given.map((one) => {
    const split = one.indexOf('=');
    if (split < 1) throw new UsageError(`a key must be given as ID=FILE, got "${one}"`);
    return [one.slice(0, split), readKey(one.slice(split + 1))] as const;
  });
  if (new Set(pairs.map(([id]) => id)).size < pairs.length)
    throw new UsageError('the ids of keys must differ');
  return Object.fromEntries(pairs);
}

/** Adds examples to a command's help. */
export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`);
}
