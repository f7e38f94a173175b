// LDAP: Active Directory, OpenLDAP, 389 and their like. Sharp edges: Active Directory gives `objectGUID` as bytes in mixed
// order, and long lists of members in ranges; a bind without a password succeeds as nobody; a limit on size ends a search
// that looks right but for its result code.
import type { ProviderPerson, ReadProvider } from './directory.ts';
import type { LdapConnection, LdapEntry } from './ldapConnection.ts';
import { dnKey, guidOf, isClosed, rangeOf, signInOf, stateNames, textOf, valuesOf } from './ldapEntry.ts';
import type { ProviderConfigOf } from './syncConfig.ts';
import { SyncError } from './syncError.ts';

type Options = ProviderConfigOf<'ldap'>;
type Group = { id: string; name: string; members: string[] };

const anything = '(objectClass=*)';

/** Reads a directory whole; `connect` opens a connection that is bound. */
export function readLdap(
  connect: () => Promise<LdapConnection>,
  { url, id: idName, login, group_name: groupName, member, ...from }: Options,
): ReadProvider {
  const unlike = (what: string) => new SyncError('sync-answer', `${url}: ${what}`);
  const idOf = (entry: LdapEntry): string => {
    const [bytes] = valuesOf(entry, idName);
    const id = idName.toLowerCase() === 'objectguid' ? bytes && guidOf(bytes) : bytes?.toString();
    if (!id) throw unlike(`an entry has no ${idName} that we may read, or none of its form`);
    return id;
  };

  const assertOwnIds = (all: Iterable<{ id: string }>) => {
    const seen = new Set<string>();
    for (const { id } of all) {
      if (seen.has(id)) throw unlike(`two entries have the ${idName} ${JSON.stringify(id)}`);
      seen.add(id);
    }
  };

  /** The rest of a list that is told in parts. */
  const restOf = async (connection: LdapConnection, dn: string, first: number): Promise<string[]> => {
    const all: string[] = [];
    for (let next: number | null = first; next !== null; ) {
      const name: string = `${member};range=${next}-*`;
      const start = next;
      let told: ReturnType<typeof rangeOf> | null = null;
      const filter = anything;
      for await (const entry of connection.search({ base: dn, scope: 'base', filter, attributes: [name] }))
        told = rangeOf(entry, member);
      if (told === null || told.start !== start || told.values.length === 0)
        throw unlike('the members of a group are told in parts, and one of them is missing');
      all.push(...told.values);
      next = told.next;
    }
    return all;
  };

  const readGroups = async (connection: LdapConnection) => {
    const groups = new Map<string, Group>();
    const open: { dn: string; next: number; group: Group }[] = [];
    for await (const entry of connection.search({
      base: from.groups_base,
      scope: 'sub',
      filter: from.groups_filter,
      attributes: [idName, groupName, member],
    })) {
      const name = textOf(entry, groupName);
      if (name === undefined) throw unlike(`a group has no ${groupName} that we may read`);
      const { values, next } = rangeOf(entry, member);
      const group = { id: idOf(entry), name, members: [...values] };
      groups.set(dnKey(entry.dn), group);
      if (next !== null) open.push({ dn: entry.dn, next, group });
    }
    for (const { dn, next, group } of open) group.members.push(...(await restOf(connection, dn, next)));
    assertOwnIds(groups.values());
    return groups;
  };

  const readPeople = async (connection: LdapConnection) => {
    const people = new Map<string, ProviderPerson>();
    let nameless = 0;
    for await (const entry of connection.search({
      base: from.people_base,
      scope: 'sub',
      filter: from.people_filter,
      attributes: [idName, login, 'manager', ...stateNames],
    })) {
      const name = textOf(entry, login);
      if (name === undefined) nameless += 1;
      else
        people.set(dnKey(entry.dn), {
          id: idOf(entry),
          login: name,
          status: isClosed(entry) ? 'suspended' : 'active',
          manager: textOf(entry, 'manager') ?? null,
          lastSignIn: signInOf(entry),
        });
    }
    assertOwnIds(people.values());
    return { people, nameless };
  };

  return async () => {
    const connection = await connect();
    try {
      const { people, nameless } = await readPeople(connection);
      const groups = await readGroups(connection);
      let others = 0;
      const told = [...groups.values()].map(({ id, name, members }) => {
        const keys = members.map(dnKey);
        const inner = keys.flatMap((key) => groups.get(key)?.id ?? []);
        const inside = keys.flatMap((key) => people.get(key)?.id ?? []);
        others += keys.length - inner.length - inside.length;
        return { id, name, people: inside, groups: inner };
      });
      const notes: [number, string][] = [
        [nameless, `accounts have no ${login} and were left out`],
        [others, 'members of groups are neither people nor groups that are read, and were left out'],
        [connection.references(), 'references to other servers were not followed'],
      ];
      return {
        people: [...people.values()].map((person) => ({
          ...person,
          manager: person.manager && (people.get(dnKey(person.manager))?.id ?? null),
        })),
        groups: told,
        notes: notes.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])),
      };
    } finally {
      connection.close();
    }
  };
}
