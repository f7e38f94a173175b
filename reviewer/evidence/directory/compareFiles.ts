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

type Numbered = { name: string; id?: string | undefined };

/** Whether a provider counts all of its people, or groups, anew, as after a move to another tenant: none became another by that. */
export function isRenumbered(now: readonly Numbered[], before: readonly Numbered[] = []): boolean {
  const ids = new Map(before.flatMap(({ name, id }) => (id === undefined ? [] : [[fold(name), id]])));
  const stayed = now.filter(({ name, id }) => id !== undefined && ids.has(fold(name)));
  return stayed.length > 1 && stayed.every(({ name, id }) => ids.get(fold(name)) !== id);
}
