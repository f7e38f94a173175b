import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isCode } from '../../bundle/format/isCode.ts';
import type { Checkpoint } from '../../reviewer/records/checkpoint.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, print, printJson, progress } from '../terminal.ts';

export function verifyRecords(group: Command): void {
  example(
    group
      .command('verify')
      .description(
        'Say from where to where the chain of decision files holds, what breaks it, and which numbers are missing; exit 1 when anything does or is, and where there are none.',
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
      .option(
        '--checkpoint <file>',
        'a file that remembers where the records ended: what it remembers must still be there; then it is brought up to date',
      )
      .option('--json', 'print it as JSON')
      .action(run),
    'grantgate records verify .grantgate/decisions /archive/decisions --usage .grantgate/usage',
    'grantgate records verify /var/lib/grantgate/decisions --checkpoint /mnt/audit/records.json',
  );
}

type Options = { usage?: string; checkpoint?: string; json?: true };

async function run(folders: string[], { usage, checkpoint, json }: Options): Promise<void> {
  const { readArchives } = await import('../../reviewer/records/readArchive.ts');
  const { missingRollups } = await import('../../reviewer/records/missingRollups.ts');
  const { verifyChain } = await import('../../reviewer/records/verifyChain.ts');
  const { verifyText } = await import('../../reviewer/records/verifyText.ts');
  const { heldAgainst, makeCheckpoint } = await import('../../reviewer/records/checkpoint.ts');
  const signal = abortOnStop();
  const before = await checkpointIn(checkpoint);
  const found = await readArchives(folders, signal, progress);
  const there = new Set(found.map(({ instance }) => instance));
  const gone = before.ends.filter(({ instance }) => !there.has(instance));
  const verdicts = [];
  const lostSince = [];
  for (const archive of [
    ...found,
    ...gone.map(({ instance }) => ({ instance, files: [], manifests: [], unreadable: [] })),
  ]) {
    const verdict = verifyChain(archive);
    const lost = usage === undefined ? [] : await missingRollups(archive, usage);
    const since = await heldAgainst(before, archive);
    lostSince.push(...since);
    verdicts.push({ ...verdict, breaks: [...verdict.breaks, ...lost, ...since] });
  }
  // What was lost is said by every run: the checkpoint goes on only where it holds.
  if (checkpoint !== undefined && found.length > 0 && lostSince.length === 0) {
    const { writeWhole } = await import('../../reviewer/writeWhole.ts');
    await writeWhole(checkpoint, `${JSON.stringify(await makeCheckpoint(found), null, 1)}\n`);
  }
  if (json) printJson(verdicts);
  else for (const line of verifyText(verdicts)) print(line);
  const broken = verdicts.some(({ breaks, gaps }) => breaks.length + gaps.length > 0);
  // A folder that is not the right one, or not mounted, proves nothing.
  if (broken || found.length === 0) process.exitCode = 1;
}

async function checkpointIn(file: string | undefined): Promise<Checkpoint> {
  if (file === undefined) return { version: 1, ends: [] };
  const { readCheckpoint } = await import('../../reviewer/records/checkpoint.ts');
  try {
    return readCheckpoint(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return { version: 1, ends: [] };
    throw error;
  }
}
