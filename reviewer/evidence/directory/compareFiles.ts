import { startOf } from '../../../bundle/grants/dates.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { DirectoryFile } from '../../../bundle/grants/schema.ts';

/** Whether a provider was read anew, rather than its file edited. */
export const isNewer = (file: DirectoryFile, before: DirectoryFile | undefined) =>
  before === undefined || startOf(before.synced) < startOf(file.synced);

/**
 * A state of one provider's file holds from when it was read, at the latest from when it was committed; one that was edited
 * by hand holds from then on, whenever what it was before was read.
 */
export const heldFrom = (file: DirectoryFile, before: DirectoryFile | undefined, at: number) =>
  isNewer(file, before) ? Math.min(startOf(file.synced), at) : at;

/** Whether a provider counts all of its people anew, as after a move to another tenant: no login became another's by that. */
export function isRenumbered(file: DirectoryFile, before: DirectoryFile | undefined): boolean {
  const ids = new Map(before?.people.map(({ login, id }) => [fold(login), id]));
  const stayed = file.people.filter(({ login }) => ids.has(fold(login)));
  return stayed.length > 1 && stayed.every(({ login, id }) => ids.get(fold(login)) !== id);
}
