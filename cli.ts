#!/usr/bin/env node
import { keepCompiled } from './commands/keepCompiled.ts';

// argv → the commands; sets the exit code, decides nothing. Exit codes: 0 done, 1 problems found, 2 usage or configuration.

/** Errors a user can act on: a stable code, and a message that says what to do. */
const isCoded = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

/** Codes that mean "you called it wrongly", not "it found problems". */
const usageCodes = new Set([
  'config-invalid',
  'sync-config',
  'import-failed',
  'key-unsupported',
  'opa-digest',
  'opa-missing',
  'opa-unusable',
  'opa-wrong-version',
  'service-invalid',
  'source-invalid',
  'usage',
]);

// Who reads us may have read enough (`| head`): that ends us quietly, as it ends other tools.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });

// Before anything large is imported: what is imported at the top is there before our first line runs.
keepCompiled(process.env);
const { CommanderError } = await import('commander');
const { createProgram } = await import('./commands/program.ts');
const program = createProgram();
try {
  const name = process.argv[2] ?? '';
  // `--help` behind it would win over the command that is none.
  if (/^[^-]/.test(name) && name !== 'help' && !program.commands.some((command) => command.name() === name))
    await program.parseAsync([name], { from: 'user' });
  else await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isCoded(error)) {
    process.stderr.write(`grantgate: ${error.message}\n`);
    process.exitCode = usageCodes.has(error.code) ? 2 : 1;
  } else throw error;
}
