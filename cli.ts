#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './commands/program.ts';

// argv → the commands; sets the exit code, decides nothing. Exit codes: 0 done, 1 problems found, 2 usage or configuration.

/** Errors a user can act on: a stable code, and a message that says what to do. */
const isCoded = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

/** Codes that mean "you called it wrongly", not "it found problems". */
const usageCodes = new Set([
  'config-invalid',
  'key-unsupported',
  'opa-digest',
  'opa-missing',
  'opa-unusable',
  'opa-wrong-version',
  'service-invalid',
  'source-invalid',
  'usage',
]);

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isCoded(error)) {
    process.stderr.write(`grantgate: ${error.message}\n`);
    process.exitCode = usageCodes.has(error.code) ? 2 : 1;
  } else throw error;
}
