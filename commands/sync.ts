import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from './arguments/usageError.ts';
import { stopSignal } from './stopSignal.ts';
import { example, print, printJson, progress } from './terminal.ts';

type Options = {
  root: string;
  config?: string;
  provider: string[];
  shrink?: string;
  write?: true;
  json?: true;
};

export function sync(program: Command): void {
  example(
    program
      .command('sync')
      .description('Read people and groups from identity providers; with --write, write grants/directory/.')
      .option('--root <folder>', 'the repository with grants/', '.')
      .option(
        '--config <file>',
        'which providers, and how they are reached; sync.yaml in the repository, when left out',
      )
      .option('--provider <name...>', 'only these', [])
      .option('--shrink <share>', 'the share of people that may be gone this time, 0 to 1; more is refused')
      .option('--write', 'write what changed; without it nothing is changed')
      .option('--json', 'print what was found as JSON')
      .action(runSync),
    'grantgate sync',
    'OKTA_TOKEN=… grantgate sync --provider okta --write',
  );
}

async function runSync(options: Options): Promise<void> {
  const { syncProviders } = await import('../reviewer/sync/syncProviders.ts');
  const { syncText } = await import('../reviewer/sync/syncText.ts');
  const shrink = options.shrink === undefined ? undefined : Number(options.shrink);
  if (shrink !== undefined && !(shrink >= 0 && shrink <= 1))
    throw new UsageError(`--shrink must be a share from 0 to 1, got "${options.shrink}"`);
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const root = resolve(options.root);
  const found = await syncProviders({
    root,
    configFile: resolve(options.config ?? `${root}/sync.yaml`),
    only: options.provider,
    ...(shrink === undefined ? {} : { shrink }),
    write: options.write === true,
    env: process.env,
    signal: stop.signal,
    progress,
  });
  if (options.json) {
    printJson(found.map(({ text: _, ...facts }) => facts));
    return;
  }
  print(found.map(syncText).join(''));
  if (!options.write && found.some(({ due }) => due)) print('Nothing was written; --write does.');
}
