import { guardRecursion } from './guardRecursion.ts';
import type { KindOf } from './kinds.ts';
import { lookUp, type Scope } from './scopes.ts';
import { constant, isTerm, listOf, nameOf, type Term, termsOf, variable } from './syntax.ts';
import { type Definition, definitionsAt, type Walk } from './walkModules.ts';

/** Calls that answer with an array. */
const answersArray = new Set([
  'array.concat',
  'array.flatten',
  'array.reverse',
  'array.slice',
  'sort',
  'split',
]);

/** Whether a term is surely an array, which OPA and WASM go through in the same order. */
export type IsArray = (term: unknown, scope: Scope) => boolean;

/** Tells arrays by how values come about, and by what is known to be one in a request or in data.json. */
export function createIsArray(walk: Walk, kindOf: KindOf): IsArray {
  const once = guardRecursion(false);

  const isArrayRule = (path: readonly string[]): boolean =>
    once(path.join('.'), () => {
      const meeting = definitionsAt(walk, path);
      const isComplete = ({ head, path: own }: Definition) =>
        own.length === path.length && head.key === undefined && listOf(head.args).length === 0;
      return (
        meeting.length > 0 && meeting.every((one) => isComplete(one) && isArray(one.head.value, one.scope))
      );
    });

  const isArrayName = (name: string, scope: Scope): boolean => {
    const declared = lookUp(name, scope);
    if (declared === 'later') return false;
    if (declared?.how === 'is') return once(declared, () => isArray(declared.term, declared.scope));
    if (declared?.how === 'argument') {
      const used = walk.calls.get(declared.function) ?? [];
      const { index } = declared;
      return once(
        declared,
        () => used.length > 0 && used.every((one) => isArray(one.arguments[index], one.scope)),
      );
    }
    const { prefix, imports } = scope.module;
    if (declared !== null || imports.has(name)) return false;
    return isArrayRule(`${prefix}${name}`.split('.'));
  };

  const isArrayRef = (terms: readonly Term[], scope: Scope): boolean => {
    const names = terms.map((term, at) => (at === 0 ? variable(term) : constant(term)));
    const [root, first, , third] = names;
    const { length } = terms;
    if (root === 'input') return length === 2 && (first === 'groups' || first === 'networks');
    if (root === 'data' && first === 'principals') return length === 4 && third === 'groups';
    if (root === 'data' && first === 'networks') return length === 3;
    if (root === 'data' && first === 'apis') return length === 5 && third === 'roles';
    if (root === 'data' && first === 'grants' && length === 4) return true;
    const isGrantAbove = (levels: number) =>
      kindOf({ type: 'ref', value: terms.slice(0, -levels) }, scope) === 'grant';
    if (names.at(-1) === 'operations') return isGrantAbove(1);
    if (names.at(-1) === 'networks' && names.at(-2) === 'conditions') return isGrantAbove(2);
    return length === 1 && typeof root === 'string' && isArrayName(root, scope);
  };

  const isArray: IsArray = (term, scope) => {
    if (!isTerm(term)) return false;
    switch (term.type) {
      case 'array':
      case 'arraycomprehension':
        return true;
      case 'call':
        return answersArray.has(nameOf(termsOf(term, 'call')[0]) ?? '');
      case 'ref':
        return isArrayRef(termsOf(term), scope);
      case 'var':
        return typeof term.value === 'string' && isArrayName(term.value, scope);
      default:
        return false;
    }
  };
  return isArray;
}
