import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { accountStatus } from '../detect/people.ts';
import type { Evidence } from '../evidence/gather.ts';

/** Whether somebody active is behind an owner today. */
function isAnswered(owner: string, organisation: Organisation): boolean {
  const isActive = (principal: string) => accountStatus(principal, organisation) === 'active';
  if (!owner.startsWith('group:')) return isActive(owner);
  return [...organisation.memberships].some(
    ([principal, groups]) => groups.includes(owner) && isActive(principal),
  );
}

/** Who can answer for a grant in its owner's place: who owns the API, else the manager of who holds it; null when nobody can. */
export function heirOf(
  { api, owner, principal }: Pick<Grant, 'api' | 'owner' | 'principal'>,
  organisation: Organisation,
): string | null {
  const manager = organisation.people.get(principal.replace(/^user:/, ''))?.manager;
  const candidates = [organisation.apis.get(api)?.owner, manager && `user:${manager}`];
  return (
    candidates.find(
      (one): one is string => !!one && one !== owner && one !== principal && isAnswered(one, organisation),
    ) ?? null
  );
}

/** Who is asked about a grant: its owner, or, where nobody active is behind them, who can answer in their place. */
export function answererOf(grant: Grant, { organisation, history }: Evidence): string {
  if (history.directories.ownerlessSince(grant.owner) === null) return grant.owner;
  return heirOf(grant, organisation) ?? grant.owner;
}
