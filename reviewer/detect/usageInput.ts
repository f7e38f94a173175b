import { paramsLine } from '../../bundle/access/grantLine.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { SeenIn } from './lookUpUsage.ts';

type Known = Pick<Evidence, 'organisation' | 'members' | 'history'>;
type Others = {
  evidence: Known;
  byId: ReadonlyMap<string, Grant>;
  /** Those that are to go themselves. */
  going: ReadonlySet<string>;
};

/** What the policies are told of a grant's use in one window, and of those that justified all of it too. */
export const usageInput = (
  grant: Grant,
  { facts, companions }: SeenIn,
  { evidence, byId, going }: Others,
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
        ...{ id, api, covers, state, reaches: reaches(other, grant, facts.from, evidence) },
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
 * Whether by the other grant everybody still has what they used by this one since `from`. A person's own justified what
 * they did, if it was theirs all the time. A group somebody may have left since, and who it was nobody tells: it must
 * reach all whom this one does.
 */
function reaches(
  other: Grant,
  { principal }: Grant,
  from: number,
  { organisation, members, history }: Known,
): boolean {
  if (other.principal === principal) return true;
  const isOfGroup = principal.startsWith('group:');
  if (!other.principal.startsWith('group:')) return isOfGroup && (history.of(other.id)?.grownAt ?? 0) < from;
  const reached = isOfGroup ? (members.get(principal) ?? []) : [principal];
  const isReached = (name: string) => organisation.memberships.get(name)?.includes(other.principal) === true;
  return reached.length > 0 && reached.every(isReached);
}
