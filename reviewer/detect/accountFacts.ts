import { accountStatus, personOf } from '../../bundle/access/accountStatus.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';

/** Who the principal is to the directories, now and when somebody last answered for the grant. */
export function accountFacts(grant: Grant, { organisation, history, brought }: Evidence) {
  const { principal } = grant;
  const { directories } = history;
  const status = accountStatus(principal, organisation);
  const given = givenAt(grant, history);
  // Who gave the grant after the login, or the name, went to another one meant that one.
  const idChangedAt = directories.isSame(principal, given) ? null : directories.idChangedAt(principal);
  const isGroup = principal.startsWith('group:');
  const person = personOf(principal, organisation);
  const certified = person === undefined ? null : directories.position(grant);
  return {
    ...(status !== null && { status }),
    ...absenceFacts(principal, { given, directories, broughtAt: brought.get(fold(principal)) }),
    ...(idChangedAt !== null && !isGroup && { id_changed_at: idChangedAt }),
    ...(idChangedAt !== null && isGroup && { group_replaced_at: idChangedAt }),
    ...(person && {
      groups: (organisation.memberships.get(principal) ?? []).map(fold),
      manager: person.manager === undefined ? null : fold(person.manager),
    }),
    ...(certified && { certified }),
  };
}

type Absent = {
  given: number;
  directories: Evidence['history']['directories'];
  broughtAt: number | undefined;
};

/**
 * Nobody was missed before they were given something. Whom no directory ever knew, and tokens bring, is not absent from
 * any; of a group that one knew once and that tokens brought, it is said when last.
 */
function absenceFacts(principal: string, { given, directories, broughtAt }: Absent) {
  if (broughtAt !== undefined && principal.startsWith('user:')) return { absences: [] };
  const absences = directories.absences(principal) ?? [];
  const awaited = directories.awaited(principal);
  const unreadSince = directories.unreadSince(principal);
  return {
    absences: absences.map((run) => ({ ...run, from: Math.max(run.from, given) })),
    ...(awaited.length > 0 && { awaited }),
    ...(directories.missing.has(fold(principal)) && { by_tokens: true }),
    ...(broughtAt !== undefined && { brought_at: broughtAt }),
    ...(unreadSince !== null && { unread_since: Math.max(unreadSince, given) }),
  };
}

/** Those who are to answer for a grant: its owner, and the owner of the service that holds it. */
export function ownersOf(grant: Grant, { services }: Organisation): string[] {
  const service = grant.principal.startsWith('service:') ? services.get(grant.principal.slice(8)) : undefined;
  return service === undefined ? [grant.owner] : [grant.owner, service.owner];
}

/**
 * When somebody gave it, or gave it back, to who holds it. What was so before is not held against it the day after, when
 * nobody can have been asked about it.
 */
const givenAt = ({ id, grantedAt }: Grant, { of }: Evidence['history']) => {
  const known = of(id);
  return Math.max(grantedAt, known?.restoredAt ?? grantedAt, known?.heldAt ?? grantedAt);
};

/** Whether directories have the say on who is behind an owner: not of one that tokens bring, or may. */
export const isTold = (owner: string, { history, brought }: Pick<Evidence, 'history' | 'brought'>): boolean =>
  history.directories.canTell(owner) && !brought.has(fold(owner));

type OwnerFacts = { ownerless_since?: number; untold?: true; by_tokens?: true };

/**
 * Since when nobody is behind one of them, and it is theirs; `untold` where no directory can tell of any, `by_tokens` where
 * only records can tell that none came.
 */
export function ownerFacts(grant: Grant, evidence: Evidence): OwnerFacts {
  const { organisation, history } = evidence;
  const { directories } = history;
  const given = givenAt(grant, history);
  const lost = ownersOf(grant, organisation).flatMap((owner) => {
    const at = directories.ownerlessSince(owner);
    const owned =
      owner === grant.owner ? history.of(grant.id)?.ownedAt : directories.serviceOwnedSince(grant.principal);
    return at === null ? [] : [{ owner, since: Math.max(at, given, owned ?? given) }];
  });
  const told = lost.filter(({ owner }) => isTold(owner, evidence));
  const certain = told.filter(({ owner }) => !directories.missing.has(fold(owner)));
  const counted = [certain, told, lost].find((some) => some.length > 0);
  if (counted === undefined) return {};
  return {
    ownerless_since: Math.min(...counted.map(({ since }) => since)),
    ...(counted === lost && { untold: true }),
    ...(counted === told && { by_tokens: true }),
  };
}
