import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

const reached = new WeakMap<Organisation, ReadonlyMap<string, readonly string[]>>();

/** Group (`group:NAME`) → the people and services in it, directly or through groups; worked out once. */
export function membersOf(organisation: Organisation): ReadonlyMap<string, readonly string[]> {
  const known = reached.get(organisation);
  if (known !== undefined) return known;
  const members = new Map<string, string[]>();
  for (const [name, groups] of organisation.memberships)
    for (const group of groups) {
      const inside = members.get(group);
      if (inside) inside.push(name);
      else members.set(group, [name]);
    }
  reached.set(organisation, members);
  return members;
}

/** How many the group that holds a grant reaches, and reached when somebody last answered for the grant. */
export function groupFacts(grant: Grant, { organisation, history }: Evidence) {
  const before = history.directories.members(grant);
  return {
    members: membersOf(organisation).get(grant.principal)?.length ?? 0,
    ...(before !== null && { certified_members: before }),
  };
}
