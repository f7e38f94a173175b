import { isMapping } from '../format/isMapping.ts';
import type { KindOf } from './kinds.ts';
import { callIn, constant, isTerm, listOf, nameOf, type Term, termsOf, variable } from './syntax.ts';
import type { Declared, Found, Scope, Walk } from './walkModules.ts';

/** Whole numbers as they are written: OPA and WASM read `1.0`, `1e1` and `-0` differently where an index is wanted. */
const whole = /^(?:0|-?[1-9]\d{0,14})$/;

/**
 * Patterns that RE2 (in WASM) and Go's regexp are known to take alike: of ASCII, without flags, names, Unicode classes
 * and bytes.
 */
const plainPattern =
  /^(?:[A-Za-z0-9 _/:@,;=~!#%&'"<>-]|[.^$|)]|\((?:\?:|(?!\?))|\\[dws.^$|()*+?[\]{}\\/-]|\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9_./:@ ,+%~]|\\[dws.-])+-?\]|[*+?]\??|\{\d{1,2}(?:,\d{0,2})?\}\??)*$/;
const longestPattern = 200;

/** Calls to which the order of what they are given makes no difference. */
const orderless = new Set(['count', 'max', 'min', 'product', 'sort', 'sum']);
const members = new Set(['internal.member_2', 'internal.member_3']);
/** Calls that answer with an array. */
const listing = new Set(['array.concat', 'array.flatten', 'array.reverse', 'array.slice', 'sort', 'split']);

/** The built-ins whose meaning the shapes rely on. */
export const shaped = [...orderless, 'concat', 'indexof', 'regex', 'replace', 'split'];

/**
 * Tells what is wrong with the shape of a node, or null: each is one that WASM answers otherwise than OPA, or never.
 * WASM keeps sets and objects in no order, OPA sorts them; so an array must not be made by going through one.
 */
export function createFaultOf({ definitions, calls, inside }: Walk, kindOf: KindOf) {
  const open = new Set<unknown>();
  const once = (key: unknown, work: () => boolean): boolean => {
    if (open.has(key)) return false;
    open.add(key);
    try {
      return work();
    } finally {
      open.delete(key);
    }
  };

  const declaredAs = (name: string, scope: Scope): Declared | 'later' | null => {
    for (let at: Scope | null = scope; at !== null; at = at.outer) {
      const found = at.declared.get(name);
      if (found !== undefined) return found.since < at.at ? found : 'later';
    }
    return null;
  };

  const definitionsOf = (name: string, { module }: Scope) => {
    const path = `${module.prefix}${name}`.split('.');
    const meeting = definitions.filter((one) =>
      path.every((part, at) => one.path[at] === undefined || one.path[at] === null || one.path[at] === part),
    );
    return { path, meeting };
  };

  const isListName = (name: string, scope: Scope): boolean => {
    const found = declaredAs(name, scope);
    if (found === 'later') return false;
    if (found?.how === 'is') return once(found, () => isList(found.term, found.scope));
    if (found?.how === 'argument') {
      const used = calls.get(found.function) ?? [];
      const { index } = found;
      return once(
        found,
        () => used.length > 0 && used.every((one) => isList(one.arguments[index], one.scope)),
      );
    }
    if (found !== null || scope.module.imports.has(name)) return false;
    const { path, meeting } = definitionsOf(name, scope);
    const isComplete = ({ head, path: own }: (typeof meeting)[number]) =>
      own.length === path.length && head.key === undefined && listOf(head.args).length === 0;
    return once(
      path.join('.'),
      () =>
        meeting.length > 0 && meeting.every((one) => isComplete(one) && isList(one.head.value, one.scope)),
    );
  };

  const isListRef = (terms: readonly Term[], scope: Scope): boolean => {
    const names = terms.map((term, at) => (at === 0 ? variable(term) : constant(term)));
    const [root, first, second, third] = names;
    const { length } = terms;
    if (root === 'input') return length === 2 && (first === 'groups' || first === 'networks');
    if (root === 'data' && first === 'principals') return length === 4 && third === 'groups';
    if (root === 'data' && first === 'networks') return length === 3;
    if (root === 'data' && first === 'apis') return length === 5 && third === 'roles';
    if (root === 'data' && first === 'grants' && length === 4) return true;
    const below = (deep: number) => kindOf({ type: 'ref', value: terms.slice(0, -deep) }, scope) === 'grant';
    if (names.at(-1) === 'operations') return below(1);
    if (names.at(-1) === 'networks' && names.at(-2) === 'conditions') return below(2);
    return length === 1 && root !== null && root !== undefined && second === undefined
      ? isListName(root, scope)
      : false;
  };

  /** Whether a term is surely an array. */
  const isList = (term: unknown, scope: Scope): boolean => {
    if (!isTerm(term)) return false;
    switch (term.type) {
      case 'array':
      case 'arraycomprehension':
        return true;
      case 'call':
        return listing.has(nameOf(termsOf(term, 'call')[0]) ?? '');
      case 'ref':
        return isListRef(termsOf(term), scope);
      case 'var':
        return typeof term.value === 'string' && isListName(term.value, scope);
      default:
        return false;
    }
  };

  /** Whether a key picks one, rather than going through all there are. */
  const isGround = (key: Term, scope: Scope): boolean => {
    if (key.type === 'array' || key.type === 'object' || key.type === 'set') return false;
    if (key.type !== 'var' || typeof key.value !== 'string') return true;
    const found = declaredAs(key.value, scope);
    if (found === 'later' || found?.how === 'other') return false;
    return found !== null || definitionsOf(key.value, scope).meeting.length > 0;
  };

  /** Whether what is looked at comes in one order, all of it being arrays. */
  const isSteady = (value: unknown, scope: Scope): boolean => {
    if (Array.isArray(value)) return value.every((one) => isSteady(one, scope));
    if (!isMapping(value) || value.negated === true || 'domain' in value) return true;
    if (typeof value.type === 'string' && value.type.endsWith('comprehension')) return true;
    const terms = termsOf(value);
    const goes = (term: Term, at: number) => at === 0 || isGround(term, scope);
    const through = terms.findIndex((term, at) => !goes(term, at));
    if (through > 0) {
      const prefix = { type: 'ref', value: terms.slice(0, through) };
      if (!isList(prefix, scope) || terms.slice(through + 1).some((term) => !isGround(term, scope)))
        return false;
    }
    for (const symbol of listOf(value.symbols)) {
      const collection = termsOf(symbol, 'call').at(-1);
      if (collection !== undefined && !isList(collection, scope)) return false;
    }
    return Object.entries(value).every(([key, below]) => key === 'location' || isSteady(below, scope));
  };

  const comprehensionFault = ({ parent }: Found, node: Term): string | null => {
    const { value } = node;
    const inner = isMapping(value) ? inside.get(value) : undefined;
    if (!isMapping(value) || inner === undefined) return null;
    const { name, values } = callIn(parent);
    if (name !== null && orderless.has(name)) return null;
    // `x in […]`, but not `some x in […]`, which goes through it.
    if (name !== null && members.has(name) && Array.isArray(parent?.terms) && values.at(-1) === node)
      return null;
    const isScalar = isTerm(value.term) && ['boolean', 'null', 'number', 'string'].includes(value.term.type);
    const body = listOf(value.body);
    const steady = isSteady(value.term, inner) && body.every((one, at) => isSteady(one, { ...inner, at }));
    return isScalar || steady
      ? null
      : 'an array must not be made by going through a set or an object, which have no order of their own: make it a set, or sort it where it stands: sort([…])';
  };

  const callFault = (list: readonly unknown[], scope: Scope): string | null => {
    const [operator, first, second] = list;
    switch (nameOf(operator)) {
      case 'concat':
        return isList(second, scope)
          ? null
          : 'concat must surely be given an array, as a set has no order of its own: concat(",", sort(…))';
      case 'indexof':
      case 'replace':
        return constant(second)
          ? null
          : `what ${nameOf(operator)} looks for must be a text that stands there and is not empty`;
      case 'regex.match':
        return plainPattern.test(constant(first) ?? '\n') && (constant(first) ?? '').length <= longestPattern
          ? null
          : 'the pattern of regex.match must stand there, in plain ASCII: characters, classes, groups ( ) and (?: ), and repetitions up to 99';
      default:
        return null;
    }
  };

  return (found: Found): string | null => {
    const { node, scope } = found;
    if (Array.isArray(node.terms)) return callFault(node.terms, scope);
    if (!isTerm(node)) return null;
    if (node.type === 'call') return callFault(termsOf(node, 'call'), scope);
    if (node.type === 'arraycomprehension') return comprehensionFault(found, node);
    if (node.type === 'number' && !whole.test(String(node.value)))
      return `numbers are whole, of at most 15 digits and written as such, got ${String(node.value)}`;
    return null;
  };
}
