import type { Organisation } from '../grants/organisation.ts';
import { isActive } from './accountStatus.ts';

type Known = Pick<Organisation, 'memberships' | 'people' | 'services'>;

/**
 * Whose own access a principal's is: the person or service itself, or the only one of a group, who is no better judge of it;
 * nor is who has only inactive or unknown ones beside them. Null for a group of several, or of nobody.
 */
export function soleHolder(principal: string, organisation: Known): string | null {
  const [one = null] = soleHolders([principal], organisation);
  return one;
}

/** Those of whom some principals' access is their own alone; all of them at once, for there may be as many as grants. */
export function soleHolders(principals: Iterable<string>, { memberships, ...accounts }: Known): Set<string> {
  const holders = new Set<string>();
  const members = new Map<string, string[]>();
  for (const principal of principals)
    if (principal.startsWith('group:')) members.set(principal, []);
    else holders.add(principal);
  if (members.size > 0)
    for (const [name, groups] of memberships) for (const group of groups) members.get(group)?.push(name);
  for (const all of members.values()) {
    const active = all.length < 2 ? all : all.filter((one) => isActive(one, accounts));
    const [one, another] = active;
    if (one !== undefined && another === undefined) holders.add(one);
  }
  return holders;
}
