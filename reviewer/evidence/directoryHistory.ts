import { startOf } from '../../bundle/grants/dates.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { readServices } from '../../bundle/grants/readGrants.ts';
import type { Aside } from './commits/readAsides.ts';
import type { Step } from './commits/readCommits.ts';
import { createArrivals } from './directory/arrivals.ts';
import { type Beside, besideOf } from './directory/besideOf.ts';
import { createDirectoriesAt, type DirectoriesAt } from './directory/directoriesAt.ts';
import { type DirectoryHistory, lookUpIn } from './directory/lookUpIn.ts';
import { createOwners } from './directory/owners.ts';
import { createPresence } from './directory/presence.ts';
import { createProviders } from './directory/providers.ts';
import { createServices } from './directory/services.ts';
import { createStandings } from './directory/standings.ts';

/**
 * Follows directories and services.yaml through the commits, given one after the other, oldest first. What a grant's
 * certification is compared with is looked up while passing by, so one state is in memory at a time.
 */
export function createDirectoryHistory(organisation: Organisation) {
  const { grants } = organisation;
  const holders = new Set(grants.map(({ principal }) => fold(principal)));
  const principals = new Set([...holders].filter((name) => !name.startsWith('service:')));
  const named = new Set([...grants, ...organisation.services.values()].map(({ owner }) => fold(owner)));
  const standings = createStandings(grants);
  const providers = createProviders(principals);
  const services = createServices(organisation.services.values());
  const presence = createPresence(new Set([...principals, ...named]));
  const owners = createOwners(named);
  const arrivals = createArrivals(holders);
  /** What directories say now; null: there are none. */
  let moment: DirectoriesAt | null = null;
  /** What gateways knew: those that were read in part, too. */
  let enforced = createDirectoriesAt(providers.files, services);

  /** Takes over what services.yaml says from then on; whether it does. One that cannot be read was never enforced. */
  const stepServices = ({ at, files }: Step): boolean => {
    const changed = files.find(({ path }) => fileKind(path).kind === 'services');
    if (changed === undefined) return false;
    const file = changed.bytes === null ? { services: [] } : readServices(changed.bytes, changed.path).value;
    if (file !== undefined) services.step(at, file.services);
    return file !== undefined;
  };

  /** Whom a provider knew on a merged branch, and by which ids. */
  const noteProviderBeside = (provider: string, { directories, moment: then }: Beside, at: number) => {
    const file = directories.get(provider);
    if (file?.complete !== true) providers.absences.interrupt(provider);
    if (file === undefined) return;
    const readAt = Math.min(startOf(file.synced), at);
    providers.absences.noteKnown(provider, readAt, then.knows);
    for (const { login, id } of file.people) {
      const name = fold(`user:${login}`);
      if (principals.has(name)) providers.ids.noteBeside(name, { provider, id, at: readAt });
    }
  };

  return {
    /**
     * A commit on a merged branch, before the step that merged it. It may have been what was enforced, or never: it is heard
     * for whoever would lose something, and against nobody.
     */
    aside({ at, mergedAt, merge, files }: Pick<Aside, 'at' | 'mergedAt' | 'merge' | 'files'>): void {
      if (!files.some(({ path }) => path.startsWith('grants/directory/'))) return;
      const line = { directories: providers.files, services };
      const before = besideOf(line, { at, files }, 'before');
      const after = besideOf(line, { at, files }, 'after');
      standings.noteBeside({ from: after.readAt, until: mergedAt, merge }, after.moment);
      if (after.services !== null) services.noteOwners(after.services, mergedAt);
      for (const { path } of files) {
        const kind = fileKind(path);
        if (kind.kind === 'directory') noteProviderBeside(kind.provider, after, at);
      }
      for (const name of holders) {
        const [was, is] = [before.moment.hasSomebody(name), after.moment.hasSomebody(name)];
        if (was && !is) arrivals.noteAbsence(name, at);
        if (!was && is) arrivals.noteArrival(name, at);
      }
      arrivals.step(mergedAt, enforced.hasSomebody);
      owners.aside({ at, readAt: after.readAt, mergedAt }, [before.moment, after.moment]);
    },
    step(step: Step): void {
      const { at } = step;
      const { isChanged, unread } = providers.step(step, (from) => standings.pass(from, moment));
      presence.noteUnread(unread, at);
      // Whatever directories say: the one does not stand for the other.
      if (!stepServices(step) && !isChanged) return;
      const now = createDirectoriesAt(providers.files, services);
      moment = providers.files.size === 0 ? null : now;
      if (moment !== null) presence.step(at, moment);
      // Gateways went on with what was before: which of two people it is nobody decided.
      if (!now.isEnforceable) return;
      // From when it was committed: no gateway knew before, whenever it was read.
      const known = providers.enforced();
      enforced = known === providers.files ? now : createDirectoriesAt(known, services);
      arrivals.step(at, enforced.hasSomebody);
      owners.step(at, moment);
    },
    end(): DirectoryHistory {
      const { ownerless } = owners;
      const { everKnown, missing, unread } = presence;
      const isTold = (owner: string) =>
        presence.isFollowed(owner) && (missing.has(owner) || moment?.isWhole(owner) === true);
      const isBroughtMaybe = (name: string) =>
        name.startsWith('group:') ? presence.isFollowed(name) : principals.has(name) && !everKnown.has(name);
      return lookUpIn({
        ...{ ids: providers.ids, unread, ownerless, everKnown },
        providers: providers.end(),
        standings: standings.end(moment),
        arrived: arrivals.arrived,
        untold: new Set([...ownerless.keys()].filter((owner) => !isTold(owner))),
        owned: services.ownedSince(),
        missing: new Map([...ownerless, ...missing].filter(([name]) => isBroughtMaybe(name))),
      });
    },
  };
}
