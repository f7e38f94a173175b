import type { Command } from 'commander';
import { counted } from '../../bundle/format/counted.ts';
import { dayOf } from '../../bundle/format/times.ts';
import { keepFrom } from '../arguments/keepFrom.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function pruneRecords(group: Command): void {
  example(
    group
      .command('prune')
      .description(
        'Remove decision files of whole days that are older than told, where their roll-up says all that they do.',
      )
      .requiredOption('--keep <time>', 'how long days stay, like 13mo, 400d or 2y')
      .option(
        '--decisions <folder>',
        'the decision files, a folder for each instance',
        '.grantgate/decisions',
      )
      .option('--usage <folder>', 'their daily roll-ups', '.grantgate/usage')
      .option('--apply', 'remove them; left out, only say which')
      .option('--json', 'print the days as JSON')
      .action(run),
    'grantgate records prune --keep 13mo',
    'grantgate records prune --keep 13mo --apply',
  );
}

type Options = { keep: string; decisions: string; usage: string; apply?: true; json?: true };

async function run(options: Options): Promise<void> {
  const { keep, decisions, usage, apply = false, json } = options;
  const nowMs = Date.now();
  const room = await import('../../reviewer/records/pruneRecords.ts');
  const signal = abortOnStop();
  const days = await room.pruneRecords({
    ...{ decisions: folderOf(decisions), usage, apply, nowMs, signal },
    ...{ keepFrom: keepFrom(keep, nowMs), today: dayOf(nowMs / 1000) },
  });
  const refused = days.filter((one) => one.refused !== null);
  if (json) printJson(days);
  else {
    for (const { instance, day, files, bytes, records, refused: reason } of days)
      print(
        reason === null
          ? `${instance} ${day}: ${apply ? 'removed' : 'would remove'} ${files.join(', ')} (${records} records, ${bytes} bytes)`
          : `${instance} ${day}: stays, as ${reason}`,
      );
    const gone = days.length - refused.length;
    print(`${counted(gone, 'day')} ${apply ? 'removed' : 'to remove'}, ${refused.length} refused`);
    if (!apply && gone > 0) print('nothing was changed: --apply does it');
  }
  if (refused.length > 0) process.exitCode = 1;
}
