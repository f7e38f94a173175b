import { isActive, personOf } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

/** Whether somebody active is behind an owner today. */
function isAnswered(owner: string, organisation: Organisation): boolean {
  return peopleBehind(owner, organisation).some((principal) => isActive(principal, organisation));
}

/** Who can answer for a grant in its owner's place: who owns the API, else the manager of who holds it; null when nobody can. */
export function newOwnerOf(
  { api, owner, principal }: Pick<Grant, 'api' | 'owner' | 'principal'>,
  organisation: Organisation,
): string | null {
  const manager = personOf(principal, organisation)?.manager;
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
  return newOwnerOf(grant, organisation) ?? grant.owner;
}
