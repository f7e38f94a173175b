import type { KindOf } from './kinds.ts';
import { callIn, constant, nameOf, termsOf, variable } from './syntax.ts';
import type { Found } from './walkModules.ts';

/**
 * Whether a node may make answers change at other moments than the ends of the caller's grants: the time, or an end that
 * is taken from it, in anything but `input.time < END`. Takes the nodes in the order of a walk.
 */
export function createReadsClock(kindOf: KindOf): (found: Found) => boolean {
  /** Times that stand in an end a time ahead, as `object.get(grant, "expires", input.time + 1)`. */
  const endings = new Set<unknown>();
  return ({ node, scope, parent }) => {
    const path = termsOf(node);
    const isTime = variable(path[0]) === 'input' && constant(path[1]) === 'time';
    const isLater = kindOf(node, scope) === 'later';
    if (isLater) endings.add(termsOf(termsOf(node, 'call')[3], 'call')[1]);
    if (!isTime && !isLater) return false;
    if (endings.has(node)) return false;
    const { name, values } = callIn(parent);
    const [left, right] = values;
    if (name === 'is_number' || (isLater && name === 'assign')) return false;
    const isEnd = (term: unknown) => ['expires', 'later'].includes(kindOf(term, scope) ?? '');
    const isNow = (term: unknown) => nameOf(term) === 'input.time';
    if (name === 'lt' || name === 'gte') return !(isNow(left) && isEnd(right));
    if (name === 'gt' || name === 'lte') return !(isEnd(left) && isNow(right));
    return true;
  };
}
