import type { Command } from 'commander';
import { eraseRecords } from './eraseRecords.ts';
import { pruneRecords } from './pruneRecords.ts';
import { verifyRecords } from './verifyRecords.ts';

export function records(program: Command): void {
  const group = program.command('records').description('Keep decision records: verify, prune, erase.');
  for (const command of [verifyRecords, pruneRecords, eraseRecords]) command(group);
}
