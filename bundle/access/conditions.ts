import { compareCodePoints } from '../format/canonicalJson.ts';
import type { GrantLine } from '../format/grantLine.ts';

/** Under which conditions a grant holds. */
export type Conditions = {
  /** The caller must be in one of them; null: anywhere. */
  networks: readonly string[] | null;
  mfa: boolean;
  /** Exclusive, whole seconds since 1970; null: no end. */
  expires: number | null;
};

/**
 * What became of access that is there before and after. `tightened` and `loosened`: they ask for more, or
 * less. `shortened` and `extended`: all else alike, it ends sooner, or later. `altered`: more of the one and
 * less of the other.
 */
export type ConditionsChange = 'tightened' | 'loosened' | 'shortened' | 'extended' | 'altered';

export const conditionsOf = ({ conditions, expires }: GrantLine): Conditions => ({
  networks: conditions?.networks ?? null,
  mfa: conditions?.mfa === true,
  expires: expires ?? null,
});

type Atom = { network: string | null; mfa: boolean; expires: number };

/** One for each network: then whatever one atom allows is allowed by the others only if one of them allows it all. */
const atomsOf = (all: readonly Conditions[]): Atom[] =>
  all.flatMap(({ networks, mfa, expires }) =>
    (networks ?? [null]).map((network) => ({ network, mfa, expires: expires ?? Number.POSITIVE_INFINITY })),
  );

const within = (atom: Atom, atoms: readonly Atom[], clock: boolean) =>
  atoms.some(
    (other) =>
      (other.network === null || other.network === atom.network) &&
      (!other.mfa || atom.mfa) &&
      (!clock || other.expires >= atom.expires),
  );

const allWithin = (atoms: readonly Atom[], others: readonly Atom[], clock: boolean) =>
  atoms.every((atom) => within(atom, others, clock));

/** Compares the conditions under which something may be done before and after; null when they come to the same. */
export function compareConditions(
  before: readonly Conditions[],
  after: readonly Conditions[],
): ConditionsChange | null {
  const [old, now] = [atomsOf(before), atomsOf(after)];
  const [kept, grown] = [allWithin(old, now, true), !allWithin(now, old, true)];
  if (kept && !grown) return null;
  if (!kept && grown) return 'altered';
  const sameConditions = allWithin(old, now, false) && allWithin(now, old, false);
  if (sameConditions) return grown ? 'extended' : 'shortened';
  return grown ? 'loosened' : 'tightened';
}

/** The conditions in force, each once and without those that another one includes; sorted. */
export function widestConditions(all: readonly Conditions[]): Conditions[] {
  const byText = new Map(all.map((one) => [JSON.stringify(one), one] as const));
  const texts = [...byText].sort(([a], [b]) => compareCodePoints(a, b));
  return texts
    .filter(([, one], index) =>
      texts.every(([, other], position) => {
        if (position === index || !allWithin(atomsOf([one]), atomsOf([other]), true)) return true;
        // Of two that include each other the first one stays.
        return allWithin(atomsOf([other]), atomsOf([one]), true) && position > index;
      }),
    )
    .map(([, one]) => one);
}
