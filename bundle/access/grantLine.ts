import type { GrantLine, ParamsLine } from '../data/grantLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { claimOf, type GrantParams } from '../grants/api/params.ts';
import { isLive } from '../grants/dates.ts';
import type { Grant } from '../grants/organisation.ts';

/** What the decision needs of a grant; keys that say nothing are left out. */
export function grantLine({ id, covers, conditions, params, expiresAt, limits, state }: Grant): GrantLine {
  return {
    ...((conditions ?? params) && {
      conditions: {
        ...(conditions?.mfa && { mfa: conditions.mfa }),
        ...(conditions?.networks && { networks: [...conditions.networks].sort() }),
        ...(params && { params: paramsLine(params) }),
      },
    }),
    ...(expiresAt !== null && { expires: expiresAt }),
    id,
    operations: covers,
    ...(limits?.rate !== undefined && { rate: limits.rate }),
    ...(state === 'suspended' && { state }),
  };
}

/** What `params` of a grant says, as data.json has it. */
export const paramsLine = (params: GrantParams): ParamsLine =>
  Object.fromEntries(
    Object.entries(params).map(([name, wanted]) => {
      const claim = claimOf(wanted);
      return [name, claim === null ? [...wanted].sort(compareCodePoints) : { claim }];
    }),
  );

/** Whether it gives anything at `at`, whole seconds since 1970; null for no instant: then nothing has expired. */
export const holdsAt = (
  { state, expires }: Pick<GrantLine, 'state' | 'expires'>,
  at: number | null,
): boolean => isLive({ state: state ?? 'active', expiresAt: expires ?? null }, at);
