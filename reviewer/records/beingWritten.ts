import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { filesOf } from '../../gateway/record/decisionFiles.ts';
import { ReviewError } from '../reviewError.ts';
import { headOf } from './scanFile.ts';

/** A folder of one instance's decision files; those in the order they were written (place 0: no header). */
export type Home = {
  home: string;
  /** As its files say, whatever the folder is called. */
  instance: string;
  order: Order;
};
export type Order = readonly { name: string; day: string; place: number }[];

/**
 * Every folder with decision files, `decisions` itself or below it, sorted. Throws ReviewError `decisions-unreadable` where
 * there is none: nothing found must not look like nothing to do.
 */
export async function homesIn(decisions: string): Promise<Home[]> {
  const homes: Home[] = [];
  for (const home of foldersIn(decisions))
    if (filesOf(home).length > 0) {
      const heads = await headsOf(home);
      const instance = heads.find((one) => one.instance !== null)?.instance ?? basename(home);
      homes.push({ home, instance, order: heads });
    }
  if (homes.length === 0)
    throw new ReviewError('decisions-unreadable', `there are no decision files in ${decisions}`);
  return homes;
}

/** Links are followed, each folder once. */
function foldersIn(root: string): string[] {
  const found = new Set<string>();
  const visit = (path: string) => {
    const real = existsSync(path) ? realpathSync(path) : null;
    if (real === null || found.has(real) || !statSync(real).isDirectory()) return;
    found.add(real);
    for (const name of readdirSync(real)) visit(join(real, name));
  };
  visit(root);
  return [...found].sort();
}

/** Order is by place, and by name among files without a header, which come first. */
async function headsOf(home: string) {
  const found = [];
  for (const { name, day } of filesOf(home)) {
    const { chain, instance } = await headOf(join(home, name));
    found.push({ name, day, place: chain?.place ?? 0, instance });
  }
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
