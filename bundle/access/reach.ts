import { membersOf } from '../grants/memberships.ts';
import type { Organisation } from '../grants/organisation.ts';

/**
 * Who is in a group, however deep: people, services and groups, each with the chain of groups that leads there, from
 * the one it is a member of itself to the group asked about. Of several chains it is a shortest one.
 */
export type Reach = ReadonlyMap<string, readonly string[]>;

type Groups = Pick<Organisation, 'groups' | 'memberships'>;

/** Answers the reach of groups (`group:NAME`), each worked out once; groups in a circle end it where it closes. */
export function createReach({ groups, memberships }: Groups): (group: string) => Reach {
  const known = new Map<string, Reach>();
  /** Who is in a group by what the directory was resolved to; made when first needed. */
  let listed: ReadonlyMap<string, readonly string[]> | null = null;
  const resolved = (group: string) => {
    listed ??= membersOf({ memberships });
    return listed.get(group) ?? [];
  };
  return (group) => {
    const before = known.get(group);
    if (before !== undefined) return before;
    const reach = new Map<string, readonly string[]>();
    let edge: [name: string, chain: readonly string[]][] = [[group, [group]]];
    while (edge.length > 0) {
      const next: typeof edge = [];
      for (const [name, chain] of edge)
        for (const member of groups.get(name.slice('group:'.length))?.members ?? []) {
          if (member === group || reach.has(member)) continue;
          reach.set(member, chain);
          if (member.startsWith('group:')) next.push([member, [member, ...chain]]);
        }
      edge = next;
    }
    for (const member of resolved(group)) if (!reach.has(member)) reach.set(member, [group]);
    known.set(group, reach);
    return reach;
  };
}
