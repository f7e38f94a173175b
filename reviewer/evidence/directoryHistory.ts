import { startOf } from '../../bundle/grants/dates.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { readDirectory, readServices } from '../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import type { Step } from './commits.ts';
import { type Absence, createAbsences, deciding } from './directory/absences.ts';
import { createArrivals } from './directory/arrivals.ts';
import { createIds } from './directory/ids.ts';
import { createLens, type Standing } from './directory/lens.ts';
import { createServices } from './directory/services.ts';

export type DirectoryHistory = {
  /** Of a grant to a person: groups and manager when it was last certified; null where history does not tell. */
  standing(grant: Grant): Standing | null;
  /** Of a grant to a group: how many people and services it reached then; null where history does not tell. */
  members(grant: Grant): number | null;
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

/** When somebody last answered for a grant. */
export const certifiedAt = ({ review, grantedAt }: Grant): number =>
  review === undefined ? grantedAt : Math.max(grantedAt, startOf(review.at));

const isNewer = (file: DirectoryFile, before: DirectoryFile | undefined) =>
  before === undefined || startOf(before.synced) < startOf(file.synced);

/**
 * A state of one provider's file holds from when it was read, at the latest from when it was committed; one that was edited
 * by hand holds from then on, whenever what it was before was read.
 */
const heldFrom = (file: DirectoryFile, before: DirectoryFile | undefined, at: number) =>
  isNewer(file, before) ? Math.min(startOf(file.synced), at) : at;

/** Whether a provider counts all of its people anew, as after a move to another tenant: no login became another's by that. */
function isRenumbered(file: DirectoryFile, before: DirectoryFile | undefined): boolean {
  const ids = new Map(before?.people.map(({ login, id }) => [fold(login), id]));
  const stayed = file.people.filter(({ login }) => ids.has(fold(login)));
  return stayed.length > 1 && stayed.every(({ login, id }) => ids.get(fold(login)) !== id);
}

/**
 * Follows directories and services.yaml through the commits, given one after the other, oldest first. What a grant's
 * certification is compared with is looked up while passing by, so one state is in memory at a time.
 */
export function createDirectoryHistory(organisation: Organisation) {
  const { grants } = organisation;
  const all = new Set(grants.map(({ principal }) => fold(principal)));
  const principals = new Set([...all].filter((name) => !name.startsWith('service:')));
  const owners = new Set([...grants, ...organisation.services.values()].map(({ owner }) => fold(owner)));
  const watched = new Set([...principals, ...owners]);
  const waiting = grants
    .filter(({ principal }) => !principal.startsWith('service:'))
    .map((grant) => ({ grant, at: certifiedAt(grant) }))
    .sort((a, b) => a.at - b.at);
  let next = 0;
  const standings = new Map<string, Standing>();
  const sizes = new Map<string, number>();
  const state = new Map<string, DirectoryFile>();
  const former = new Map<string, DirectoryFile>();
  /** Read in part, and enforced all the same: whom they leave out nobody let in. */
  const short = new Map<string, DirectoryFile>();
  const services = createServices(organisation.services.values());
  const ids = createIds();
  const absences = createAbsences(principals);
  const lost = new Map<string, number>();
  const everKnown = new Set<string>();
  const missing = new Map<string, number>();
  const ownerless = new Map<string, number>();
  const arrivals = createArrivals(all);
  let lens: ReturnType<typeof createLens> | null = null;

  /** Grants certified before `until` are compared with the state that is there now. */
  const lookUp = (until: number) => {
    for (let one = waiting[next]; one !== undefined && one.at < until; one = waiting[++next]) {
      if (state.size === 0) continue;
      lens ??= createLens(state, services);
      const { id } = one.grant;
      const principal = fold(one.grant.principal);
      if (principal.startsWith('group:')) {
        if (lens.knows(principal)) sizes.set(id, lens.members(principal).length);
        continue;
      }
      const standing = lens.standing(principal);
      if (standing !== null) standings.set(id, standing);
    }
  };

  const sync = (provider: string, file: DirectoryFile, at: number) => {
    const known = new Map<string, string>();
    for (const { login, id } of file.people) known.set(fold(`user:${login}`), id);
    for (const { name } of file.groups) known.set(fold(`group:${name}`), '');
    const before = state.get(provider);
    const renumbered = isRenumbered(file, before ?? former.get(provider));
    for (const name of principals) {
      const id = known.get(name);
      if (id !== undefined) ids.note(name, { provider, id, at }, renumbered);
    }
    absences.note(provider, { at, isSync: isNewer(file, before), knows: (name) => known.has(name) });
  };

  /** Takes over what files of directories say from then on; whether any does. */
  const read = ({ at, files, lost: unread = [] }: Step): boolean => {
    for (const path of unread) {
      const kind = fileKind(path);
      if (kind.kind === 'directory') absences.interrupt(kind.provider);
    }
    let isShort = false;
    const found = files.flatMap(({ path, bytes }) => {
      const kind = fileKind(path);
      if (kind.kind !== 'directory') return [];
      const file = bytes === null ? null : readDirectory(bytes, path).value;
      short.delete(kind.provider);
      if (file?.complete === false) short.set(kind.provider, file);
      isShort ||= file?.complete === false;
      if (file !== undefined && file?.complete !== false) return [{ provider: kind.provider, file }];
      // A read that was cut short says nothing, not even that the syncs around it follow each other.
      absences.interrupt(kind.provider);
      return [];
    });
    if (found.length === 0) return isShort;
    const from = (provider: string, file: DirectoryFile) => heldFrom(file, state.get(provider), at);
    lookUp(Math.min(...found.map(({ provider, file }) => (file === null ? at : from(provider, file)))));
    for (const { provider, file } of found) {
      if (file !== null) continue;
      const before = state.get(provider);
      if (before === undefined) continue;
      former.set(provider, before);
      // Nobody read that its people are gone: they are only not read any more.
      for (const { login } of before.people) lost.set(fold(`user:${login}`), at);
      for (const { name } of before.groups) lost.set(fold(`group:${name}`), at);
      state.delete(provider);
      // Nor does anybody read on whom it had lost, but for others that knew them.
      for (const name of absences.runs(provider).keys())
        if (ids.knew(name, provider) && ![...state.keys()].some((other) => ids.knew(name, other)))
          lost.set(name, at);
      absences.remove(provider);
    }
    // After those that went: whoever is in another file now was moved there, or the file was renamed.
    for (const { provider, file } of found) {
      if (file === null) continue;
      sync(provider, file, from(provider, file));
      state.set(provider, file);
    }
    return true;
  };

  /** Takes over what services.yaml says from then on; whether it does. One that cannot be read was never enforced. */
  const readOfServices = ({ at, files }: Step): boolean => {
    const changed = files.find(({ path }) => fileKind(path).kind === 'services');
    if (changed === undefined) return false;
    const file = changed.bytes === null ? { services: [] } : readServices(changed.bytes, changed.path).value;
    if (file !== undefined) services.step(at, file.services);
    return file !== undefined;
  };

  return {
    step(step: Step): void {
      // Both: the one does not stand for the other.
      const [directories, programs] = [read(step), readOfServices(step)];
      if (!directories && !programs) return;
      const { at } = step;
      const now = createLens(state, services);
      lens = state.size === 0 ? null : now;
      if (lens !== null)
        for (const name of watched)
          if (now.knows(name)) {
            everKnown.add(name);
            lost.delete(name);
            missing.delete(name);
          } else if (!missing.has(name)) missing.set(name, at);
      // From when it was committed: no gateway knew before, whenever it was read.
      const enforced = short.size === 0 ? now : createLens(new Map([...state, ...short]), services);
      arrivals.step(at, enforced.hasSomebody);
      for (const owner of owners) {
        if (lens === null || lens.hasSomebody(owner)) ownerless.delete(owner);
        else if (!ownerless.has(owner)) ownerless.set(owner, at);
      }
    },
    end(): DirectoryHistory {
      lookUp(Number.POSITIVE_INFINITY);
      const providers = [...state.keys()].map((provider) => ({
        provider,
        runs: absences.runs(provider),
        knew: (name: string) => ids.knew(name, provider),
      }));
      const isTold = (owner: string) =>
        everKnown.has(owner) && !lost.has(owner) && (missing.has(owner) || lens?.isWhole(owner) === true);
      const isBroughtMaybe = (name: string) =>
        name.startsWith('group:')
          ? everKnown.has(name) && !lost.has(name)
          : principals.has(name) && !everKnown.has(name);
      return lookUpIn({
        ...{ standings, sizes, ids, lost, ownerless, everKnown, providers },
        arrived: arrivals.arrived,
        untold: new Set([...ownerless.keys()].filter((owner) => !isTold(owner))),
        owned: services.ownedSince(),
        missing: new Map([...ownerless, ...missing].filter(([name]) => isBroughtMaybe(name))),
      });
    },
  };
}

type Found = {
  standings: ReadonlyMap<string, Standing>;
  sizes: ReadonlyMap<string, number>;
  ids: Pick<ReturnType<typeof createIds>, 'changedAt' | 'isSame'>;
  lost: ReadonlyMap<string, number>;
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
function absenceOf(principal: string, { lost, providers, everKnown }: Found) {
  const name = fold(principal);
  if (lost.has(name) || providers.length === 0) return null;
  if (name.startsWith('group:') && !everKnown.has(name)) return null;
  const unknowing = providers.flatMap(({ provider, runs, knew }) => {
    const run = runs.get(name);
    return run === undefined ? [] : [{ provider, run, knew: knew(name) }];
  });
  return unknowing.length === providers.length ? deciding(unknowing) : null;
}

/** A function of its own: what a closure over there sees stays in memory as long as the history. */
const lookUpIn = (found: Found): DirectoryHistory => ({
  standing: ({ id }) => found.standings.get(id) ?? null,
  members: ({ id }) => found.sizes.get(id) ?? null,
  idChangedAt: (principal) => found.ids.changedAt(fold(principal)),
  isSame: (principal, since) => found.ids.isSame(fold(principal), since),
  absences: (principal) => absenceOf(principal, found)?.decisive ?? null,
  awaited: (principal) => absenceOf(principal, found)?.awaited ?? [],
  unreadSince: (principal) => found.lost.get(fold(principal)) ?? null,
  ownerlessSince: (owner) => found.ownerless.get(fold(owner)) ?? null,
  canTell: (owner) => !found.untold.has(fold(owner)),
  serviceOwnedSince: (service) => found.owned.get(fold(service)) ?? null,
  reachedSince: (principal) => found.arrived.get(fold(principal)) ?? null,
  missing: found.missing,
});
