import type { Group, Organisation } from './organisation.ts';

const deepest = 500;

/**
 * Resolves who is in which group, through groups. Answers, for every `user:` and `service:` that a group lists, all
 * its groups as sorted `group:NAME`, and each circle of groups that include each other (`[a, b, a]`), found once.
 * `deep` are groups nested beyond any sensible depth, which are not followed further.
 */
export function memberships(groups: ReadonlyMap<string, Group>): {
  of: Map<string, readonly string[]>;
  cycles: string[][];
  deep: string[];
} {
  const direct = new Map<string, string[]>();
  for (const group of groups.values()) {
    const name = `group:${group.name}`;
    for (const member of group.members) {
      const above = direct.get(member);
      if (above) above.push(name);
      else direct.set(member, [name]);
    }
  }

  const cycles: string[][] = [];
  const deep: string[] = [];
  const done = new Map<string, ReadonlySet<string>>();
  const open: string[] = [];
  /** A group and every group above it. */
  const above = (group: string): ReadonlySet<string> => {
    const known = done.get(group);
    if (known) return known;
    const start = open.indexOf(group);
    if (start >= 0) {
      cycles.push([...open.slice(start), group].map((name) => name.slice('group:'.length)));
      return new Set([group]);
    }
    if (open.length >= deepest) {
      deep.push(group.slice('group:'.length));
      return new Set([group]);
    }
    open.push(group);
    const all = new Set([group]);
    for (const parent of direct.get(group) ?? []) for (const name of above(parent)) all.add(name);
    open.pop();
    done.set(group, all);
    return all;
  };
  for (const name of groups.keys()) above(`group:${name}`);

  const of = new Map<string, readonly string[]>();
  for (const [member, parents] of direct) {
    if (member.startsWith('group:')) continue;
    const all = new Set<string>();
    for (const parent of parents) for (const name of above(parent)) all.add(name);
    of.set(member, [...all].sort());
  }
  return { of, cycles, deep };
}

/** Group (`group:NAME`) → the people and services in it, directly or through groups. */
export function membersOf({ memberships }: Pick<Organisation, 'memberships'>): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const [name, groups] of memberships)
    for (const group of groups) {
      const inside = members.get(group);
      if (inside) inside.push(name);
      else members.set(group, [name]);
    }
  return members;
}
