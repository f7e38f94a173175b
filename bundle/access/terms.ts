import type { ParamsLine } from '../data/grantLine.ts';
import { parseRate, type Rate } from '../format/rate.ts';
import type { Conditions } from './conditions.ts';

/** The conditions of one grant, taken apart once. */
export type Term = {
  /** The grant; gateways take from rates that are alike in the order of these. */
  id: string;
  conditions: Conditions;
  rate: Rate | null;
  /** One for each network, with all the values of its parameters; and one for each choice of values, where it comes to that. */
  whole: readonly Atom[];
  chosen: () => readonly Atom[];
};

/** Parameter → the values it may have, each as a text that no other has; left out: any. */
type Values = ReadonlyMap<string, readonly string[]>;
/** What one atom allows is allowed by others only if one of them allows it all. */
export type Atom = { network: string | null; mfa: boolean; values: Values; expires: number };

/** What a grant allows by its conditions, to be compared with what others allow. */
export function termOf(id: string, conditions: Conditions): Term {
  const { rate, params } = conditions;
  const values = valuesOf(params);
  const whole = atomsOf(conditions, [values]);
  let chosen: readonly Atom[] | null = null;
  return {
    ...{ id, conditions, whole },
    rate: rate === undefined ? null : parseRate(rate),
    chosen: () => {
      chosen ??= params === undefined ? whole : atomsOf(conditions, choices(values));
      return chosen;
    },
  };
}

const atomsOf = ({ networks, mfa, expires }: Conditions, all: readonly Values[]): Atom[] =>
  (networks ?? [null]).flatMap((network) =>
    all.map((values) => ({ network, mfa, values, expires: expires ?? Number.POSITIVE_INFINITY })),
  );

const claim = 'claim ';
/** A claim may be any value, so it is one of its own: it includes no other and is included in none. */
const valuesOf = (params: ParamsLine = {}): Values =>
  new Map(
    Object.entries(params).map(([name, wanted]) => [
      name,
      'claim' in wanted ? [`${claim}${wanted.claim}`] : [...wanted].map((value) => `= ${value}`),
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

/** Whether one of some atoms allows all that an atom does. */
export const isWithin = (atom: Atom, atoms: readonly Atom[]): boolean =>
  atoms.some(
    (other) =>
      (other.network === null || other.network === atom.network) &&
      (!other.mfa || atom.mfa) &&
      other.expires >= atom.expires &&
      hasOnly(atom.values, other.values),
  );

/** Whether every parameter that `wanted` restricts has none but its values. */
const hasOnly = (values: Values, wanted: Values): boolean =>
  [...wanted].every(([name, list]) => values.get(name)?.every((value) => list.includes(value)) === true);

/** Whether one request may be allowed by both. */
export const overlap = ({ values }: Atom, other: Atom): boolean =>
  [...values].every(([name, list]) => {
    const theirs = other.values.get(name);
    return (
      theirs === undefined ||
      [...list, ...theirs].some((value) => value.startsWith(claim)) ||
      list.some((value) => theirs.includes(value))
    );
  });

/** Two atoms that allow the same have the same text. */
export const textOf = ({ network, mfa, values, expires }: Atom): string =>
  JSON.stringify([network, mfa, [...values], expires === Number.POSITIVE_INFINITY ? null : expires]);

/** What is in a choice of values of the others is in them: those are looked at whole, and so is what is mostly the same. */
export function allWithin(some: readonly Term[], around: readonly Atom[]): boolean {
  const every = (atoms: readonly Atom[]) => atoms.every((atom) => isWithin(atom, around));
  return some.every((term) => every(term.whole) || every(term.chosen()));
}
