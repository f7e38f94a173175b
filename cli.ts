#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { build } from './commands/build.ts';
import { check } from './commands/check.ts';
import { demo } from './commands/demo.ts';
import { diff } from './commands/diff.ts';
import { explain } from './commands/explain.ts';
import { key } from './commands/key.ts';
import { publish } from './commands/publish.ts';
import { push } from './commands/push.ts';
import { review } from './commands/review.ts';
import { serve } from './commands/serve.ts';
import { status } from './commands/status.ts';
import { verify } from './commands/verify.ts';

// argv → the commands; sets the exit code, decides nothing. Rooms are imported by the command that needs them, so that
// `check` does not wait for DuckDB. Exit codes: 0 done, 1 problems found, 2 usage or configuration.

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

const program = new Command('grantgate')
  .description('A policy-as-code gateway for APIs whose access reviews happen in Git.')
  .version('0.1.0')
  .exitOverride()
  .showHelpAfterError('(--help shows what there is)');
for (const command of [check, build, verify, push, key, serve, publish, status, explain, diff, review, demo])
  command(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isCoded(error)) {
    process.stderr.write(`grantgate: ${error.message}\n`);
    process.exitCode = usageCodes.has(error.code) ? 2 : 1;
  } else throw error;
}
