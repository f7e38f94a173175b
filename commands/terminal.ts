import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../bundle/usageError.ts';

/** Tells a person at a terminal what takes time; programs that read our output are left alone. */
export const progress = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
};

export const print = (text: string): void => {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
};

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** The text of a key file. Throws UsageError when it cannot be read. */
export function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`the key file ${path} cannot be read`);
  }
}

/** Adds examples to a command's help. */
export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`);
}
