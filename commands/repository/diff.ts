import { type Command, Option } from 'commander';
import { badRevision } from '../arguments/badRevision.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function diff(program: Command): void {
  example(
    program
      .command('diff')
      .description(
        'Compare what everybody may do at two revisions: who gains and who loses which operation, by which grants.',
      )
      .argument('<base>', 'the revision before')
      .argument('<head>', 'the revision after')
      .option('--root <folder>', 'the repository', '.')
      .option('--merge-base', 'compare with where HEAD was branched off from BASE')
      .option(
        '--at <time>',
        'what has expired by then gives nothing (RFC 3339); left out, nothing has expired',
      )
      .addOption(
        new Option('--format <format>', 'how to print it')
          .choices(['text', 'json', 'markdown'])
          .default('text'),
      )
      .option('--json', 'the same as --format json')
      .action(runDiff),
    'grantgate diff main HEAD',
    'grantgate diff origin/main HEAD --merge-base --format markdown',
  );
}

type Options = { root: string; mergeBase?: true; at?: string; format: string; json?: true };

async function runDiff(base: string, head: string, options: Options): Promise<void> {
  const { diffRevisions } = await import('../../bundle/diff/diffRevisions.ts');
  const at = options.at === undefined ? null : Date.parse(options.at);
  if (Number.isNaN(at))
    throw new UsageError(`--at must be an instant like 2026-03-01T09:00:00Z, got "${options.at}"`);
  const found = await diffRevisions({
    repository: folderOf(options.root),
    base,
    head,
    mergeBase: options.mergeBase === true,
    at: at === null ? null : Math.floor(at / 1000),
  }).catch(badRevision);
  const format = options.json ? 'json' : options.format;
  if (format === 'json') printJson((await import('../../reviewer/diff/diffJson.ts')).diffJson(found));
  else if (format === 'markdown')
    print((await import('../../reviewer/diff/diffMarkdown.ts')).diffMarkdown(found));
  else print((await import('../../reviewer/diff/diffText.ts')).diffText(found));
}
