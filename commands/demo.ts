import { resolve } from 'node:path';
import type { Command } from 'commander';
import { portOf } from './arguments/port.ts';
import { UsageError } from './arguments/usageError.ts';
import { example } from './terminal.ts';

export function demo(program: Command): void {
  example(
    program
      .command('demo')
      .description(
        'Run the whole loop on this machine: forge, identity provider, APIs, gateway and one review.',
      )
      .option('--tour', 'walk through it and exit; 0 only if everything held')
      .option('--port <number>', "the gateway's port; 8080, or a free one, when left out")
      .option('--folder <path>', 'where it lives; made anew at every start', '.grantgate/demo')
      .option('--no-open', 'leave the browser closed; it is opened where there is a terminal and a screen')
      .option('--json', 'print the addresses as JSON')
      .action(async (options: { tour?: true; port?: string; folder: string; open: boolean; json?: true }) => {
        const port = options.port === undefined ? null : portOf(options.port, '--port');
        // The demo brings what production has already; it is the one room no other imports, so it is loaded by name.
        const { demo } = await import('../demo/demo.ts').catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
          throw new UsageError('the demo is in clones of the repository only: run "npm start" in one');
        });
        process.exitCode = await demo({
          folder: resolve(options.folder),
          tour: options.tour === true,
          json: options.json === true,
          open: options.open && options.json !== true,
          port,
        });
      }),
    'npm start',
    'npm start -- --tour',
  );
}
