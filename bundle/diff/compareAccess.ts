import { compareCodePoints } from '../format/canonicalJson.ts';
import {
  compareTerms,
  type GrantLine,
  type Terms,
  type TermsChange,
  termsOf,
  widestTerms,
} from './accessTerms.ts';

/** A grant by which something may be done, and whose it is: the caller's own or one of its groups'. */
export type Way = { grant: string; through: string };

/** What became of some operations of an API for somebody. All lists are sorted. */
export type AccessChange = {
  kind: 'loses' | 'gains' | TermsChange;
  api: string;
  operations: readonly string[];
  /** The grants that gave it before, and that give it now. */
  before: readonly Way[];
  after: readonly Way[];
  /** Their terms; of several the wider ones. */
  terms: { before: readonly Terms[]; after: readonly Terms[] };
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
    const terms = {
      before: widestTerms(was.map(({ grant }) => termsOf(grant))),
      after: widestTerms(is.map(({ grant }) => termsOf(grant))),
    };
    const kind: AccessChange['kind'] | null =
      is.length === 0 ? 'loses' : was.length === 0 ? 'gains' : compareTerms(terms.before, terms.after);
    if (kind === null) continue;
    const change = { kind, api, before: ways(was), after: ways(is), terms };
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
    const { operations, state, expires } = held.grant;
    if (state === 'suspended' || (at !== null && expires !== undefined && expires <= at)) continue;
    for (const operation of operations) {
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
