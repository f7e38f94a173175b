import { startOf } from '../../bundle/grants/dates.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { readDirectory, readServices } from '../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';
import type { Aside } from './commits/readAsides.ts';
import type { Step } from './commits/readCommits.ts';
import { createAbsences } from './directory/absences.ts';
import { createArrivals } from './directory/arrivals.ts';
import { heldFrom, isNewer, isRenumbered } from './directory/compareFiles.ts';
import { createDirectoriesAt } from './directory/directoriesAt.ts';
import { createIds } from './directory/ids.ts';
import { type DirectoryHistory, lookUpIn } from './directory/lookUpIn.ts';
import { createServices } from './directory/services.ts';
import { createStandings } from './directory/standings.ts';

/** When somebody last answered for a grant. */
export const certifiedAt = ({ review, grantedAt }: Grant): number =>
  review === undefined ? grantedAt : Math.max(grantedAt, startOf(review.at));

/** The place of the first of some, sorted by instant, that is none before another. */
function firstFrom(sorted: readonly { at: number }[], from: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.at ?? from) < from) low = middle + 1;
    else high = middle;
  }
  return low;
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
  const standings = createStandings();
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
  let moment: ReturnType<typeof createDirectoriesAt> | null = null;
  /** What gateways knew: those that were read in part, too. */
  let enforced = createDirectoriesAt(state, services);

  /** Grants certified before `until` are compared with the state that is there now. */
  const lookUp = (until: number) => {
    for (let one = waiting[next]; one !== undefined && one.at < until; one = waiting[++next]) {
      if (state.size === 0) continue;
      moment ??= createDirectoriesAt(state, services);
      standings.note(one.grant, moment);
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

  /** What directories and services said on a merged branch, and when the former were read at the latest. */
  const readBeside = ({ at, files }: Pick<Aside, 'at' | 'files'>, side: 'before' | 'after') => {
    const directories = new Map(state);
    let programs: ReturnType<typeof services.as> = services;
    let readAt = Number.NEGATIVE_INFINITY;
    for (const { path, [side]: bytes } of files) {
      const kind = fileKind(path);
      if (kind.kind === 'directory') {
        const file = bytes === null ? null : readDirectory(bytes, path).value;
        if (file === null) directories.delete(kind.provider);
        else if (file !== undefined) directories.set(kind.provider, file);
        if (file) readAt = Math.max(readAt, Math.min(startOf(file.synced), at));
      } else if (kind.kind === 'services') {
        programs = services.as(bytes === null ? [] : (readServices(bytes, path).value?.services ?? []));
        readAt = at;
      }
    }
    return { directories, readAt, moment: createDirectoriesAt(directories, programs) };
  };

  return {
    /**
     * A commit on a merged branch, before the step that merged it. It may have been what was enforced, or never: it is heard
     * for whoever would lose something, and against nobody.
     */
    aside({ at, mergedAt, merge, files }: Pick<Aside, 'at' | 'mergedAt' | 'merge' | 'files'>): void {
      if (!files.some(({ path }) => path.startsWith('grants/directory/'))) return;
      const [before, after] = [readBeside({ at, files }, 'before'), readBeside({ at, files }, 'after')];
      for (let index = firstFrom(waiting, after.readAt); ; index += 1) {
        const one = waiting[index];
        if (one === undefined || one.at >= mergedAt) break;
        standings.noteBeside(one.grant, after.moment, merge);
      }
      for (const { path, after: bytes } of files) {
        const kind = fileKind(path);
        if (kind.kind === 'services' && bytes !== null)
          services.noteOwners(readServices(bytes, path).value?.services ?? [], mergedAt);
        if (kind.kind !== 'directory') continue;
        const { provider } = kind;
        const file = after.directories.get(provider);
        if (file?.complete !== true) absences.interrupt(provider);
        if (file === undefined) continue;
        const readAt = Math.min(startOf(file.synced), at);
        absences.noteKnown(provider, readAt, after.moment.knows);
        for (const { login, id } of file.people)
          if (principals.has(fold(`user:${login}`)))
            ids.noteBeside(fold(`user:${login}`), { provider, id, at: readAt });
      }
      for (const name of all) {
        const [was, is] = [before.moment.hasSomebody(name), after.moment.hasSomebody(name)];
        if (was && !is) arrivals.noteAbsence(name, at);
        if (!was && is) arrivals.noteArrival(name, at);
      }
      arrivals.step(mergedAt, enforced.hasSomebody);
      for (const [owner, since] of ownerless) {
        const [was, is] = [before.moment.hasSomebody(owner), after.moment.hasSomebody(owner)];
        if (is && (after.readAt >= since || !was)) ownerless.set(owner, mergedAt);
        else if (was) ownerless.set(owner, Math.max(since, at));
      }
    },
    step(step: Step): void {
      // Both: the one does not stand for the other.
      const [directories, programs] = [read(step), readOfServices(step)];
      if (!directories && !programs) return;
      const { at } = step;
      const now = createDirectoriesAt(state, services);
      moment = state.size === 0 ? null : now;
      if (moment !== null)
        for (const name of watched)
          if (now.knows(name)) {
            everKnown.add(name);
            lost.delete(name);
            missing.delete(name);
          } else if (!missing.has(name)) missing.set(name, at);
      // Gateways went on with what was before: which of two people it is nobody decided.
      if (!now.isEnforceable) return;
      // From when it was committed: no gateway knew before, whenever it was read.
      enforced = short.size === 0 ? now : createDirectoriesAt(new Map([...state, ...short]), services);
      arrivals.step(at, enforced.hasSomebody);
      for (const owner of owners) {
        if (moment === null || moment.hasSomebody(owner)) ownerless.delete(owner);
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
        everKnown.has(owner) && !lost.has(owner) && (missing.has(owner) || moment?.isWhole(owner) === true);
      const isBroughtMaybe = (name: string) =>
        name.startsWith('group:')
          ? everKnown.has(name) && !lost.has(name)
          : principals.has(name) && !everKnown.has(name);
      return lookUpIn({
        ...{ ids, lost, ownerless, everKnown, providers },
        standings: standings.end(moment),
        arrived: arrivals.arrived,
        untold: new Set([...ownerless.keys()].filter((owner) => !isTold(owner))),
        owned: services.ownedSince(),
        missing: new Map([...ownerless, ...missing].filter(([name]) => isBroughtMaybe(name))),
      });
    },
  };
}
