/** What a grant is narrowed to: a role of its API, or a list of operations. */
export type Narrowed = { role: string } | { operations: readonly string[] };

/**
 * Finds the smallest role that contains what was used and lies within what the grant covers, and is smaller than it;
 * of several the first by name. Without such a role, the used operations themselves, sorted.
 */
export function narrow(
  covers: readonly string[],
  used: readonly string[],
  roles: ReadonlyMap<string, readonly string[]>,
): Narrowed {
  const covered = new Set(covers);
  const needed = used.filter((operation) => covered.has(operation)).sort();
  const fitting = [...roles]
    .filter(
      ([, operations]) =>
        operations.length < covered.size &&
        operations.every((operation) => covered.has(operation)) &&
        needed.every((operation) => operations.includes(operation)),
    )
    .sort(([a, left], [b, right]) => left.length - right.length || (a < b ? -1 : 1));
  const smallest = fitting[0];
  return smallest === undefined ? { operations: needed } : { role: smallest[0] };
}
