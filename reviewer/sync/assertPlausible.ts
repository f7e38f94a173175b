import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import { SyncError } from './providers/syncError.ts';

/** Of fewer people, one more or less is a large share. */
const few = 10;

/**
 * Throws SyncError `sync-shrunk` for a read in which more than `share` of the people who could sign in are gone or
 * closed: a filter, a permission or a page that was lost looks just like that, and would take access from them all.
 */
export function assertPlausible(before: DirectoryFile | null, after: DirectoryFile, share: number): void {
  const activeIn = (directory: DirectoryFile) =>
    new Set(directory.people.filter(({ status }) => status === 'active').map(({ id }) => id));
  if (after.people.length === 0)
    throw new SyncError('sync-shrunk', `${after.provider} lists nobody at all; nothing was written`);
  if (before === null) return;
  const [were, are] = [activeIn(before), activeIn(after)];
  const gone = [...were].filter((id) => !are.has(id)).length;
  if (were.size >= few && gone > were.size * share)
    throw new SyncError(
      'sync-shrunk',
      `${after.provider} lists ${are.size} active people, and ${gone} of the ${were.size} before are not among them (at most ${Math.floor(were.size * share)} is taken as plausible): if that is right, set "shrink" for this run`,
    );
  const members = (directory: DirectoryFile) =>
    directory.groups.filter((group) => group.members.length > 0).length;
  const [held, holds] = [members(before), members(after)];
  if (held >= few && held - holds > held * share)
    throw new SyncError(
      'sync-shrunk',
      `${after.provider} lists ${holds} groups that have members, ${held} before: if that is right, set "shrink" for this run`,
    );
}
