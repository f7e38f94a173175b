import type { Command } from 'commander';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function key(program: Command): void {
  example(
    program
      .command('key')
      .description('API keys for services that cannot get tokens.')
      .command('new')
      .description('Make an API key. It is shown this once; the repository gets its hash.')
      .requiredOption('--service <name>', 'the service in grants/directory/services.yaml')
      .option('--root <folder>', 'the repository', '.')
      .option('--json', 'print the key and its entry as JSON')
      .action(async (options: { service: string; root: string; json?: true }) => {
        const { newKey } = await import('../../bundle/grants/credentials.ts');
        const { knowsService } = await import('../../bundle/knowsService.ts');
        const { text, ...made } = newKey(options.service);
        if (!(await knowsService(folderOf(options.root), options.service)))
          process.stderr.write(
            `warning: no service "${options.service}" stands in grants/directory/services.yaml here, and its key opens nothing until it does\n`,
          );
        if (options.json) printJson(made);
        else print(text);
      }),
    'grantgate key new --service shipping-bridge',
  );
}
