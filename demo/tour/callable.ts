import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';

/** A harmless request that one grant allows: reading a list. */
export type Callable = { grant: Grant; login: string; api: string; operation: string; path: string };

/**
 * The request to show a grant by: a GET without path parameters on an API with a path prefix, by the person or the
 * first active member the grant is for. Null where a grant allows none, or not now (seconds since 1970).
 */
export function callable(organisation: Organisation, grant: Grant, now: number): Callable | null {
  const api = organisation.apis.get(grant.api);
  if (api === undefined || !('prefix' in api.route)) return null;
  if (grant.state !== 'active' || (grant.expiresAt ?? Number.POSITIVE_INFINITY) <= now) return null;
  if (grant.conditions?.networks !== undefined) return null;
  const login = callerOf(organisation, grant.principal);
  if (login === null) return null;
  for (const operation of grant.covers) {
    const [method, path = ''] = api.operations.get(operation)?.split(' ') ?? [];
    if (method !== 'GET' || path.includes('{') || path.endsWith('/stream')) continue;
    return { grant, login, api: api.name, operation, path: `${api.route.prefix}${path}` };
  }
  return null;
}

function callerOf(organisation: Organisation, principal: string): string | null {
  const [kind, name = ''] = principal.split(/:(.*)/s);
  const isActive = (login: string) => organisation.people.get(login)?.status === 'active';
  if (kind === 'user') return isActive(name) ? name : null;
  if (kind !== 'group') return null;
  for (const [member, groups] of organisation.memberships) {
    if (member.startsWith('user:') && groups.includes(principal) && isActive(member.slice(5)))
      return member.slice(5);
  }
  return null;
}
