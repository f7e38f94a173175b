import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { type ForgeOptions, forgeIn, forgeOptions } from '../arguments/forgeTarget.ts';
import { UsageError } from '../arguments/usageError.ts';
import { growHeapSlowly } from '../growHeapSlowly.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, print, printJson, progress } from '../terminal.ts';
import { actionText } from './actionText.ts';
import { assertOneWay } from './writeOrShow.ts';

type Options = ForgeOptions & {
  root: string;
  config?: string;
  provider: string[];
  shrink?: string;
  state?: string;
  write?: true;
  apply?: true;
  json?: true;
};

export function sync(program: Command): void {
  example(
    forgeOptions(
      program
        .command('sync')
        .description(
          'Read people and groups from identity providers; write them, or propose them as pull requests.',
        )
        .option('--root <folder>', 'the repository with grants/', '.')
        .option(
          '--config <file>',
          'which providers, and how they are reached; sync.yaml in the repository, when left out',
        )
        .option('--provider <name...>', 'only these', [])
        .option('--shrink <share>', 'the share of people that may be gone this time, 0 to 1; more is refused')
        .option(
          '--state <folder>',
          'for what the next sync may go on from; `state` in sync.yaml, when left out',
        )
        .option('--write', 'write what changed to grants/directory/')
        .option('--apply', 'compare with the enforced branch on the forge, and open or update pull requests')
        .option('--json', 'print what was found as JSON'),
    ).action(runSync),
    'grantgate sync',
    'OKTA_TOKEN=… grantgate sync --provider okta --write',
    'OKTA_TOKEN=… GITHUB_TOKEN=… grantgate sync --apply --repository example/access',
  );
}

async function runSync(options: Options): Promise<void> {
  growHeapSlowly();
  // A directory passes through in pages that are garbage as soon as they are read.
  setFlagsFromString('--semi-space-growth-factor=1');
  const { syncFolder } = await import('../../reviewer/sync/syncProviders.ts');
  const { syncText } = await import('../../reviewer/sync/syncText.ts');
  const shrink = options.shrink === undefined ? undefined : Number(options.shrink);
  if (shrink !== undefined && !(shrink >= 0 && shrink <= 1))
    throw new UsageError(`--shrink must be a share from 0 to 1, got "${options.shrink}"`);
  assertOneWay(options);
  const signal = abortOnStop();
  const root = resolve(options.root);
  const settings = {
    configFile: resolve(options.config ?? `${root}/sync.yaml`),
    only: options.provider,
    ...(shrink === undefined ? {} : { shrink }),
    ...(options.state === undefined ? {} : { state: resolve(options.state) }),
    env: process.env,
    signal,
    progress,
  };
  if (options.apply) {
    const { openForge } = await import('../../reviewer/forge/forge.ts');
    const { proposeSync } = await import('../../reviewer/sync/proposeSync.ts');
    const proposed = await proposeSync(openForge(await forgeIn(options), signal), settings);
    if (options.json)
      printJson(
        proposed.map(({ synced: { bytes: _, keep: __, ...facts }, ...more }) => ({ ...facts, ...more })),
      );
    else
      print(
        proposed
          .map(
            ({ synced, action, url }) =>
              `${syncText(synced)}  ${url === null ? 'no pull request' : `${url} ${actionText(action)}`}\n`,
          )
          .join(''),
      );
    return;
  }
  const found = await syncFolder(root, options.write === true, settings);
  if (options.json) return printJson(found.map(({ bytes: _, keep: __, ...facts }) => facts));
  print(found.map(syncText).join(''));
  if (!options.write && found.some(({ due }) => due))
    print('Nothing was written; --write does, --apply proposes it.');
}
