import { compareCodePoints } from '../../format/canonicalJson.ts';
import type { PolicyReads } from './policyReads.ts';
import { constant, keyOfGet, type Place, type Term } from './syntax.ts';
import type { Found } from './walkModules.ts';

export const inputFields = [
  'api',
  'claims',
  'facts',
  'groups',
  'groups_from',
  'method',
  'mfa',
  'networks',
  'operation',
  'params',
  'path',
  'subject',
  'time',
];

/** A place where a fact is read. */
export type FactRead = Place & { name: string; rule: string; file: string };

const factNamed =
  'a fact must be read by a name that stands there, as input.facts.country or object.get(input.facts, "country", "")';

/**
 * Gathers what a policy reads of the request. `read` takes what stands behind `input` and says what is wrong with it, or
 * null: each field must be named, so that it can be told which facts are asked for and whether the time is.
 */
export function createInputReads() {
  const facts: FactRead[] = [];
  let clock = false;

  /** Of `input` as a whole only `object.get` names a field, and of the facts there not one. */
  const readWhole = (name: string | null): string | null => {
    if (name === 'facts') return factNamed;
    if (name === null)
      return 'input must be read by a field that stands there, as input.method or object.get(input, "method", "")';
    if (name === 'time') clock = true;
    return fieldFault(name);
  };

  const readFact = (name: string | null, { rule, scope, place }: Found): string | null => {
    if (name === null) return factNamed;
    facts.push({ name, rule, file: scope.module.file, ...place });
    return null;
  };

  const read = ([field, key]: readonly Term[], found: Found): string | null => {
    if (field === undefined) return readWhole(constant(keyOfGet(found.node, found.parent)));
    const name = constant(field);
    if (name === null) return 'a field of input must be named, not computed';
    if (name === 'facts') return readFact(constant(key ?? keyOfGet(found.node, found.parent)), found);
    if ((name === 'params' || name === 'claims') && constant(key) !== null)
      return `of input.${name} a decision gets what grants of the caller restrict: it is read by a name that such a grant has, as in input.params[name]`;
    return fieldFault(name);
  };

  const all = (): { facts: readonly FactRead[]; clock: boolean; names: Pick<PolicyReads, 'facts'> } => ({
    facts,
    clock,
    names:
      facts.length === 0
        ? {}
        : { facts: [...new Set(facts.map(({ name }) => name))].sort(compareCodePoints) },
  });
  return { read, all };
}

const fieldFault = (name: string): string | null =>
  inputFields.includes(name)
    ? null
    : `a decision does not get input.${name}, expected one of ${inputFields.join(', ')}`;
