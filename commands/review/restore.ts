import type { Command } from 'commander';
import { type ForgeOptions, forgeIn, forgeOptions } from '../arguments/forgeTarget.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';
import { actionText } from './actionText.ts';
import { assertOneWay, withoutTexts, writeOrShow } from './writeOrShow.ts';

type Options = ForgeOptions & {
  root: string;
  commit?: string;
  until?: string;
  write?: true;
  apply?: true;
  json?: true;
};

export function restore(program: Command): void {
  example(
    forgeOptions(
      program
        .command('restore')
        .description(
          'Give back what a grant gave before it was removed, suspended or narrowed, from Git history.',
        )
        .argument('<grant>', 'the id of the grant')
        .option('--root <folder>', 'the repository with grants/', '.')
        .option(
          '--commit <revision>',
          'as this commit wrote it; left out, the last state that gave more than there is now',
        )
        .option('--until <time>', 'the end it gets, a date or an instant; left out, the one that it had')
        .option('--write', 'write it to the file')
        .option('--apply', 'open a pull request on the forge, from the branch that is enforced')
        .option('--json', 'print what was found as JSON'),
    ).action(runRestore),
    'grantgate restore orders-billing-edit',
    'GITHUB_TOKEN=… grantgate restore orders-billing-edit --until 2027-03-31 --apply --repository example/access',
  );
}

async function runRestore(grant: string, options: Options): Promise<void> {
  const { workingTree } = await import('../../bundle/git/tree.ts');
  const { day, instant } = await import('../../bundle/grants/schema.ts');
  const { restoreGrant } = await import('../../reviewer/restore/restoreGrant.ts');
  const { restorePrefix, restoreProposal, restoreText } = await import(
    '../../reviewer/restore/restoreText.ts'
  );
  const { commit, until } = options;
  assertOneWay(options);
  if (until !== undefined && !day.safeParse(until).success && !instant.safeParse(until).success)
    throw new UsageError(
      `--until must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z, got "${until}"`,
    );
  const asOf = Math.floor(Date.now() / 1000);
  const wanted = {
    asOf,
    ...(commit !== undefined && { commit }),
    ...(until !== undefined && { until }),
  };
  if (options.apply) {
    const { openForge } = await import('../../reviewer/forge/forge.ts');
    const { openProposal } = await import('../../reviewer/proposal/openProposal.ts');
    const signal = abortOnStop();
    const forge = openForge(await forgeIn(options), signal);
    const { action, pull, proposal } = await openProposal(
      forge,
      { prefix: restorePrefix, signal },
      async (tree) => {
        const restored = await restoreGrant(tree, grant, wanted);
        return { ...restoreProposal(restored, asOf), restored };
      },
    );
    if (options.json) printJson({ action, url: pull.url, ...withoutTexts(proposal.restored) });
    else print(`${restoreText(proposal.restored)}${pull.url} ${actionText(action)}\n`);
    return;
  }
  const root = folderOf(options.root);
  const restored = await restoreGrant(await workingTree(root), grant, wanted);
  const { write, json } = options;
  await writeOrShow(root, restored, { text: restoreText(restored), write, json });
}
