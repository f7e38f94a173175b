import { memberships, membersOf } from '../../../bundle/grants/memberships.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { Group } from '../../../bundle/grants/organisation.ts';
import type { DirectoryFile } from '../../../bundle/grants/schema.ts';
import type { ServicesNow } from './services.ts';

/** Who somebody was to the directories at a past instant; names are folded. */
export type Position = { groups: readonly string[]; manager: string | null };

/** Provider → what its file said. */
export type Directories = ReadonlyMap<string, DirectoryFile>;

function groupsOf(state: Directories): Map<string, Group> {
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

/** Looks at directories and services as they were at one moment: who a group reaches, and who is active. Names are folded. */
export function createDirectoriesAt(state: Directories, services: ServicesNow) {
  const people = new Map<string, DirectoryFile['people'][number]>();
  let given = 0;
  for (const file of state.values())
    for (const person of file.people) {
      people.set(fold(person.login), person);
      given += 1;
    }
  const groups = groupsOf(state);
  const { of } = memberships(groups);
  const inside = membersOf({ memberships: of });
  const isPerson = (principal: string) => principal.startsWith('user:');
  const isActive = (principal: string) =>
    isPerson(principal) ? people.get(principal.slice(5))?.status === 'active' : services.isActive(principal);
  const knows = (principal: string) =>
    isPerson(principal)
      ? people.has(principal.slice(5))
      : !principal.startsWith('group:') || groups.has(principal.slice(6));
  const isWhole = (principal: string, seen = new Set<string>()): boolean => {
    if (seen.has(principal)) return true;
    seen.add(principal);
    if (!knows(principal)) return false;
    const members = principal.startsWith('group:') ? groups.get(principal.slice(6))?.members : [];
    return (members ?? []).every((member) => isWhole(member, seen));
  };
  const positions = new Map<string, Position>();
  return {
    /** Of a person; one for all that they hold. */
    position(principal: string): Position | null {
      const person = people.get(principal.slice(5));
      if (person === undefined) return null;
      const manager = person.manager === undefined ? null : fold(person.manager);
      const position = positions.get(principal) ?? { groups: of.get(principal) ?? [], manager };
      positions.set(principal, position);
      return position;
    },
    /** No two providers give one login, which no check lets pass and no gateway takes. */
    isEnforceable: given === people.size,
    /** Whether there is such a person or group. */
    knows,
    /** Whether everybody in it is known, too: a group may list people and groups that no directory has. */
    isWhole: (principal: string) => isWhole(principal),
    members: (group: string) => inside.get(group) ?? [],
    /** Whether somebody active is behind a principal. */
    hasSomebody: (principal: string) =>
      principal.startsWith('group:') ? (inside.get(principal) ?? []).some(isActive) : isActive(principal),
  };
}

export type DirectoriesAt = ReturnType<typeof createDirectoriesAt>;
