import { anonymous } from '../data/anonymous.ts';
import type { GrantLine } from '../data/grantLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { isWithinRate, parseRate, type Rate } from '../format/rate.ts';
import { type Ways, waysOf } from './allowances.ts';
import { compareWays, conditionsIn } from './compareConditions.ts';
import { compareShares } from './compareShares.ts';
import { type Conditions, type ConditionsChange, conditionsOf } from './conditions.ts';
import { holdsAt } from './grantLine.ts';
import { type Term, termOf } from './terms.ts';

/** A grant by which something may be done, and whose it is: the caller's own or one of its groups'. */
export type Way = { grant: string; through: string };

/** What became of some operations of an API for somebody. All lists are sorted. */
export type AccessChange = {
  kind: 'loses' | 'gains' | ConditionsChange;
  api: string;
  operations: readonly string[];
  /** The grants that gave it before, and that give it now. */
  before: readonly Way[];
  after: readonly Way[];
  /** Under which conditions; of several the wider ones, and every rate that bounds somebody, as each lets through its own. */
  conditions: { before: readonly Conditions[]; after: readonly Conditions[] };
};

export type Held = { through: string; grant: GrantLine };

export type ComparedApi = {
  name: string;
  /** The rate that it holds everybody to on each side that has the API; undefined: it has none. */
  rates: readonly (string | undefined)[];
  /** What anybody may do there, whoever is compared; left out: nothing. */
  open?: { before: readonly GrantLine[]; after: readonly GrantLine[] };
};

/**
 * Compares what somebody's grants on one API allow before and after; `at` in whole seconds since 1970, null for no
 * instant. Operations that fare alike by the same grants come together. There is no change where a gateway lets every
 * sequence of requests through as it did, its API's own rate aside. Nor is there one to what anybody may do now: no grant
 * is asked for that; who holds what anybody might do before keeps it.
 */
export function compareAccess(
  { name: api, rates, open }: ComparedApi,
  before: readonly Held[],
  after: readonly Held[],
  at: number | null,
): AccessChange[] {
  const own = rates.map((rate) => (rate === undefined ? null : parseRate(rate)));
  const [old, now] = [byOperation(before, at, own), byOperation(after, at, own)];
  const [wasOpen, isOpen] = [byOperation(anybodys(open?.before), at, own), operationsOf(open?.after)];
  const alike = new Map<string, { change: AccessChange; operations: string[] }>();
  const found = new Map<string, Pick<AccessChange, 'kind' | 'conditions'>>();
  const kept = new Map<string, { was: Ways; is: Ways }>();
  const names = [...new Set([...old.keys(), ...now.keys()])].sort(compareCodePoints);
  for (const operation of names) {
    if (isOpen.has(operation)) continue;
    if (now.has(operation))
      for (const one of wasOpen.get(operation) ?? [])
        old.set(operation, [...(old.get(operation) ?? []), one]);
    const [was, is] = [waysOf(terms(old.get(operation))), waysOf(terms(now.get(operation)))];
    const kind = !now.has(operation) ? 'loses' : !old.has(operation) ? 'gains' : compareWays(was, is);
    if (kind !== null)
      found.set(operation, { kind, conditions: { before: conditionsIn(was), after: conditionsIn(is) } });
    else if (was.rated.length > 0) kept.set(operation, { was, is });
  }
  for (const [operation, change] of compareShares(kept)) found.set(operation, change);
  for (const operation of names) {
    const what = found.get(operation);
    if (what === undefined) continue;
    const { kind, conditions } = what;
    const change = {
      kind,
      api,
      before: ways(old.get(operation)),
      after: ways(now.get(operation)),
      conditions,
    };
    const text = JSON.stringify(change);
    const known = alike.get(text);
    if (known !== undefined) known.operations.push(operation);
    else {
      const operations = [operation];
      alike.set(text, { change: { ...change, operations }, operations });
    }
  }
  return [...alike.values()].map(({ change }) => change);
}

const anybodys = (grants: readonly GrantLine[] = []): Held[] =>
  grants.map((grant) => ({ through: anonymous, grant }));

const operationsOf = (grants: readonly GrantLine[] = []): ReadonlySet<string> =>
  new Set(grants.flatMap(({ operations }) => operations));

type Known = Held & { term: Term };

/** What holds at all, by operation; each grant taken apart once. */
function byOperation(
  all: readonly Held[],
  at: number | null,
  own: readonly (Rate | null)[],
): Map<string, Known[]> {
  const found = new Map<string, Known[]>();
  for (const held of all) {
    if (!holdsAt(held.grant, at)) continue;
    const known = { ...held, term: termOf(held.grant.id, boundBy(conditionsOf(held.grant), own)) };
    for (const operation of held.grant.operations) {
      const others = found.get(operation);
      if (others === undefined) found.set(operation, [known]);
      else others.push(known);
    }
  }
  return found;
}

/** Whoever is held to the API's rate keeps to one that lets through as much: it is as none. */
function boundBy({ rate, ...conditions }: Conditions, own: readonly (Rate | null)[]): Conditions {
  if (rate === undefined) return conditions;
  const known = parseRate(rate);
  const isMoot = own.length > 0 && own.every((one) => one !== null && isWithinRate(one, known));
  return isMoot ? conditions : { ...conditions, rate };
}

const terms = (all: readonly Known[] = []): Term[] => all.map(({ term }) => term);

const ways = (all: readonly Held[] = []): Way[] =>
  all
    .map(({ through, grant }) => ({ grant: grant.id, through }))
    .sort((a, b) => compareCodePoints(a.grant, b.grant));
