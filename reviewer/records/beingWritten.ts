import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../../gateway/record/decisionFiles.ts';
import { headerOf } from './scanFile.ts';

/** Folders right below `decisions` that hold an instance's files, with their paths, sorted. */
export function homesIn(decisions: string): { instance: string; home: string }[] {
  if (!existsSync(decisions)) return [];
  return readdirSync(decisions, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesOf(join(decisions, entry.name)).length > 0)
    .map(({ name }) => ({ instance: name, home: join(decisions, name) }))
    .sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

/** An instance's files by name, in the order they were written, with their places (0: no header). */
export type Order = readonly { name: string; day: string; place: number }[];

/** Order is by place, and by name among files without a header, which come first. */
export async function orderOf(home: string): Promise<Order> {
  const found = await Promise.all(
    filesOf(home).map(async ({ name, day }) => ({
      name,
      day,
      place: (await headerOf(join(home, name)))?.place ?? 0,
    })),
  );
  return found.sort((a, b) => a.place - b.place);
}

/**
 * Whether somebody may be writing a file: it is of `today` (YYYY-MM-DD, UTC) or later, or the last one of an instance whose
 * lock is there. A lock of a dead process counts too: the living one may be on another machine.
 */
export function isBeingWritten(home: string, order: Order, today: string, name: string): boolean {
  const file = order.find((one) => one.name === name);
  if (file === undefined || file.day >= today) return true;
  return order.at(-1)?.name === name && existsSync(join(home, '.lock'));
}

/** That in words. */
export const writtenTo = (home: string, name: string): string =>
  existsSync(join(home, '.lock'))
    ? `${name} is being written, as ${join(home, '.lock')} says; of a gateway that is gone for good, remove that`
    : `${name} is being written`;
