import type { Organisation } from '../grants/organisation.ts';

/**
 * Whose own access a principal's is: the person or service itself, or the only one of a group, who is no better judge of it.
 * Null for a group of several, or of nobody.
 */
export function soleHolder(
  principal: string,
  organisation: Pick<Organisation, 'memberships'>,
): string | null {
  const [one = null] = soleHolders([principal], organisation);
  return one;
}

/** Those of whom some principals' access is their own alone; all of them at once, for there may be as many as grants. */
export function soleHolders(
  principals: Iterable<string>,
  { memberships }: Pick<Organisation, 'memberships'>,
): Set<string> {
  const holders = new Set<string>();
  const members = new Map<string, string[]>();
  for (const principal of principals)
    if (principal.startsWith('group:')) members.set(principal, []);
    else holders.add(principal);
  if (members.size > 0)
    for (const [name, groups] of memberships) for (const group of groups) members.get(group)?.push(name);
  for (const [one, another] of members.values())
    if (one !== undefined && another === undefined) holders.add(one);
  return holders;
}
