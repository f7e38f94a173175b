import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

/** The principal's account, where it has one and a directory knows it. */
export function accountStatus(principal: string, organisation: Organisation): string | null {
  const name = principal.slice(principal.indexOf(':') + 1);
  if (principal.startsWith('user:')) return organisation.people.get(name)?.status ?? null;
  if (principal.startsWith('service:')) return organisation.services.get(name)?.state ?? null;
  return null;
}

/** Who the principal is to the directories, now and when somebody last answered for the grant. */
export function accountFacts(grant: Grant, { organisation, history }: Evidence) {
  const { principal } = grant;
  const { directories } = history;
  const status = accountStatus(principal, organisation);
  // Who put the grant back after the login went to another person meant that one.
  const changedAt = directories.idChangedAt(principal);
  const idChangedAt = changedAt !== null && changedAt > restoredAt(grant, history) ? changedAt : null;
  const person = principal.startsWith('user:') ? organisation.people.get(principal.slice(5)) : undefined;
  const certified = person === undefined ? null : directories.standing(grant);
  return {
    ...(status !== null && { status }),
    absences: directories.absences(principal) ?? [],
    ...(idChangedAt !== null && { id_changed_at: idChangedAt }),
    ...(person && {
      groups: (organisation.memberships.get(principal) ?? []).map(fold),
      manager: person.manager === undefined ? null : fold(person.manager),
    }),
    ...(certified && { certified }),
  };
}

/** Those who are to answer for a grant: its owner, and the owner of the service that holds it. */
export function ownersOf(grant: Grant, { services }: Organisation): string[] {
  const service = grant.principal.startsWith('service:') ? services.get(grant.principal.slice(8)) : undefined;
  return service === undefined ? [grant.owner] : [grant.owner, service.owner];
}

/** When somebody gave it back last; what was held against it before is not held against it the day after. */
const restoredAt = (grant: Grant, history: Evidence['history']) =>
  history.of(grant.id)?.restoredAt ?? Number.NEGATIVE_INFINITY;

/** Since when nobody is behind one of them, and the grant is there. */
export function ownerFacts(grant: Grant, { organisation, history }: Evidence): { ownerless_since?: number } {
  const since = ownersOf(grant, organisation).flatMap((owner) => {
    const at = history.directories.ownerlessSince(owner);
    return at === null ? [] : [Math.max(at, grant.grantedAt, restoredAt(grant, history))];
  });
  return since.length === 0 ? {} : { ownerless_since: Math.min(...since) };
}
