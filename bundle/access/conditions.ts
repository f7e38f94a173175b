import { compareCodePoints } from '../format/canonicalJson.ts';
import type { GrantLine, ParamsLine } from '../format/grantLine.ts';
import { parseRate, type Rate } from '../format/rate.ts';

/** Under which conditions a grant holds. */
export type Conditions = {
  /** The caller must be in one of them; null: anywhere. */
  networks: readonly string[] | null;
  mfa: boolean;
  /** Which values path parameters must have; left out: any. */
  params?: ParamsLine;
  /** `600/min`: how often at most, where no other way has no rate; left out: as often as the API lets everybody. */
  rate?: string;
  /** Exclusive, whole seconds since 1970; null: no end. */
  expires: number | null;
};

/**
 * What became of access that is there before and after. `tightened` and `loosened`: they ask for more, or
 * less. `shortened` and `extended`: all else alike, it ends sooner, or later. `altered`: more of the one and
 * less of the other.
 */
export type ConditionsChange = 'tightened' | 'loosened' | 'shortened' | 'extended' | 'altered';

export const conditionsOf = ({ conditions, expires, rate }: GrantLine): Conditions => ({
  networks: conditions?.networks ?? null,
  mfa: conditions?.mfa === true,
  ...(conditions?.params && { params: conditions.params }),
  ...(rate !== undefined && { rate }),
  expires: expires ?? null,
});

/** Parameter → the values it may have, each as a text that no other has; left out: any. */
type Values = ReadonlyMap<string, readonly string[]>;
type Atom = { network: string | null; mfa: boolean; values: Values; rate: Rate | null; expires: number };

/** A claim may be any value, so it is one of its own: it includes no other and is included in none. */
const valuesOf = (params: ParamsLine = {}): Values =>
  new Map(
    Object.entries(params).map(([name, wanted]) => [
      name,
      'claim' in wanted ? [`claim ${wanted.claim}`] : [...wanted].map((value) => `= ${value}`),
    ]),
  );

/** Beyond so many, access is compared list by list: it may be called other than it was where values moved between grants. */
const mostAtoms = 2_000;

/** Every choice of one value for each parameter. */
function choices(values: Values): Values[] {
  let all: Values[] = [new Map()];
  for (const [name, list] of values) {
    if (all.length * list.length > mostAtoms) return [values];
    all = all.flatMap((one) => list.map((value) => new Map([...one, [name, [value]]])));
  }
  return all;
}

/** One for each network and value: then whatever one atom allows is allowed by the others only if one of them allows it all. */
const atomsOf = (all: readonly Conditions[], choose: (values: Values) => Values[]): Atom[] =>
  all.flatMap(({ networks, mfa, params, rate, expires }) =>
    (networks ?? [null]).flatMap((network) =>
      choose(valuesOf(params)).map((values) => ({
        ...{ network, mfa, values, rate: rate === undefined ? null : parseRate(rate) },
        expires: expires ?? Number.POSITIVE_INFINITY,
      })),
    ),
  );
const whole = (values: Values): Values[] => [values];

const within = (atom: Atom, atoms: readonly Atom[], clock: boolean) =>
  atoms.some(
    (other) =>
      (other.network === null || other.network === atom.network) &&
      (!other.mfa || atom.mfa) &&
      (!clock || other.expires >= atom.expires) &&
      isAsOften(atom.rate, other.rate) &&
      hasOnly(atom.values, other.values),
  );

/** Whether whatever keeps to the one rate keeps to the other: no faster in the long run, and no more at once. */
const isAsOften = (rate: Rate | null, other: Rate | null): boolean =>
  other === null || (rate !== null && other.interval <= rate.interval && other.count >= rate.count);

/** Whether every parameter that `wanted` restricts has none but its values. */
const hasOnly = (values: Values, wanted: Values): boolean =>
  [...wanted].every(([name, list]) => values.get(name)?.every((value) => list.includes(value)) === true);

/** What is in a choice of values of the others is in them: those are looked at whole, and so is what is mostly the same. */
function allWithin(some: readonly Conditions[], others: readonly Conditions[], clock: boolean): boolean {
  const around = atomsOf(others, whole);
  const isWithin = (one: Atom) => within(one, around, clock);
  return atomsOf(some, whole).every(isWithin) || atomsOf(some, choices).every(isWithin);
}

/** Compares the conditions under which something may be done before and after; null when they come to the same. */
export function compareConditions(
  before: readonly Conditions[],
  after: readonly Conditions[],
): ConditionsChange | null {
  const [kept, grown] = [allWithin(before, after, true), !allWithin(after, before, true)];
  if (kept && !grown) return null;
  if (!kept && grown) return 'altered';
  const sameConditions = allWithin(before, after, false) && allWithin(after, before, false);
  if (sameConditions) return grown ? 'extended' : 'shortened';
  return grown ? 'loosened' : 'tightened';
}

/** Whether all that changed is which values path parameters may have: then there is more access, or less, to the same. */
export const isOfValues = (before: readonly Conditions[], after: readonly Conditions[]): boolean =>
  compareConditions(before, after) !== null &&
  compareConditions(before.map(ofAnyValue), after.map(ofAnyValue)) === null;

const ofAnyValue = ({ params: _, ...conditions }: Conditions): Conditions => conditions;

/** The conditions in force, each once and without those that another one includes; sorted. */
export function widestConditions(all: readonly Conditions[]): Conditions[] {
  const byText = new Map(all.map((one) => [JSON.stringify(one), one] as const));
  const texts = [...byText].sort(([a], [b]) => compareCodePoints(a, b));
  return texts
    .filter(([, one], index) =>
      texts.every(([, other], position) => {
        if (position === index || !allWithin([one], [other], true)) return true;
        // Of two that include each other the first one stays.
        return allWithin([other], [one], true) && position > index;
      }),
    )
    .map(([, one]) => one);
}
