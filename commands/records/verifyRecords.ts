import type { Command } from 'commander';
import { abortOnStop } from '../stopSignal.ts';
import { example, print, printJson, progress } from '../terminal.ts';

export function verifyRecords(group: Command): void {
  example(
    group
      .command('verify')
      .description(
        'Say from where to where the chain of decision files holds, what breaks it, and which numbers are missing; exit 1 when anything does or is.',
      )
      .argument(
        '[folders...]',
        'where decision files and their manifests lie: all places that an instance has',
        ['.grantgate/decisions'],
      )
      .option(
        '--usage <folder>',
        'daily roll-ups: those that pruned days were left to must be what they were',
      )
      .option('--json', 'print it as JSON')
      .action(run),
    'grantgate records verify .grantgate/decisions /archive/decisions --usage .grantgate/usage',
  );
}

async function run(folders: string[], { usage, json }: { usage?: string; json?: true }): Promise<void> {
  const { readArchives } = await import('../../reviewer/records/readArchive.ts');
  const { missingRollups } = await import('../../reviewer/records/missingRollups.ts');
  const { verifyChain } = await import('../../reviewer/records/verifyChain.ts');
  const { verifyText } = await import('../../reviewer/records/verifyText.ts');
  const signal = abortOnStop();
  const verdicts = [];
  for (const archive of await readArchives(folders, signal, progress)) {
    const verdict = verifyChain(archive);
    const lost = usage === undefined ? [] : await missingRollups(archive, usage);
    verdicts.push({ ...verdict, breaks: [...verdict.breaks, ...lost] });
  }
  if (json) printJson(verdicts);
  else for (const line of verifyText(verdicts)) print(line);
  if (verdicts.some(({ breaks, gaps }) => breaks.length + gaps.length > 0)) process.exitCode = 1;
}
