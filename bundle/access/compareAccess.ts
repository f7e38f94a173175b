import { compareCodePoints } from '../format/canonicalJson.ts';
import type { GrantLine } from '../format/grantLine.ts';
import {
  type Conditions,
  type ConditionsChange,
  compareConditions,
  conditionsOf,
  widestConditions,
} from './conditions.ts';
import { holdsAt } from './grantLine.ts';

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
  /** Under which conditions; of several the wider ones. */
  conditions: { before: readonly Conditions[]; after: readonly Conditions[] };
};

export type Held = { through: string; grant: GrantLine };

/**
 * Compares what somebody's grants on one API allow before and after; `at` in whole seconds since 1970, null for no
 * instant. Operations that fare alike by the same grants come together.
 */
export function compareAccess(
  api: string,
  before: readonly Held[],
  after: readonly Held[],
  at: number | null,
): AccessChange[] {
  const [old, now] = [byOperation(before, at), byOperation(after, at)];
  const alike = new Map<string, { change: AccessChange; operations: string[] }>();
  for (const operation of [...new Set([...old.keys(), ...now.keys()])].sort(compareCodePoints)) {
    const [was, is] = [old.get(operation) ?? [], now.get(operation) ?? []];
    const conditions = {
      before: widestConditions(was.map(({ grant }) => conditionsOf(grant))),
      after: widestConditions(is.map(({ grant }) => conditionsOf(grant))),
    };
    const kind: AccessChange['kind'] | null =
      is.length === 0
        ? 'loses'
        : was.length === 0
          ? 'gains'
          : compareConditions(conditions.before, conditions.after);
    if (kind === null) continue;
    const change = { kind, api, before: ways(was), after: ways(is), conditions };
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

/** What holds at all, by operation. */
function byOperation(all: readonly Held[], at: number | null): Map<string, Held[]> {
  const found = new Map<string, Held[]>();
  for (const held of all) {
    if (!holdsAt(held.grant, at)) continue;
    for (const operation of held.grant.operations) {
      const others = found.get(operation);
      if (others === undefined) found.set(operation, [held]);
      else others.push(held);
    }
  }
  return found;
}

const ways = (all: readonly Held[]): Way[] =>
  all
    .map(({ through, grant }) => ({ grant: grant.id, through }))
    .sort((a, b) => compareCodePoints(a.grant, b.grant));
