import type { Decision } from './decision.ts';

/** When the first of the grants that justify an allow ends, whole seconds since 1970; infinite where none does. */
export function firstEnd({ result, bounds }: Decision): number {
  let first = Number.POSITIVE_INFINITY;
  for (const id of result.grants)
    first = Math.min(first, bounds.get(id)?.expires ?? Number.POSITIVE_INFINITY);
  return first;
}
