import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

/** How many the group that holds a grant reaches, and reached when somebody last answered for the grant. */
export function groupFacts(grant: Grant, { members, history }: Evidence) {
  const before = history.directories.members(grant);
  return {
    members: members.get(grant.principal)?.length ?? 0,
    ...(before !== null && { certified_members: before }),
  };
}
