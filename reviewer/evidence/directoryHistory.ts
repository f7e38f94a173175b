import { startOf } from '../../bundle/grants/dates.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { memberships } from '../../bundle/grants/memberships.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Group, Organisation } from '../../bundle/grants/organisation.ts';
import { readDirectory } from '../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import type { Step } from './commits.ts';

/** Who somebody was to the directories at a past instant; names are folded. */
export type Standing = { groups: readonly string[]; manager: string | null };
/** The last syncs of one provider in a row that do not know somebody; seconds since 1970. */
export type Absence = { syncs: number; from: number; to: number };

export type DirectoryHistory = {
  /** Of a grant to a person: groups and manager when it was last certified; null where history does not tell. */
  standing(grant: Grant): Standing | null;
  /** Of a grant to a group: how many people and services it reached then; null where history does not tell. */
  members(grant: Grant): number | null;
  /** When a person's login was last given another provider id; null when never. */
  idChangedAt(principal: string): number | null;
  /**
   * How often in a row the provider that lost a person or group last did not know it (several that lost it at once; of
   * one that none ever knew, the provider that was read most); null when one knows it, when its provider's file went,
   * and for a group that none ever knew: it may come with tokens.
   */
  absences(principal: string): Absence[] | null;
  /** Since when nobody active is behind an owner, as far back as history tells; null while somebody is. */
  ownerlessSince(owner: string): number | null;
  /**
   * Of a person or group: since when somebody active is behind it who was not before, or not for a day; null where it was
   * so when history began, and where nobody is.
   */
  reachedSince(principal: string): number | null;
};

type State = ReadonlyMap<string, DirectoryFile>;

/** When somebody last answered for a grant. */
export const certifiedAt = ({ review, grantedAt }: Grant): number =>
  review === undefined ? grantedAt : Math.max(grantedAt, startOf(review.at));

function groupsOf(state: State): Map<string, Group> {
  const members = new Map<string, Set<string>>();
  for (const { groups } of state.values())
    for (const group of groups) {
      const name = fold(group.name);
      const joined = members.get(name) ?? new Set();
      for (const member of group.members) joined.add(fold(member));
      members.set(name, joined);
    }
  return new Map([...members].map(([name, joined]) => [name, { name, members: [...joined] }]));
}

/** Everybody that a group reaches, and what services and people are active. */
function createLens(state: State, services: Organisation['services']) {
  const people = new Map<string, DirectoryFile['people'][number]>();
  for (const file of state.values()) for (const person of file.people) people.set(fold(person.login), person);
  const groups = groupsOf(state);
  const { of } = memberships(groups);
  const inside = new Map<string, string[]>();
  for (const [name, above] of of)
    for (const group of above) {
      const known = inside.get(group);
      if (known) known.push(name);
      else inside.set(group, [name]);
    }
  const active = new Set<string>();
  for (const { name, state } of services.values())
    if (state === 'active') active.add(fold(`service:${name}`));
  const isActive = (principal: string): boolean =>
    principal.startsWith('user:')
      ? people.get(principal.slice(5))?.status === 'active'
      : active.has(principal);
  const standings = new Map<string, Standing>();
  return {
    /** Of a person; one for all that they hold. */
    standing(principal: string): Standing | null {
      const person = people.get(principal.slice(5));
      if (person === undefined) return null;
      const manager = person.manager === undefined ? null : fold(person.manager);
      const standing = standings.get(principal) ?? { groups: of.get(principal) ?? [], manager };
      standings.set(principal, standing);
      return standing;
    },
    knows: (group: string) => groups.has(group.slice('group:'.length)),
    members: (group: string) => inside.get(group) ?? [],
    answered: (owner: string) =>
      owner.startsWith('group:') ? (inside.get(owner) ?? []).some(isActive) : isActive(owner),
  };
}

const isNewer = (file: DirectoryFile, before: DirectoryFile | undefined) =>
  before === undefined || startOf(before.synced) < startOf(file.synced);

/**
 * A state of one provider's file holds from when it was read, at the latest from when it was committed; one that was edited
 * by hand holds from then on, whenever what it was before was read.
 */
const heldFrom = (file: DirectoryFile, before: DirectoryFile | undefined, at: number) =>
  isNewer(file, before) ? Math.min(startOf(file.synced), at) : at;

/** An account that pauses for less has not come anew, in seconds: a sync may fall between one member and the next. */
const shortPause = 86_400;

/** Follows who has somebody active behind it, state after state of the directories. */
function createArrivals(principals: ReadonlySet<string>) {
  /** Those with nobody behind them → since when; minus infinity: as long as history tells. */
  const nobody = new Map<string, number>();
  const arrived = new Map<string, number>();
  let isBegun = false;
  return {
    arrived,
    /** `isUntold`: nothing is known of it at the moment, so it stays as it was. */
    step(at: number, isAnswered: (principal: string) => boolean, isUntold: (principal: string) => boolean) {
      for (const name of principals) {
        if (isUntold(name)) continue;
        if (!isAnswered(name)) {
          if (!nobody.has(name)) nobody.set(name, isBegun ? at : Number.NEGATIVE_INFINITY);
          continue;
        }
        const since = nobody.get(name);
        if (since === undefined) continue;
        nobody.delete(name);
        if (at - since >= shortPause) arrived.set(name, at);
      }
      isBegun = true;
    },
  };
}

/**
 * Follows the directories through the commits, given one after the other, oldest first. What a grant's certification is
 * compared with is looked up while passing by, so one state is in memory at a time.
 */
export function createDirectoryHistory(organisation: Organisation) {
  const { grants, services } = organisation;
  const principals = new Set(
    grants.map(({ principal }) => fold(principal)).filter((name) => !name.startsWith('service:')),
  );
  const owners = new Set([...grants, ...services.values()].map(({ owner }) => fold(owner)));
  const waiting = grants
    .filter(({ principal }) => !principal.startsWith('service:'))
    .map((grant) => ({ grant, at: certifiedAt(grant) }))
    .sort((a, b) => a.at - b.at);
  let next = 0;
  const standings = new Map<string, Standing>();
  const sizes = new Map<string, number>();
  const state = new Map<string, DirectoryFile>();
  const ids = new Map<string, string>();
  const changed = new Map<string, number>();
  const absent = new Map<string, Map<string, Absence>>();
  const lost = new Set<string>();
  const everKnown = new Set<string>();
  const ownerless = new Map<string, number>();
  const arrivals = createArrivals(principals);
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
    const isSync = isNewer(file, state.get(provider));
    const runs = absent.get(provider) ?? new Map<string, Absence>();
    absent.set(provider, runs);
    for (const name of principals) {
      const id = known.get(name);
      if (id !== undefined) {
        const place = `${provider} ${name}`;
        if (ids.has(place) && ids.get(place) !== id) changed.set(name, at);
        ids.set(place, id);
        everKnown.add(name);
        runs.delete(name);
        lost.delete(name);
      } else if (isSync) {
        // By when it was committed at the latest: a clock that is ahead does not make two syncs a day apart.
        const run = runs.get(name) ?? { syncs: 0, from: at, to: at };
        runs.set(name, {
          syncs: run.syncs + 1,
          from: run.syncs === 0 ? at : run.from,
          to: Math.max(run.from, at),
        });
        // Taken out by hand: no sync has said so yet.
      } else if (!runs.has(name)) runs.set(name, { syncs: 0, from: at, to: at });
    }
  };

  return {
    step({ at, files, lost: unread = [] }: Step): void {
      for (const path of unread) {
        const kind = fileKind(path);
        if (kind.kind === 'directory') absent.get(kind.provider)?.clear();
      }
      const read = files.flatMap(({ path, bytes }) => {
        const kind = fileKind(path);
        if (kind.kind !== 'directory') return [];
        const file = bytes === null ? null : readDirectory(bytes, path).value;
        if (file !== undefined && file?.complete !== false) return [{ provider: kind.provider, file }];
        // A read that was cut short says nothing, not even that the syncs around it follow each other.
        absent.get(kind.provider)?.clear();
        return [];
      });
      if (read.length === 0) return;
      const from = (provider: string, file: DirectoryFile) => heldFrom(file, state.get(provider), at);
      const held = Math.min(...read.map(({ provider, file }) => (file === null ? at : from(provider, file))));
      lookUp(held);
      for (const { provider, file } of read) {
        if (file !== null) continue;
        // Nobody read that its people are gone: they are only not read any more.
        for (const { login } of state.get(provider)?.people ?? []) lost.add(fold(`user:${login}`));
        for (const { name } of state.get(provider)?.groups ?? []) lost.add(fold(`group:${name}`));
        state.delete(provider);
        absent.delete(provider);
      }
      // After those that went: whoever is in another file now was moved there, or the file was renamed.
      for (const { provider, file } of read) {
        if (file === null) continue;
        sync(provider, file, from(provider, file));
        state.set(provider, file);
      }
      lens = state.size === 0 ? null : createLens(state, services);
      if (lens !== null) arrivals.step(held, lens.answered, (name) => lost.has(name));
      for (const owner of owners) {
        if (lens === null || lens.answered(owner)) ownerless.delete(owner);
        else if (!ownerless.has(owner)) ownerless.set(owner, held);
      }
    },
    end(): DirectoryHistory {
      lookUp(Number.POSITIVE_INFINITY);
      const providers = [...state.keys()].map((provider) => ({
        runs: absent.get(provider) ?? new Map<string, Absence>(),
        knew: (name: string) => ids.has(`${provider} ${name}`),
      }));
      const { arrived } = arrivals;
      return lookUpIn({ standings, sizes, changed, lost, ownerless, everKnown, arrived, providers });
    },
  };
}

type Found = {
  standings: ReadonlyMap<string, Standing>;
  sizes: ReadonlyMap<string, number>;
  changed: ReadonlyMap<string, number>;
  lost: ReadonlySet<string>;
  ownerless: ReadonlyMap<string, number>;
  everKnown: ReadonlySet<string>;
  arrived: ReadonlyMap<string, number>;
  /** Of each provider, whom it does not know, and whether it ever did. */
  providers: readonly { runs: ReadonlyMap<string, Absence>; knew(name: string): boolean }[];
};

/**
 * Whose word counts that nobody knows somebody: a provider that never did, or lost them before another had them, need not
 * be read again for that; it may be a file that is kept by hand.
 */
function deciding(absences: readonly { run: Absence; knew: boolean }[]): Absence[] {
  const lost = absences.filter(({ knew }) => knew).map(({ run }) => run);
  const last = Math.max(...lost.map(({ from }) => from));
  if (lost.length > 0) return lost.filter(({ from }) => from === last);
  return absences
    .map(({ run }) => run)
    .sort((a, b) => b.syncs - a.syncs)
    .slice(0, 1);
}

/** A function of its own: what a closure over there sees stays in memory as long as the history. */
const lookUpIn = (found: Found): DirectoryHistory => ({
  standing: ({ id }) => found.standings.get(id) ?? null,
  members: ({ id }) => found.sizes.get(id) ?? null,
  idChangedAt: (principal) => found.changed.get(fold(principal)) ?? null,
  absences(principal) {
    const name = fold(principal);
    if (found.lost.has(name) || found.providers.length === 0) return null;
    if (name.startsWith('group:') && !found.everKnown.has(name)) return null;
    const absences = found.providers.flatMap(({ runs, knew }) => {
      const run = runs.get(name);
      return run === undefined ? [] : [{ run, knew: knew(name) }];
    });
    return absences.length === found.providers.length ? deciding(absences) : null;
  },
  ownerlessSince: (owner) => found.ownerless.get(fold(owner)) ?? null,
  reachedSince: (principal) => found.arrived.get(fold(principal)) ?? null,
});
