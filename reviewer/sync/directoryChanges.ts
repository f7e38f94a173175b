import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { DirectoryFile } from '../../bundle/grants/schema.ts';

type Person = DirectoryFile['people'][number];

/** What one sync found otherwise than the one before. */
export type DirectoryChanges = {
  came: readonly Person[];
  left: readonly Person[];
  /** A login that another person has now. */
  replaced: readonly { before: Person; after: Person }[];
  /** The same person under another login. */
  renamed: readonly { before: Person; after: Person }[];
  status: readonly { before: Person; after: Person }[];
  manager: readonly { before: Person; after: Person }[];
  groups: readonly {
    name: string;
    change: 'new' | 'gone' | 'changed';
    in: readonly string[];
    out: readonly string[];
    /** Of a new one by what name the provider had it before, of one that is gone by what name it has it now. */
    alias?: string;
    /** Another group has the name now, by the provider's ids. */
    replaced?: { before: string; after: string };
  }[];
};

/** Compares two directories of one provider by the people's ids. Sign-ins do not count. */
export function directoryChanges(before: DirectoryFile, after: DirectoryFile): DirectoryChanges {
  const [byId, byLogin] = [
    new Map(before.people.map((person) => [person.id, person])),
    new Map(before.people.map((person) => [fold(person.login), person])),
  ];
  const still = new Map(after.people.map((person) => [person.id, person]));
  const taken = new Map(after.people.map((person) => [fold(person.login), person]));
  const pairs = after.people.flatMap((person) => {
    const was = byId.get(person.id);
    return was === undefined ? [] : [{ before: was, after: person }];
  });
  const replaced = after.people.flatMap((person) => {
    const holder = byLogin.get(fold(person.login));
    return holder === undefined || holder.id === person.id ? [] : [{ before: holder, after: person }];
  });
  const replacements = new Set(replaced.map((pair) => pair.after.id));
  return {
    came: after.people.filter(({ id }) => !byId.has(id) && !replacements.has(id)),
    left: before.people.filter(({ id, login }) => !still.has(id) && !taken.has(fold(login))),
    replaced,
    renamed: pairs.filter(({ before: was, after: is }) => was.login !== is.login && !replacements.has(is.id)),
    status: pairs.filter(({ before: was, after: is }) => was.status !== is.status),
    manager: pairs.filter(({ before: was, after: is }) => was.manager !== is.manager),
    groups: groupChanges(before, after),
  };
}

function groupChanges(before: DirectoryFile, after: DirectoryFile): DirectoryChanges['groups'] {
  const [were, are] = [before, after].map(
    ({ groups }) => new Map(groups.map((group) => [fold(group.name), group])),
  );
  const names = new Set([...(were?.keys() ?? []), ...(are?.keys() ?? [])]);
  const [nameBefore, nameAfter] = [before, after].map(
    ({ groups }) => new Map(groups.flatMap(({ id, name }) => (id === undefined ? [] : [[id, name]]))),
  );
  return [...names].sort(compareCodePoints).flatMap((key) => {
    const [was, is] = [were?.get(key), are?.get(key)];
    const [old, now] = [new Set(was?.members ?? []), new Set(is?.members ?? [])];
    const into = [...now].filter((member) => !old.has(member));
    const out = [...old].filter((member) => !now.has(member));
    const change = was === undefined ? 'new' : is === undefined ? 'gone' : 'changed';
    // A file that an earlier version wrote tells no ids.
    const replaced =
      was?.id !== undefined && is?.id !== undefined && was.id !== is.id
        ? { before: was.id, after: is.id }
        : undefined;
    if (change === 'changed' && into.length === 0 && out.length === 0 && replaced === undefined) return [];
    const alias =
      is?.id !== undefined && change === 'new'
        ? nameBefore?.get(is.id)
        : was?.id !== undefined && change === 'gone'
          ? nameAfter?.get(was.id)
          : undefined;
    return [
      {
        ...{ name: is?.name ?? was?.name ?? key, change, in: into, out },
        ...(alias !== undefined && { alias }),
        ...(replaced && { replaced }),
      },
    ];
  });
}

/** Whether nothing is otherwise that access could rest on. */
export const isSame = ({ groups, ...people }: DirectoryChanges): boolean =>
  groups.length === 0 && Object.values(people).every((list) => list.length === 0);
