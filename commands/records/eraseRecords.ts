import type { Command } from 'commander';
import { counted } from '../../bundle/format/counted.ts';
import { dayOf } from '../../bundle/format/times.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson, progress } from '../terminal.ts';

export function eraseRecords(group: Command): void {
  example(
    group
      .command('erase')
      .description('Put a pseudonym for a person into decision records. What they vouch for stays as it is.')
      .requiredOption('--person <principal>', 'who, like user:ann@example.com')
      .requiredOption(
        '--key <file>',
        'the key of pseudonyms, made where there is none: without it no pseudonym leads back to a person',
      )
      .option(
        '--decisions <folder>',
        'the decision files, a folder for each instance',
        '.grantgate/decisions',
      )
      .option(
        '--usage <folder>',
        'their daily roll-ups, looked through: they name nobody',
        '.grantgate/usage',
      )
      .option('--packs <folders...>', 'reports that were handed out: those that name the person are listed')
      .option('--apply', 'do it; left out, only say where the person stands')
      .option('--json', 'print it as JSON')
      .action(run),
    'grantgate records erase --person user:ann@example.com --key erasure.key',
    'grantgate records erase --person user:ann@example.com --key erasure.key --packs reports/ --apply',
  );
}

type Options = {
  person: string;
  key: string;
  decisions: string;
  usage: string;
  packs?: string[];
  apply?: true;
  json?: true;
};

async function run(options: Options): Promise<void> {
  const { person, key: keyFile, decisions, usage, packs = [], apply = false, json } = options;
  const { principal } = await import('../../bundle/grants/names.ts');
  if (!person.startsWith('user:') || !principal.safeParse(person).success)
    throw new UsageError(`--person must be "user:LOGIN", got "${person}"`);
  const room = await import('../../reviewer/records/eraseRecords.ts');
  const { erasureKey, pseudonymOf } = await import('../../reviewer/records/pseudonym.ts');
  const { findMentions, otherEvidence } = await import('../../reviewer/records/findMentions.ts');
  const folder = folderOf(decisions);
  const key = erasureKey(keyFile, apply);
  const nowMs = Date.now();
  const signal = abortOnStop();
  const files = await room.eraseRecords({
    ...{ person, decisions: folder, apply, nowMs, signal, progress },
    pseudonym: key === null ? 'user:erased' : pseudonymOf(person, key),
    today: dayOf(nowMs / 1000),
  });
  const others = otherEvidence(folder);
  const listed = await findMentions([usage, ...packs, ...others], person);
  const packed = others.filter((path) => path.endsWith('.parquet'));
  const refused = files.filter((one) => one.refused !== null);
  if (json)
    printJson({
      pseudonym: key === null ? null : pseudonymOf(person, key),
      applied: apply,
      files,
      listed,
      unread: packed,
    });
  else {
    for (const { path, lines, mentions, refused: reason } of files) {
      if (reason !== null) print(`refused: ${reason}`);
      else if (lines > 0) print(`${path}: ${counted(lines, 'line')}${apply ? ' changed' : ''}`);
      if (mentions > 0) print(`${path}: ${mentions} more have the login within other text, and stay`);
    }
    for (const path of packed) print(`${path}: cannot be looked into; make it again of erased records`);
    for (const path of listed) print(`${path}: names the person, and stays as it is`);
    const changed = files.filter(({ lines, refused: reason }) => lines > 0 && reason === null).length;
    print(
      `${counted(changed, 'file')} ${apply ? 'changed' : 'to change'}, ${refused.length} refused, ${listed.length} listed`,
    );
    if (apply && key !== null)
      print(`the pseudonym is ${pseudonymOf(person, key)}; delete ${keyFile} and nothing leads back`);
    if (!apply && changed > 0) print('nothing was changed: --apply does it');
  }
  if (refused.length + packed.length > 0) process.exitCode = 1;
}
