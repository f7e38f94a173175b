import type { Command } from 'commander';
import { stopSignal } from '../stopSignal.ts';
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
      .option('--json', 'print it as JSON')
      .action(run),
    'grantgate records verify .grantgate/decisions /archive/decisions',
  );
}

async function run(folders: string[], { json }: { json?: true }): Promise<void> {
  const { readArchives } = await import('../../reviewer/records/readArchive.ts');
  const { verifyChain } = await import('../../reviewer/records/verifyChain.ts');
  const { verifyText } = await import('../../reviewer/records/verifyText.ts');
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const verdicts = (await readArchives(folders, stop.signal, progress)).map(verifyChain);
  if (json) printJson(verdicts);
  else for (const line of verifyText(verdicts)) print(line);
  if (verdicts.some(({ breaks, gaps }) => breaks.length + gaps.length > 0)) process.exitCode = 1;
}
