import { paramsLine } from '../../bundle/access/grantLine.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { membersOf } from './groups.ts';
import type { SeenIn } from './lookUpUsage.ts';
import { accountStatus } from './people.ts';

type Others = {
  organisation: Organisation;
  byId: ReadonlyMap<string, Grant>;
  /** Those that are to go themselves. */
  going: ReadonlySet<string>;
};

/** What the policies are told of a grant's use in one window, and of those that justified all of it too. */
export const usageInput = (
  grant: Grant,
  { facts, companions }: SeenIn,
  { organisation, byId, going }: Others,
) => ({
  coverage: facts.coverage,
  allows: facts.allows,
  days_used: facts.daysUsed,
  operations: facts.operations,
  ...(facts.lastUsedAt !== null && { last_used_at: facts.lastUsedAt }),
  companions: companions.flatMap((id) => {
    const other = byId.get(id);
    if (other === undefined) return [];
    const { api, covers, state, expiresAt, conditions, params, limits } = other;
    return [
      {
        ...{ id, api, covers, state, reaches: reaches(other, grant, organisation) },
        ...(expiresAt !== null && { expires_at: expiresAt }),
        ...(conditions && { conditions }),
        ...(params && { params: paramsLine(params) }),
        ...(limits?.rate !== undefined && { rate: limits.rate }),
        going: going.has(id),
      },
    ];
  }),
});

/**
 * Whether by the other grant everybody still has what they used by this one: whose own it is, theirs was all of that
 * use; of a group some may have left since, and who it was nobody tells, so it must reach all whom this one does.
 */
function reaches(other: Grant, { principal }: Grant, organisation: Organisation): boolean {
  if (other.principal === principal || !other.principal.startsWith('group:')) return true;
  const members = membersOf(organisation);
  const inside = new Set(members.get(other.principal));
  const isActive = (name: string) => accountStatus(name, organisation) === 'active';
  const reached = (principal.startsWith('group:') ? (members.get(principal) ?? []) : [principal]).filter(
    isActive,
  );
  return reached.length > 0 && reached.every((name) => inside.has(name));
}
