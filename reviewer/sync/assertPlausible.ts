import { fold } from '../../bundle/grants/names.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import { SyncError } from './providers/syncError.ts';

/** Of fewer, one more or less is a large share. */
const few = 10;
/** As many unusable names as an error shows. */
const mostNamed = 3;
/** So many may always be missing, however few there are. */
const always = 2;

/**
 * Throws SyncError `sync-shrunk` for a read in which more than `share` of the people who could sign in are gone or
 * closed, of the groups that have members, or of the members of groups that are still there, as they are: a filter, a
 * permission or a page that was lost looks just like that, and would take access from them all. `unusable`: a line about
 * each that no directory can hold as it is called, which is a cause, too.
 */
export function assertPlausible(
  before: DirectoryFile | null,
  after: DirectoryFile,
  share: number,
  unusable: readonly string[] = [],
): void {
  const because = causeOf(unusable);
  if (after.people.length === 0)
    throw new SyncError(
      'sync-shrunk',
      `${after.provider} lists nobody at all; nothing was written${because}`,
    );
  if (before === null) return;
  const refuse = (what: string) =>
    new SyncError(
      'sync-shrunk',
      `${after.provider} lists ${what}: if that is right, set "shrink" for this run${because}`,
    );
  const most = (count: number) => Math.max(Math.floor(count * share), share === 0 ? 0 : always);
  const activeIn = (directory: DirectoryFile) =>
    new Set(directory.people.filter(({ status }) => status === 'active').map(({ id }) => id));
  const [were, are] = [activeIn(before), activeIn(after)];
  const gone = [...were].filter((id) => !are.has(id)).length;
  if (gone > most(were.size))
    throw refuse(
      `${are.size} active people, and ${gone} of the ${were.size} before are not among them (at most ${most(were.size)} is taken as plausible)`,
    );
  // By their names, as grants do: all of them called otherwise take as much away as none at all.
  const [held, holds] = [heldIn(before), heldIn(after)];
  const ended = [...held].filter((name) => !holds.has(name)).length;
  if (ended > most(held.size) || (held.size > 1 && ended === held.size && share < 1))
    throw refuse(
      `${holds.size} groups that have members, and ${ended} of the ${held.size} before are not among them`,
    );
  const { kept, lost } = memberships(before, after);
  if (lost > Math.max(kept * share, share === 0 ? 0 : few))
    throw refuse(
      `${lost} of ${kept} members of groups no more, though they and the groups are there (at most ${Math.max(Math.floor(kept * share), few)} are taken as plausible)`,
    );
}

/** The folded names of groups that have members. */
const heldIn = ({ groups }: DirectoryFile) =>
  new Set(groups.flatMap(({ name, members }) => (members.length > 0 ? fold(name) : [])));

/** What is missing for its name alone is put right at the provider, not by letting it shrink. */
function causeOf(unusable: readonly string[]): string {
  if (unusable.length === 0) return '';
  const shown = unusable.slice(0, mostNamed).map((line) => line.replace(/\p{Cc}+/gu, ' '));
  if (unusable.length > mostNamed) shown.push(`and ${unusable.length - mostNamed} more like that`);
  return `\nWhat is called as no directory can hold counts as missing:\n${shown.map((line) => `  ${line}`).join('\n')}`;
}

/** How many are members of groups that are still there, and could still sign in; and how many of those are members no more. */
function memberships(before: DirectoryFile, after: DirectoryFile): { kept: number; lost: number } {
  const there = new Set(after.people.flatMap(({ id, status }) => (status === 'active' ? id : [])));
  const idOf = (directory: DirectoryFile) =>
    new Map(directory.people.map(({ login, id }) => [fold(`user:${login}`), id]));
  const [ids, newIds] = [idOf(before), idOf(after)];
  const now = new Map(
    after.groups.map(({ name, members }) => [
      fold(name),
      new Set(members.map((member) => newIds.get(fold(member)))),
    ]),
  );
  let [kept, lost] = [0, 0];
  for (const { name, members } of before.groups) {
    const still = now.get(fold(name));
    if (still === undefined) continue;
    for (const member of members) {
      const id = ids.get(fold(member));
      if (id === undefined || !there.has(id)) continue;
      kept += 1;
      if (!still.has(id)) lost += 1;
    }
  }
  return { kept, lost };
}
