import type { Wanted } from './directory.ts';
import {
  type Account,
  type Changes,
  type EntraGroup,
  type EntraObjects,
  type NamedGroup,
  width,
} from './entraObjects.ts';
import { inParallel } from './inParallel.ts';

/** All that was read of a tenant: accounts, and the groups that are taken with those nested in them. */
export type Found = { accounts: readonly Account[]; groups: readonly EntraGroup[] };
/** Where the changes since then begin. */
export type Links = { users: string; groups: string };

/** Of more changes a whole read is as quick. */
const mostChanged = 1000;

/**
 * Brings what was found up to date. Changes only say whom to ask again: what is taken comes from the same answers as in a
 * whole read, whatever order changes are told in and however often. Null where there are too many of them, or where they
 * do not fit what is answered: then everything is to be read.
 */
export async function readEntraChanges(
  graph: EntraObjects,
  before: Found & { links: Links },
  wanted: Wanted,
): Promise<(Found & { links: Links }) | null> {
  const users = await graph.changes('users', before.links.users);
  const groups = await graph.changes('groups', before.links.groups);
  if (users.ids.size + groups.ids.size > mostChanged) return null;
  const changed = {
    users: await askAgain(users, graph.account),
    groups: await askAgain(groups, graph.group),
  };
  if (changed.users === null || changed.groups === null) return null;

  const accounts = new Map(before.accounts.map((one) => [one.id, one]));
  const read = new Map(before.groups.map((one) => [one.id, one]));
  // Who was deleted and is restored is in their groups again, of which Graph need not tell.
  const came = {
    users: [...changed.users.there.keys()].filter((id) => !accounts.has(id)),
    groups: [...changed.groups.there.keys()].filter((id) => !read.has(id)),
  };
  const around = [
    ...(await inParallel(came.users, width, (id) => graph.groupsWith('users', id))),
    ...(await inParallel(came.groups, width, (id) => graph.groupsWith('groups', id))),
  ];
  for (const id of changed.users.gone) accounts.delete(id);
  for (const [id, account] of changed.users.there) accounts.set(id, account);
  // The same goes for whom they manage.
  const ids = new Set(came.users);
  const managed = [...accounts.values()].filter(
    ({ id, manager }) => manager !== null && ids.has(manager) && !changed.users?.there.has(id),
  );
  for (const one of await inParallel(managed, width, ({ id }) => graph.account(id))) {
    if (one === null) return null;
    accounts.set(one.id, one);
  }
  for (const id of changed.groups.gone) read.delete(id);
  const names = new Map<string, NamedGroup>([...read, ...changed.groups.there]);
  const due = new Set([...changed.groups.there.keys(), ...around.flat()]);
  const taken = await readTaken(graph, { names, read, due, gone: changed.groups.gone }, wanted);
  return {
    accounts: [...accounts.values()],
    groups: taken.map((group) => withoutGone(group, changed.users?.gone, changed.groups?.gone)),
    links: { users: users.link, groups: groups.link },
  };
}

type Asked<T> = { there: ReadonlyMap<string, T>; gone: ReadonlySet<string> };

/** What is there now of what changed; null when something is missing that nobody said is gone. */
async function askAgain<T>(
  { ids, removed }: Changes,
  ask: (id: string) => Promise<T | null>,
): Promise<Asked<T> | null> {
  const all = [...ids];
  const answers = await inParallel(all, width, ask);
  const there = new Map<string, T>();
  const gone = new Set<string>();
  for (const [index, id] of all.entries()) {
    const answer = answers[index] ?? null;
    if (answer !== null) there.set(id, answer);
    else if (removed.has(id)) gone.add(id);
    else return null;
  }
  return { there, gone };
}

type Known = {
  names: Map<string, NamedGroup>;
  /** Groups with their members, as they were or, once they are not due, as they are. */
  read: Map<string, EntraGroup>;
  due: Set<string>;
  gone: ReadonlySet<string>;
};

/** Groups that are wanted with all that is nested in them; those that are due, or were never read, are read now. */
async function readTaken(
  graph: EntraObjects,
  { names, read, due, gone }: Known,
  wanted: Wanted,
): Promise<EntraGroup[]> {
  const absent = new Set(gone);
  const nameOf = async (id: string) => {
    const found = names.get(id) ?? (await graph.group(id));
    if (found === null) absent.add(id);
    return found;
  };
  const taken = new Map<string, EntraGroup>();
  let ring = [...names.values()].filter(({ name }) => wanted(name));
  while (ring.length > 0) {
    const groups = await inParallel(ring, width, async (one) => {
      const kept = due.has(one.id) ? undefined : read.get(one.id);
      return kept ?? graph.members(one);
    });
    for (const group of groups) taken.set(group.id, group);
    const inner = new Set(groups.flatMap((group) => group.groups));
    const open = [...inner].filter((id) => !taken.has(id) && !absent.has(id));
    ring = (await inParallel(open, width, nameOf)).filter((one) => one !== null);
  }
  return [...taken.values()];
}

/** Who is gone is in no group, though Graph need not say so of the group. */
function withoutGone(
  group: EntraGroup,
  users: ReadonlySet<string> = new Set(),
  groups: ReadonlySet<string> = new Set(),
): EntraGroup {
  const stays = (gone: ReadonlySet<string>) => (id: string) => !gone.has(id);
  return {
    ...group,
    people: group.people.filter(stays(users)),
    groups: group.groups.filter(stays(groups)),
  };
}
