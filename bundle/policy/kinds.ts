import { isMapping } from '../format/isMapping.ts';
import { constant, isTerm, listOf, nameOf, type Term, termsOf, variable } from './syntax.ts';
import type { Binding, Definition, Module, Scope, Walk } from './walkModules.ts';

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
export function createKindOf({ definitions, calls, inside }: Walk): KindOf {
  const open = new Set<unknown>();
  /** A rule that is defined by itself has no kind; OPA refuses it anyway. */
  const once = <T>(key: unknown, work: () => T | null): T | null => {
    if (open.has(key)) return null;
    open.add(key);
    try {
      return work();
    } finally {
      open.delete(key);
    }
  };

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
      const meeting = definitions.filter((one) => meets(one.path, path));
      return meeting.every((one) => one.path.length === path.length)
        ? common(meeting.map(definitionKind))
        : null;
    });

  const nameKind = (name: string, scope: Scope): Kind | null => {
    for (let at: Scope | null = scope; at !== null; at = at.outer) {
      const binding = at.declared.get(name);
      if (binding !== undefined) return binding.since < at.at ? bindingKind(binding) : null;
    }
    const { prefix, imports }: Module = scope.module;
    return imports.has(name) ? null : ruleKind(`${prefix}${name}`);
  };

  const refKind = (terms: readonly Term[], scope: Scope): Kind | null => {
    const [head, first, ...rest] = terms;
    if (head === undefined) return null;
    const root = variable(head);
    if (root === 'input') {
      const field = constant(first);
      if (field === 'api' && rest.length === 0) return 'api';
      if (field === 'subject' && rest.length === 0) return 'subject';
      if (field === 'groups') return below('names', rest);
      return field === null ? null : inputKind([field, ...rest.map((term) => constant(term) ?? '*')]);
    }
    if (root === 'data') {
      const [key, next, ...deeper] = rest;
      if (constant(first) === 'principals' && kindOf(key, scope) === 'subject')
        return constant(next) === 'groups' ? below('names', deeper) : null;
      if (constant(first) === 'grants' && kindOf(key, scope) === 'api' && isName(kindOf(next, scope)))
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

export const isName = (kind: Kind | null): boolean => kind === 'name' || kind === 'subject';

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
  isName(kind) ? 'names' : kind === 'grant' ? 'grants' : null;

const onlySeveral = (kind: Kind | null): Kind | null => (elementOf(kind) === null ? null : kind);

/** Whether one path leads to the other, or to something below it; what is computed may be any name. */
const meets = (one: readonly (string | null)[], other: readonly string[]): boolean =>
  other.every((part, at) => one[at] === undefined || one[at] === null || one[at] === part);

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
