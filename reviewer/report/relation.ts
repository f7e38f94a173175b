import { personOf } from '../../bundle/access/accountStatus.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';

/**
 * What `by` (`user:LOGIN`) is to a grantee, by the directory as it is now: `self`, `member of the group`, `manager`,
 * `owner`, `other`, or `unknown` for a name that is no principal.
 */
export function relation(
  by: string,
  { principal, owner }: { principal: string; owner: string },
  { people, memberships }: Pick<Organisation, 'people' | 'memberships'>,
): string {
  const who = fold(by);
  if (!/^(?:user|service|group):/.test(who)) return 'unknown';
  const groups = (memberships.get(by) ?? []).map(fold);
  if (who === fold(principal)) return 'self';
  if (groups.includes(fold(principal))) return 'member of the group';
  const manager = personOf(principal, { people })?.manager;
  if (manager !== undefined && who === fold(`user:${manager}`)) return 'manager';
  return who === fold(owner) || groups.includes(fold(owner)) ? 'owner' : 'other';
}
