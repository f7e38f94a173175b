import type { GrantLine, ParamsLine } from '../data/grantLine.ts';

/** Under which conditions a grant holds. */
export type Conditions = {
  /** The caller must be in one of them; null: anywhere. */
  networks: readonly string[] | null;
  mfa: boolean;
  /** Which values path parameters must have; left out: any. */
  params?: ParamsLine;
  /** `600/min`: it lets so much through, beside what others let through; left out: as often as the API lets everybody. */
  rate?: string;
  /** The operations that this rate counts together, where that is what a change is about; sorted. */
  together?: readonly string[];
  /** Exclusive, whole seconds since 1970; null: no end. */
  expires: number | null;
};

/**
 * What became of access that is there before and after. `tightened` and `loosened`: they ask for more, or
 * less. `shortened` and `extended`: all else alike, it ends sooner, or later. `altered`: more of the one and
 * less of the other.
 */
export type ConditionsChange = 'tightened' | 'loosened' | 'shortened' | 'extended' | 'altered';

/** Those of a grant; what it does not limit is null, or left out. */
export const conditionsOf = ({ conditions, expires, rate }: GrantLine): Conditions => ({
  networks: conditions?.networks ?? null,
  mfa: conditions?.mfa === true,
  ...(conditions?.params && { params: conditions.params }),
  ...(rate !== undefined && { rate }),
  expires: expires ?? null,
});
