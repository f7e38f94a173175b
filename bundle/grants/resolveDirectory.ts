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

/** Tells a problem at a place, or of a file as a whole. */
type Report = (at: Place | string, code: string, message: string) => void;

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
  const report: Report = (at, code, message) => {
    problems.push(problem(at, code, message));
  };
  const byLogin = new Map<string, Person>();
  const joined = new Map<string, JoinedGroup>();
  for (const { file, value, places, provider } of read.directories) {
    if (value === undefined) continue;
    if (value.provider !== provider)
      report(
        places.nearest(['provider']),
        'provider-name',
        `"provider" is wrong, expected ${show(provider)} as its file is named, got ${show(value.provider)}`,
      );
    joinPeople({ value, places, file }, byLogin, report);
    joinGroups({ value, places, file }, joined, report);
  }
  const services = resolveServices(read.services, report);

  const spelling = spellingOf(byLogin.values(), joined.values(), services.values());
  const spelled = (principal: string) => spell(spelling, principal);
  const people = new Map<string, Person>();
  for (const person of byLogin.values()) {
    const { login, manager } = person;
    const known = manager === undefined ? undefined : byLogin.get(fold(manager))?.login;
    people.set(login, known === undefined || known === manager ? person : { ...person, manager: known });
  }
  const groups = new Map<string, Group>(
    [...joined.values()].map(({ name, members }) => [
      name,
      { name, members: [...new Set([...members].map(spelled))].sort() },
    ]),
  );
  const owned = new Map(
    [...services.values()].map((service) => [service.name, { ...service, owner: spelled(service.owner) }]),
  );
  const resolved = memberships(groups);
  const placeOf = (group: string): Place | string => joined.get(fold(group))?.place() ?? 'grants/directory';
  for (const circle of resolved.cycles)
    report(
      placeOf(circle[0] ?? ''),
      'group-cycle',
      `groups are members of each other in a circle: ${circle.join(' in ')}`,
    );
  for (const group of resolved.deep)
    report(placeOf(group), 'group-depth', `the group ${show(group)} is nested too deeply`);
  const directories = read.directories.flatMap(({ file, value }) =>
    value === undefined
      ? []
      : [{ provider: value.provider, synced: value.synced, complete: value.complete, file }],
  );
  const directory = { people, groups, services: owned, memberships: resolved.of, directories };
  return { directory, spelling, problems };
}

type DirectoryFile = Pick<GrantsRead['directories'][number], 'places' | 'file'> & {
  value: NonNullable<GrantsRead['directories'][number]['value']>;
};

/** Adds the people of one provider, by their folded logins. */
function joinPeople({ value, places }: DirectoryFile, byLogin: Map<string, Person>, report: Report): void {
  value.people.forEach((person, index) => {
    const other = byLogin.get(fold(person.login));
    if (other === undefined) byLogin.set(fold(person.login), { ...person, provider: value.provider });
    else
      report(
        places.nearest(['people', index, 'login']),
        'repeated-login',
        `the login ${show(person.login)} is given twice, first by ${other.provider}${as(person.login, other.login)}`,
      );
  });
}

/** A group as its first provider spells it and where, with its members of all of them. */
type JoinedGroup = { name: string; members: Set<string>; place: () => Place };

/** Adds the groups of one provider, by their folded names: several may have members of one group, each says it once. */
function joinGroups(
  { value, places, file }: DirectoryFile,
  joined: Map<string, JoinedGroup>,
  report: Report,
): void {
  const here = new Set<string>();
  value.groups.forEach((group, index) => {
    const place = () => places.nearest(['groups', index, 'name']);
    const folded = fold(group.name);
    const known = joined.get(folded) ?? { name: group.name, members: new Set(), place };
    if (here.has(folded))
      report(
        place(),
        'repeated-group',
        `the group ${show(group.name)} is given twice in ${file}${as(group.name, known.name)}`,
      );
    here.add(folded);
    for (const member of group.members) known.members.add(member);
    joined.set(folded, known);
  });
}

/** The services by their folded names. Each credential must tell who presents it, so it belongs to one only. */
function resolveServices(file: GrantsRead['services'], report: Report): Map<string, Service> {
  const services = new Map<string, Service>();
  const owners = new Map<string, string>();
  const byClaims: { name: string; asked: JwtClaims }[] = [];
  file?.value?.services.forEach((service, index) => {
    const at = (...path: (string | number)[]) => file.places.nearest(['services', index, ...path]);
    const other = services.get(fold(service.name));
    if (other === undefined) services.set(fold(service.name), service);
    else
      report(
        at('name'),
        'repeated-service',
        `the service ${show(service.name)} is given twice${as(service.name, other.name)}`,
      );
    service.credentials.forEach((credential, position) => {
      const { kind, value } = credentialName(credential);
      const owner = owners.get(`${kind} ${value}`);
      if (owner !== undefined) {
        // The credential itself stays out of the text: problems end up in logs and comments.
        report(
          at('credentials', position),
          'repeated-credential',
          `this ${kind} of ${show(service.name)} also belongs to ${show(owner)}, expected one owner`,
        );
        return;
      }
      owners.set(`${kind} ${value}`, service.name);
      if (!('jwt_claims' in credential)) return;
      const rival = byClaims.find(
        ({ name, asked }) => name !== service.name && bothFit(asked, credential.jwt_claims),
      );
      if (rival !== undefined)
        report(
          at('credentials', position),
          'ambiguous-credential',
          `one token could satisfy this jwt_claims of ${show(service.name)} and one of ${show(rival.name)}, expected a claim that tells them apart`,
        );
      byClaims.push({ name: service.name, asked: credential.jwt_claims });
    });
  });
  return services;
}

/** Why two names that are written otherwise are one. */
const as = (name: string, first: string): string =>
  name === first ? '' : ` as ${show(first)}: names that differ only in case or composition are one`;
