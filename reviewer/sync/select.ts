import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { fold, isName } from '../../bundle/grants/names.ts';
import { type DirectoryFile, personId } from '../../bundle/grants/schema.ts';
import type { ProviderGroup, ProviderPerson, ProviderRead, Wanted } from './providers/directory.ts';
import type { ProviderConfig } from './providers/syncConfig.ts';
import { SyncError } from './providers/syncError.ts';
import { shownName } from './shownName.ts';
import { usablePeople } from './usablePeople.ts';

type Taken = Pick<ProviderConfig, 'provider' | 'groups' | 'people'>;

/** Whether a name is meant by patterns in which `*` stands for any run of characters. */
export function createWanted({ include, exclude }: ProviderConfig['groups']): Wanted {
  const patternOf = (text: string) =>
    new RegExp(`^${fold(text).split('*').map(RegExp.escape).join('.*')}$`, 's');
  const [taken, left] = [include.map(patternOf), exclude.map(patternOf)];
  return (group) => {
    const name = fold(group);
    return taken.some((pattern) => pattern.test(name)) && !left.some((pattern) => pattern.test(name));
  };
}

/**
 * The directory that is written: the groups that are taken with all that is nested in them, and the people the
 * configuration asks for; sorted. `before` is what the file holds now: whom it has stays in it, so that a leaver is seen
 * to leave. `warnings`: a line about each that no directory can hold. Throws SyncError `sync-invalid` when two groups would have
 * one name: no id in the file says which of them was which.
 */
export function select(
  read: ProviderRead,
  { provider, groups: patterns, people: which }: Taken,
  { synced, before }: { synced: string; before: DirectoryFile | null },
): { directory: DirectoryFile; warnings: string[] } {
  const all = takenOf(read, patterns);
  const taken = all.filter(({ name }) => isName(name));
  const byId = new Map(taken.map((group) => [group.id, group]));
  assertDistinct(taken, provider);

  const known = new Map(read.people.map((person) => [person.id, person]));
  const kept = which === 'all' ? new Set(known.keys()) : mentioned(taken, known, before);
  const named = usablePeople(withoutFormer(read.people.filter(({ id }) => kept.has(id))), {
    before,
    listed: read.people,
  });
  const { warnings } = named;
  // Again, for some stay by the name that they had.
  const people = withoutFormer(named.people);

  const loginOf = new Map(people.map(({ id, login }) => [id, login]));
  const memberOf = new Map(people.map(({ id, login }) => [id, `user:${login}`]));
  const byLogin = new Map(people.map(({ login }) => [fold(login), login]));
  const managerOf = (manager: string | null) =>
    manager === null ? undefined : (loginOf.get(manager) ?? byLogin.get(fold(manager)));
  const directory: DirectoryFile = {
    provider,
    synced,
    complete: true,
    people: people
      .map(({ id, login, status, manager, lastSignIn }) => {
        const superior = managerOf(manager);
        return {
          login,
          id,
          status,
          ...(superior === undefined || superior === login ? {} : { manager: superior }),
          ...signInOf(lastSignIn),
        };
      })
      .sort((a, b) => compareCodePoints(a.login, b.login)),
    groups: taken
      .map(({ id: known, name, people: members, groups }) => ({
        name,
        // Where a name is all that there is, another group of that name is the same.
        ...(known !== name && personId.safeParse(known).success && { id: known }),
        members: [
          ...new Set([
            ...members.flatMap((id) => memberOf.get(id) ?? []),
            ...groups.flatMap((id) => (byId.has(id) ? [`group:${byId.get(id)?.name}`] : [])),
          ]),
        ].sort(compareCodePoints),
      }))
      .sort((a, b) => compareCodePoints(a.name, b.name)),
  };
  const nameless = all.filter(({ name }) => !isName(name)).map(namelessLine);
  return { directory, warnings: [...warnings, ...nameless] };
}

const namelessLine = ({ id, name }: ProviderGroup) =>
  `the group ${id} is called ${shownName(name)}, and that is no name that a directory can hold: it is left out, also of the groups that it is in`;

/** Groups that are wanted with all that is nested in them, whatever its name is: membership goes through. */
export function takenOf(
  { groups }: Pick<ProviderRead, 'groups'>,
  patterns: ProviderConfig['groups'],
): ProviderGroup[] {
  const wanted = createWanted(patterns);
  const byId = new Map(groups.map((group) => [group.id, group]));
  const taken = new Map<string, ProviderGroup>();
  const due = groups.filter(({ name }) => wanted(name));
  for (const group of due) {
    if (taken.has(group.id)) continue;
    taken.set(group.id, group);
    for (const id of group.groups) {
      const inner = byId.get(id);
      if (inner !== undefined) due.push(inner);
    }
  }
  return [...taken.values()];
}

/** Members, their managers, and whom the file has already. */
function mentioned(
  groups: readonly ProviderGroup[],
  known: ReadonlyMap<string, ProviderPerson>,
  before: DirectoryFile | null,
): Set<string> {
  const members = new Set(groups.flatMap(({ people }) => people));
  const byLogin = new Map([...known.values()].map(({ id, login }) => [fold(login), id]));
  const managers = [...members].flatMap((id) => {
    const manager = known.get(id)?.manager ?? null;
    if (manager === null) return [];
    return known.has(manager) ? [manager] : (byLogin.get(fold(manager)) ?? []);
  });
  return new Set([...members, ...managers, ...(before?.people.map(({ id }) => id) ?? [])]);
}

/** A login that a closed account has left to another person is the other person's. */
function withoutFormer(people: readonly ProviderPerson[]): ProviderPerson[] {
  const isFormer = ({ status }: ProviderPerson) => status === 'deprovisioned';
  if (!people.some(isFormer)) return [...people];
  const held = new Set(people.filter((person) => !isFormer(person)).map(({ login }) => fold(login)));
  return people.filter((person) => !isFormer(person) || !held.has(fold(person.login)));
}

function assertDistinct(groups: readonly ProviderGroup[], provider: string): void {
  const seen = new Map<string, ProviderGroup>();
  for (const group of groups) {
    const other = seen.get(fold(group.name));
    if (other !== undefined)
      throw new SyncError(
        'sync-invalid',
        `${provider}: two groups are called ${JSON.stringify(group.name)} (${other.id} and ${group.id}); rename one, or leave it out`,
      );
    seen.set(fold(group.name), group);
  }
}

/** Providers tell fractions that differ from read to read by nothing, and some a "never" in the year 30828. */
function signInOf(instant: string | null): { last_sign_in?: string } {
  const at = Date.parse(instant ?? '');
  return at < Date.UTC(10_000, 0) ? { last_sign_in: instantOf(at / 1000) } : {};
}
