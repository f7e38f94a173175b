import type { Problem } from '../bundleError.ts';
import type { Place } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';
import { bothFit, credentialName, type JwtClaims } from './credentials.ts';
import { memberships } from './memberships.ts';
import { fold, type Spelling, spell, spellingOf } from './names.ts';
import type { Group, Organisation, Person } from './organisation.ts';
import type { GrantsRead } from './readGrants.ts';
import type { Service } from './schema.ts';

type Directory = Pick<Organisation, 'people' | 'groups' | 'services' | 'memberships' | 'directories'>;

/**
 * Joins the providers' people and groups and the services; each name and credential may stand for one only. Names that
 * differ only in case or composition are one name, spelled as it is first.
 */
export function resolveDirectory(read: GrantsRead): {
  directory: Directory;
  spelling: Spelling;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const byLogin = new Map<string, Person>();
  const services = new Map<string, Service>();
  const members = new Map<string, { name: string; joined: Set<string> }>();
  const groupPlaces = new Map<string, () => Place>();
  for (const { file, value, places, provider } of read.directories) {
    if (value === undefined) continue;
    if (value.provider !== provider)
      problems.push(
        problem(
          places.nearest(['provider']),
          'provider-name',
          `"provider" is wrong, expected ${show(provider)} as its file is named, got ${show(value.provider)}`,
        ),
      );
    value.people.forEach((person, index) => {
      const other = byLogin.get(fold(person.login));
      if (other)
        problems.push(
          problem(
            places.nearest(['people', index, 'login']),
            'repeated-login',
            `the login ${show(person.login)} is given twice, first by ${other.provider}${as(person.login, other.login)}`,
          ),
        );
      else byLogin.set(fold(person.login), { ...person, provider: value.provider });
    });
    const here = new Set<string>();
    value.groups.forEach((group, index) => {
      const at = () => places.nearest(['groups', index, 'name']);
      const folded = fold(group.name);
      const known = members.get(folded) ?? { name: group.name, joined: new Set() };
      if (here.has(folded))
        problems.push(
          problem(
            at(),
            'repeated-group',
            `the group ${show(group.name)} is given twice in ${file}${as(group.name, known.name)}`,
          ),
        );
      here.add(folded);
      if (!groupPlaces.has(known.name)) groupPlaces.set(known.name, at);
      for (const member of group.members) known.joined.add(member);
      members.set(folded, known);
    });
  }
  const credentials = new Map<string, string>();
  const byClaims: { name: string; asked: JwtClaims }[] = [];
  read.services?.value?.services.forEach((service, index) => {
    const at = (...path: (string | number)[]) =>
      read.services?.places.nearest(['services', index, ...path]) ?? 'grants';
    const other = services.get(fold(service.name));
    if (other)
      problems.push(
        problem(
          at('name'),
          'repeated-service',
          `the service ${show(service.name)} is given twice${as(service.name, other.name)}`,
        ),
      );
    else services.set(fold(service.name), service);
    service.credentials.forEach((credential, position) => {
      const { kind, value } = credentialName(credential);
      const other = credentials.get(`${kind} ${value}`);
      // The credential itself stays out of the text: problems end up in logs and comments.
      if (other !== undefined)
        problems.push(
          problem(
            at('credentials', position),
            'repeated-credential',
            `this ${kind} of ${show(service.name)} also belongs to ${show(other)}, expected one owner`,
          ),
        );
      else {
        credentials.set(`${kind} ${value}`, service.name);
        if (!('jwt_claims' in credential)) return;
        const rival = byClaims.find(
          ({ name, asked }) => name !== service.name && bothFit(asked, credential.jwt_claims),
        );
        if (rival !== undefined)
          problems.push(
            problem(
              at('credentials', position),
              'ambiguous-credential',
              `one token could satisfy this jwt_claims of ${show(service.name)} and one of ${show(rival.name)}, expected a claim that tells them apart`,
            ),
          );
        byClaims.push({ name: service.name, asked: credential.jwt_claims });
      }
    });
  });

  const spelling = spellingOf(byLogin.values(), members.values(), services.values());
  const spelled = (principal: string) => spell(spelling, principal);
  const people = new Map<string, Person>();
  for (const person of byLogin.values()) {
    const { login, manager } = person;
    const known = manager === undefined ? undefined : byLogin.get(fold(manager))?.login;
    people.set(login, known === undefined || known === manager ? person : { ...person, manager: known });
  }
  const groups = new Map<string, Group>(
    [...members.values()].map(({ name, joined }) => [
      name,
      { name, members: [...new Set([...joined].map(spelled))].sort() },
    ]),
  );
  const owned = new Map(
    [...services.values()].map((service) => [service.name, { ...service, owner: spelled(service.owner) }]),
  );
  const resolved = memberships(groups);
  const placeOf = (group: string): Place | string => groupPlaces.get(group)?.() ?? 'grants/directory';
  for (const circle of resolved.cycles)
    problems.push(
      problem(
        placeOf(circle[0] ?? ''),
        'group-cycle',
        `groups are members of each other in a circle: ${circle.join(' in ')}`,
      ),
    );
  for (const group of resolved.deep)
    problems.push(problem(placeOf(group), 'group-depth', `the group ${show(group)} is nested too deeply`));
  const directories = read.directories.flatMap(({ file, value }) =>
    value === undefined
      ? []
      : [{ provider: value.provider, synced: value.synced, complete: value.complete, file }],
  );
  const directory = { people, groups, services: owned, memberships: resolved.of, directories };
  return { directory, spelling, problems };
}

/** Why two names that are written otherwise are one. */
const as = (name: string, first: string): string =>
  name === first ? '' : ` as ${show(first)}: names that differ only in case or composition are one`;
