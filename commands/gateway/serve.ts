import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Gateway } from '../../gateway/serve.ts';
import type { Workers } from '../../gateway/workers/workers.ts';
import { UsageError } from '../arguments/usageError.ts';
import { stopSignal } from '../stopSignal.ts';
import { example, print } from '../terminal.ts';

export function serve(program: Command): void {
  example(
    program
      .command('serve')
      .description('Run the gateway.')
      .requiredOption('--config <file>', 'gateway.yaml')
      .option('--workers <number>', 'processes that share the port; as configured, when left out')
      .option('--check', 'only say whether it would start: 0, or 2 with what is wrong')
      .option('--json', 'accepted for uniformity: the log is JSON already')
      .action(async (options: { config: string; workers?: string; check?: true }) => {
        const { readConfig } = await import('../../gateway/config/config.ts');
        const file = resolve(options.config);
        const config = readConfig(file);
        const workers = options.workers === undefined ? config.workers : Number(options.workers);
        if (!Number.isInteger(workers) || workers < 1 || workers > 64)
          throw new UsageError(`--workers must be a number from 1 to 64, got "${options.workers}"`);
        const { checkPlaces } = await import('../../gateway/config/checkPlaces.ts');
        if (options.check) {
          checkPlaces(config, process.env, false);
          print(`${options.config} can be served`);
          return;
        }
        const { reread: rereadConfig } = await import('./reread.ts');
        const running = Promise.withResolvers<Gateway | Workers>();
        const reread = async () => {
          const gateway = await running.promise;
          await ('restart' in gateway ? gateway.restart() : rereadConfig(file, config, gateway));
        };
        const reopen = async () => (await running.promise).reopen();
        // From here on: a signal that comes while it is starting would end it, or open Node's debugger.
        process.on('SIGHUP', async () => {
          const gateway = await running.promise;
          gateway.rotate();
          gateway.reopen();
          if (!('restart' in gateway)) await reread();
        });
        process.on('SIGUSR1', () => void reopen());
        process.on('SIGUSR2', () => void reread());
        checkPlaces(config, process.env, true);
        const gateway =
          workers === 1
            ? await (await import('../../gateway/serve.ts')).serve({ config })
            : await (await import('../../gateway/workers/workers.ts')).serveWorkers({
                file,
                config,
                workers,
              });
        running.resolve(gateway);
        await stopSignal();
        await gateway.close();
        // An open channel to a supervisor would keep the process alive.
        if (process.connected) process.disconnect();
      }),
    'grantgate serve --config gateway.yaml',
  );
}
