import { createIsArray, type IsArray } from './isArray.ts';
import type { KindOf } from './kinds.ts';
import { createOrderFault, orderless } from './orderFault.ts';
import type { Scope } from './scopes.ts';
import { constant, isTerm, nameOf, termsOf, wholeNumber } from './syntax.ts';
import type { Found, Walk } from './walkModules.ts';

/**
 * Patterns that RE2 (in WASM) and Go's regexp are known to take alike: of ASCII, without flags, names, Unicode classes
 * and bytes.
 */
const plainPattern =
  /^(?:[A-Za-z0-9 _/:@,;=~!#%&'"<>-]|[.^$|)]|\((?:\?:|(?!\?))|\\[dws.^$|()*+?[\]{}\\/-]|\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9_./:@ ,+%~]|\\[dws.-])+-?\]|[*+?]\??|\{\d{1,2}(?:,\d{0,2})?\}\??)*$/;
const longestPattern = 200;

/** The built-ins whose meaning the shapes rely on. */
export const shaped = [...orderless, 'concat', 'indexof', 'regex', 'replace', 'split'];

/** Tells what is wrong with the shape of a node, or null: each is one that WASM answers otherwise than OPA, or never. */
export function createShapeFault(walk: Walk, kindOf: KindOf): (found: Found) => string | null {
  const isArray = createIsArray(walk, kindOf);
  const orderFault = createOrderFault(walk, isArray);
  return (found) => {
    const { node, scope } = found;
    if (Array.isArray(node.terms)) return callFault(node.terms, scope, isArray);
    if (!isTerm(node)) return null;
    if (node.type === 'call') return callFault(termsOf(node, 'call'), scope, isArray);
    if (node.type === 'arraycomprehension') return orderFault(found);
    // OPA and WASM read `1.0`, `1e1` and `-0` differently where an index is wanted.
    if (node.type === 'number' && !wholeNumber.test(String(node.value)))
      return `numbers are whole, of at most 15 digits and written as such, got ${String(node.value)}`;
    return null;
  };
}

function callFault(
  [operator, first, second]: readonly unknown[],
  scope: Scope,
  isArray: IsArray,
): string | null {
  switch (nameOf(operator)) {
    case 'concat':
      return isArray(second, scope)
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
}
