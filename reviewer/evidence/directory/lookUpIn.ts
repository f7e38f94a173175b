import { fold } from '../../../bundle/grants/names.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { type Absence, deciding } from './absences.ts';
import type { Position } from './directoriesAt.ts';
import type { createIds } from './ids.ts';
import { isPosition, type Standing, sizeOf } from './standings.ts';

export type DirectoryHistory = {
  /** Of a grant to a person: groups and manager when it was last certified; null where history does not tell. */
  position(grant: Grant): Position | null;
  /** Of a grant to a group: how many people and services it reached then; null where history does not tell. */
  members(grant: Grant): number | null;
  /** Who they were, folded; null too where they were very many. */
  memberNames(grant: Grant): readonly string[] | null;
  /** When a person's login was last given another provider id; null when never. */
  idChangedAt(principal: string): number | null;
  /** Whether a login has the provider id that it had at an instant, or when it was first known. */
  isSame(principal: string, since: number): boolean;
  /**
   * How often in a row the provider that lost a person or group last did not know it (several that lost it at once; of
   * one that none ever knew, the provider that was read most); null when one knows it, when its provider's file went,
   * and for a group that none ever knew: it may come with tokens.
   */
  absences(principal: string): Absence[] | null;
  /** Providers to whom somebody who is absent may have moved: they are read, and were not since. */
  awaited(principal: string): readonly string[];
  /** Since when no provider is read any more that knew a person or group, its file having gone; null while one is. */
  unreadSince(principal: string): number | null;
  /** Since when nobody active is behind an owner, as far back as history tells; null while somebody is. */
  ownerlessSince(owner: string): number | null;
  /**
   * Whether directories can tell of an owner that nobody active is behind: not where none ever knew it, where its
   * provider's file went, or where it has members that none knows.
   */
  canTell(owner: string): boolean;
  /** Since when a service has the owner that it has; null where there is no such service. */
  serviceOwnedSince(service: string): number | null;
  /**
   * Since when somebody active is behind a principal who was not before, or not for a day; null where it was so when
   * history began, and where nobody is.
   */
  reachedSince(principal: string): number | null;
  /**
   * Those that no directory has and tokens may bring, since when: groups that one knew once, which hold a grant, people who
   * hold one and whom none ever knew, and owning groups without anybody active. Who was known and went stays gone, whatever
   * a token says.
   */
  missing: ReadonlyMap<string, number>;
};

/** What was found on the way through the commits; names are folded. */
type Found = {
  /** Who held a grant when it was last certified, by its id. */
  standings: ReadonlyMap<string, Standing>;
  ids: Pick<ReturnType<typeof createIds>, 'changedAt' | 'isSame'>;
  /** Whose provider is not read any more. */
  unread: ReadonlyMap<string, number>;
  ownerless: ReadonlyMap<string, number>;
  untold: ReadonlySet<string>;
  owned: ReadonlyMap<string, number>;
  everKnown: ReadonlySet<string>;
  arrived: ReadonlyMap<string, number>;
  missing: ReadonlyMap<string, number>;
  /** Of each provider, whom it does not know, and whether it ever did. */
  providers: readonly {
    provider: string;
    runs: ReadonlyMap<string, Absence>;
    knew(name: string): boolean;
  }[];
};

/** Who tells that nobody knows somebody any more; null where nobody does. */
function absenceOf(principal: string, { unread, providers, everKnown }: Found) {
  const name = fold(principal);
  if (unread.has(name) || providers.length === 0) return null;
  if (name.startsWith('group:') && !everKnown.has(name)) return null;
  const unknowing = providers.flatMap(({ provider, runs, knew }) => {
    const run = runs.get(name);
    return run === undefined ? [] : [{ provider, run, knew: knew(name) }];
  });
  return unknowing.length === providers.length ? deciding(unknowing) : null;
}

/** A function of its own: what a closure over there sees stays in memory as long as the history. */
export const lookUpIn = (found: Found): DirectoryHistory => ({
  position: ({ id }) => {
    const standing = found.standings.get(id);
    return standing !== undefined && isPosition(standing) ? standing : null;
  },
  members: ({ id }) => {
    const standing = found.standings.get(id);
    return standing === undefined || isPosition(standing) ? null : sizeOf(standing);
  },
  memberNames: ({ id }) => {
    const standing = found.standings.get(id);
    return standing === undefined || isPosition(standing) || typeof standing === 'number' ? null : standing;
  },
  idChangedAt: (principal) => found.ids.changedAt(fold(principal)),
  isSame: (principal, since) => found.ids.isSame(fold(principal), since),
  absences: (principal) => absenceOf(principal, found)?.decisive ?? null,
  awaited: (principal) => absenceOf(principal, found)?.awaited ?? [],
  unreadSince: (principal) => found.unread.get(fold(principal)) ?? null,
  ownerlessSince: (owner) => found.ownerless.get(fold(owner)) ?? null,
  canTell: (owner) => !found.untold.has(fold(owner)),
  serviceOwnedSince: (service) => found.owned.get(fold(service)) ?? null,
  reachedSince: (principal) => found.arrived.get(fold(principal)) ?? null,
  missing: found.missing,
});
