import { isMapping } from '../../format/isMapping.ts';
import { guardRecursion } from './guardRecursion.ts';
import { type Binding, lookUp, type Scope } from './scopes.ts';
import { constant, isTerm, listOf, nameOf, type Term, termsOf, variable } from './syntax.ts';
import { type Definition, definitionsAt, type Walk } from './walkModules.ts';

/**
 * What a term surely is. `name`: the caller or one of its groups, `names`: several (`nothing`: none); `expires`: the
 * end of a grant, `later`: that end or a time ahead; `input PATH`: what stands there. Null where it may be anything.
 */
export type Kind =
  | 'api'
  | 'subject'
  | 'name'
  | 'names'
  | 'grant'
  | 'grants'
  | 'expires'
  | 'later'
  | 'nothing'
  | `input ${string}`;

const ofInput = 'input ';
/** What the request says at a path below `input`; `*` is all that stands there. */
const inputKind = (path: readonly string[]): Kind => `${ofInput}${JSON.stringify(path)}`;
/** The path of what is surely taken from `input`, or null. */
export const inputPath = (kind: Kind | null): string[] | null =>
  kind?.startsWith(ofInput) ? (JSON.parse(kind.slice(ofInput.length)) as string[]) : null;

export type KindOf = (term: unknown, scope: Scope) => Kind | null;

/** Tells kinds by how values come about: never by a guess, so what cannot be followed has none. */
export function createKindOf(walk: Walk): KindOf {
  const { calls, inside } = walk;
  const once = guardRecursion<Kind | null>(null);

  const bindingKind = (binding: Binding): Kind | null =>
    once(binding, () => {
      if (binding.how === 'other') return null;
      if (binding.how !== 'argument') {
        const kind = kindOf(binding.term, binding.scope);
        return binding.how === 'is' ? kind : elementOf(kind);
      }
      const used = calls.get(binding.function) ?? [];
      return common(used.map(({ arguments: values, scope }) => kindOf(values[binding.index], scope)));
    });

  const definitionKind = ({ head, scope }: Definition): Kind | null => {
    if (listOf(head.ref).length !== 1) return null;
    if (head.key !== undefined) return severalOf(kindOf(head.key, scope));
    return kindOf(head.value, scope);
  };

  /** What other packages put at the same place, above it or below it, makes up the rule as well. */
  const ruleKind = (name: string): Kind | null =>
    once(name, () => {
      const path = name.split('.');
      const meeting = definitionsAt(walk, path);
      return meeting.every((one) => one.path.length === path.length)
        ? common(meeting.map(definitionKind))
        : null;
    });

  const nameKind = (name: string, scope: Scope): Kind | null => {
    const declared = lookUp(name, scope);
    if (declared === 'later') return null;
    if (declared !== null) return bindingKind(declared);
    const { prefix, imports } = scope.module;
    return imports.has(name) ? null : ruleKind(`${prefix}${name}`);
  };

  const refKind = (terms: readonly Term[], scope: Scope): Kind | null => {
    const [head, first, ...rest] = terms;
    if (head === undefined) return null;
    const root = variable(head);
    if (root === 'input') return requestKind(constant(first), rest);
    if (root === 'data') {
      const [key, next, ...deeper] = rest;
      if (constant(first) === 'principals' && kindOf(key, scope) === 'subject')
        return constant(next) === 'groups' ? below('names', deeper) : null;
      if (constant(first) === 'grants' && kindOf(key, scope) === 'api' && isCallerName(kindOf(next, scope)))
        return below('grants', deeper);
      return null;
    }
    return below(root === null ? null : nameKind(root, scope), terms.slice(1));
  };

  const callKind = (terms: readonly Term[], scope: Scope): Kind | null => {
    const [operator, left, right, third] = terms;
    const name = nameOf(operator);
    if (name === null) return null;
    if (name === 'or' || name === 'array.concat') return common([kindOf(left, scope), kindOf(right, scope)]);
    if (name === 'minus' || name === 'sort') return onlySeveral(kindOf(left, scope));
    if (name === 'and') return onlySeveral(kindOf(left, scope)) ?? onlySeveral(kindOf(right, scope));
    if (name === 'object.get' && constant(right) === 'expires' && kindOf(left, scope) === 'grant')
      return isAhead(third) ? 'later' : null;
    // `f.g` may be of another package: it is not followed.
    return name.includes('.') || scope.module.imports.has(name)
      ? null
      : ruleKind(`${scope.module.prefix}${name}`);
  };

  const kindOf: KindOf = (term, scope) => {
    if (!isTerm(term)) return null;
    switch (term.type) {
      case 'var':
        return typeof term.value === 'string' ? nameKind(term.value, scope) : null;
      case 'ref':
        return refKind(termsOf(term), scope);
      case 'call':
        return callKind(termsOf(term, 'call'), scope);
      case 'set':
      case 'array':
        return listOf(term.value).length === 0
          ? 'nothing'
          : severalOf(common(listOf(term.value).map((one) => kindOf(one, scope))));
      case 'setcomprehension':
      case 'arraycomprehension': {
        const inner = isMapping(term.value) ? inside.get(term.value) : undefined;
        return inner && isMapping(term.value) ? severalOf(kindOf(term.value.term, inner)) : null;
      }
      default:
        return null;
    }
  };
  return kindOf;
}

/** What stands at a field of `input`, or below it. */
function requestKind(field: string | null, path: readonly Term[]): Kind | null {
  if ((field === 'api' || field === 'subject') && path.length === 0) return field;
  if (field === 'groups') return below('names', path);
  return field === null ? null : inputKind([field, ...path.map((term) => constant(term) ?? '*')]);
}

/** Whether it is surely the caller, or one of its groups. */
export const isCallerName = (kind: Kind | null): boolean => kind === 'name' || kind === 'subject';

/** `input.time` and a positive number. */
function isAhead(term: unknown): boolean {
  const [operator, time, seconds] = termsOf(term, 'call');
  return (
    nameOf(operator) === 'plus' &&
    nameOf(time) === 'input.time' &&
    isMapping(seconds) &&
    seconds.type === 'number' &&
    Number(seconds.value) > 0
  );
}

function elementOf(kind: Kind | null): Kind | null {
  const path = inputPath(kind);
  if (path !== null) return inputKind([...path, '*']);
  return kind === 'names' ? 'name' : kind === 'grants' ? 'grant' : kind === 'nothing' ? 'nothing' : null;
}

const severalOf = (kind: Kind | null): Kind | null =>
  isCallerName(kind) ? 'names' : kind === 'grant' ? 'grants' : null;

const onlySeveral = (kind: Kind | null): Kind | null => (elementOf(kind) === null ? null : kind);

/** What stands below: an element, and of a grant its end. */
function below(kind: Kind | null, path: readonly Term[]): Kind | null {
  const [first, ...rest] = path;
  if (first === undefined) return kind;
  const inside = inputPath(kind);
  if (inside !== null) return below(inputKind([...inside, constant(first) ?? '*']), rest);
  if (kind === 'grant') return constant(first) === 'expires' && rest.length === 0 ? 'expires' : null;
  return below(elementOf(kind), rest);
}

function common(kinds: readonly (Kind | null)[]): Kind | null {
  const some = kinds.filter((kind) => kind !== 'nothing').map((kind) => (kind === 'subject' ? 'name' : kind));
  const [first = null] = some;
  if (some.length === 0) return kinds.length === 0 ? null : 'nothing';
  if (kinds.every((kind) => kind === 'subject')) return 'subject';
  return some.every((kind) => kind === first) ? first : null;
}
