import type { GrantLine } from '../format/grantLine.ts';
import type { Grant } from '../grants/organisation.ts';

/** What the decision needs of a grant; keys that say nothing are left out. */
export function grantLine({ id, covers, conditions, expiresAt, limits, state }: Grant): GrantLine {
  return {
    ...(conditions && {
      conditions: {
        ...(conditions.mfa && { mfa: conditions.mfa }),
        ...(conditions.networks && { networks: [...conditions.networks].sort() }),
      },
    }),
    ...(expiresAt !== null && { expires: expiresAt }),
    id,
    operations: covers,
    ...(limits?.rate !== undefined && { rate: limits.rate }),
    ...(state === 'suspended' && { state }),
  };
}

/** Whether it gives anything at `at`, whole seconds since 1970; null for no instant: then nothing has expired. */
export const holdsAt = (
  { state, expires }: Pick<GrantLine, 'state' | 'expires'>,
  at: number | null,
): boolean => state !== 'suspended' && (at === null || expires === undefined || expires > at);
