/**
 * Runs work under a key unless the same key is being worked on already: a rule that is defined by itself is answered with
 * `recursive`. OPA refuses such a rule anyway; here it must only come to an end.
 */
export function guardRecursion<T>(recursive: T): (key: unknown, work: () => T) => T {
  const open = new Set<unknown>();
  return (key, work) => {
    if (open.has(key)) return recursive;
    open.add(key);
    try {
      return work();
    } finally {
      open.delete(key);
    }
  };
}
