import { isMapping } from '../../format/isMapping.ts';
import type { IsArray } from './isArray.ts';
import { lookUp, type Scope } from './scopes.ts';
import { callIn, isTerm, listOf, type Term, termsOf } from './syntax.ts';
import { definitionsAt, type Found, type Walk } from './walkModules.ts';

/** Calls to which the order of what they are given makes no difference. */
export const orderless: ReadonlySet<string> = new Set(['count', 'max', 'min', 'product', 'sort', 'sum']);
const members = new Set(['internal.member_2', 'internal.member_3']);

/**
 * Tells what is wrong with an array comprehension, or null. WASM keeps sets and objects in no order, OPA sorts them; so an
 * array must not be made by going through one, unless what becomes of it does not depend on the order.
 */
export function createOrderFault(walk: Walk, isArray: IsArray): (found: Found) => string | null {
  /** Whether a key picks one, rather than going through all there are. */
  const picksOne = (key: Term, scope: Scope): boolean => {
    if (key.type === 'array' || key.type === 'object' || key.type === 'set') return false;
    if (key.type !== 'var' || typeof key.value !== 'string') return true;
    const declared = lookUp(key.value, scope);
    if (declared === 'later' || declared?.how === 'other') return false;
    return (
      declared !== null || definitionsAt(walk, `${scope.module.prefix}${key.value}`.split('.')).length > 0
    );
  };

  /** Whether a reference goes through arrays at most, and through nothing that stands in one. */
  const isRefOrdered = (terms: readonly Term[], scope: Scope): boolean => {
    const through = terms.findIndex((term, at) => at > 0 && !picksOne(term, scope));
    if (through < 0) return true;
    const collection = { type: 'ref', value: terms.slice(0, through) };
    return isArray(collection, scope) && terms.slice(through + 1).every((term) => picksOne(term, scope));
  };

  /** Whether what is looked at comes in one order, all that is gone through being arrays. */
  const isOrdered = (value: unknown, scope: Scope): boolean => {
    if (Array.isArray(value)) return value.every((one) => isOrdered(one, scope));
    // Neither a negation nor an `every` yields more than yes or no; a comprehension in it is looked at on its own.
    if (!isMapping(value) || value.negated === true || 'domain' in value) return true;
    if (typeof value.type === 'string' && value.type.endsWith('comprehension')) return true;
    if (!isRefOrdered(termsOf(value), scope)) return false;
    for (const symbol of listOf(value.symbols)) {
      const collection = termsOf(symbol, 'call').at(-1);
      if (collection !== undefined && !isArray(collection, scope)) return false;
    }
    return Object.entries(value).every(([key, below]) => key === 'location' || isOrdered(below, scope));
  };

  return ({ node, parent }) => {
    const { value } = node;
    const inner = isMapping(value) ? walk.inside.get(value) : undefined;
    if (!isMapping(value) || inner === undefined) return null;
    const { name, values } = callIn(parent);
    if (name !== null && orderless.has(name)) return null;
    // `x in […]`, but not `some x in […]`, which goes through it.
    if (name !== null && members.has(name) && Array.isArray(parent?.terms) && values.at(-1) === node)
      return null;
    // Elements that are all the same have no order to lose.
    if (isTerm(value.term) && ['boolean', 'null', 'number', 'string'].includes(value.term.type)) return null;
    const body = listOf(value.body);
    return isOrdered(value.term, inner) && body.every((one, at) => isOrdered(one, { ...inner, at }))
      ? null
      : 'an array must not be made by going through a set or an object, which have no order of their own: make it a set, or sort it where it stands: sort([…])';
  };
}
