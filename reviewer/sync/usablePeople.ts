import { fold, isName } from '../../bundle/grants/names.ts';
import { type DirectoryFile, personId } from '../../bundle/grants/schema.ts';
import type { ProviderPerson } from './providers/directory.ts';
import { shownName } from './shownName.ts';

type Options = {
  /** What the file holds now. */
  before: DirectoryFile | null;
  /** All whom the provider lists, taken or not. */
  listed: readonly ProviderPerson[];
};

/**
 * Of people who are taken those whom a directory can hold, and a line about each of the others: a login or an id that is
 * none, or a login that two have, so that nobody can say who comes by it. Who is in the file stays there as they were called
 * last, suspended: they are not let in, and they are not gone. Not where that is somebody else's name now.
 */
export function usablePeople(
  people: readonly ProviderPerson[],
  { before, listed }: Options,
): { people: ProviderPerson[]; warnings: string[] } {
  const holders = new Map<string, ProviderPerson[]>();
  for (const person of people) {
    const name = fold(person.login);
    holders.set(name, [...(holders.get(name) ?? []), person]);
  }
  const faultOf = (person: ProviderPerson): string | null => {
    if (!personId.safeParse(person.id).success) return 'its id is none that a directory can hold';
    if (!isName(person.login)) return 'that is no login that a directory can hold';
    const others = (holders.get(fold(person.login)) ?? []).filter((one) => one !== person);
    return others.length === 0 ? null : `so is ${others.map(({ id }) => id).join(', ')}`;
  };
  const faults = new Map(people.map((person) => [person, faultOf(person)]));
  if (![...faults.values()].some((fault) => fault !== null)) return { people: [...people], warnings: [] };
  const named = listed.filter((person) => (faults.get(person) ?? null) === null);
  const held = (some: readonly ProviderPerson[]) => new Set(some.map(({ login }) => fold(login)));
  // Whoever comes by one of these is not the one who was called that before; who has left keeps no name from anybody.
  const ofActive = held(named.filter(({ status }) => status !== 'deprovisioned'));
  const ofAnybody = held(named);
  const known = new Map(before?.people.map(({ id, login }) => [id, login]));
  const usable: ProviderPerson[] = [];
  const warnings: string[] = [];
  for (const person of people) {
    const fault = faults.get(person) ?? null;
    if (fault === null) {
      usable.push(person);
      continue;
    }
    const { id, login, status } = person;
    const last = known.get(id);
    const taken = status === 'deprovisioned' ? ofAnybody : ofActive;
    const stays = last !== undefined && !taken.has(fold(last));
    if (stays) usable.push({ ...person, login: last, status: status === 'active' ? 'suspended' : status });
    warnings.push(
      `${id === '' ? 'an account without an id' : `the account ${id}`} is called ${shownName(login)}, and ${fault}: ${stays ? `it stays as ${last}, suspended,` : 'it is left out'} until it is called otherwise at the provider`,
    );
  }
  return { people: usable, warnings };
}
