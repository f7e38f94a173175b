import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson, progress } from '../terminal.ts';

export function doctor(program: Command): void {
  example(
    program
      .command('doctor')
      .description('Check a deployment before it serves, and say what to do; 1 when there are problems.')
      .requiredOption('--config <file>', 'gateway.yaml')
      .option('--json', 'print what was found as JSON')
      .action(async (options: { config: string; json?: true }) => {
        if (statSync(resolve(options.config), { throwIfNoEntry: false })?.isFile() !== true)
          throw new UsageError(`there is no file ${options.config}`);
        const { doctor } = await import('../../gateway/doctor/doctor.ts');
        const { doctorText } = await import('../../gateway/doctor/doctorText.ts');
        progress('asking issuers, source and upstreams …');
        const uid = process.getuid?.();
        const checks = await doctor(resolve(options.config), { env: process.env, now: Date.now, uid });
        const good = checks.every(({ state }) => state !== 'problem');
        if (options.json) printJson({ ok: good, checks });
        else print(doctorText(checks));
        if (!good) process.exitCode = 1;
        // A look-up of names that nobody answers would keep the process alive.
        process.stdout.write('', () => process.exit());
      }),
    'grantgate doctor --config gateway.yaml',
  );
}
