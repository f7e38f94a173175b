import { shapeOf } from '../openapi/pathTemplate.ts';

/** Name → `METHOD /path`. */
export type Operations = ReadonlyMap<string, string>;

/** How operations differ from a document's; each list in the order of its source. */
export type Drift = {
  /** Of the document only. */
  added: [name: string, operation: string][];
  /** Of one name here and there, with another method or path. */
  changed: [name: string, before: string, after: string][];
  /** Of the document no more. */
  gone: [name: string, operation: string][];
};

/**
 * Compares what is written with a document. An operation is the same where its method and the shape of its path are,
 * whatever it is called: a name that somebody chose stays. A name that another operation has already is numbered.
 */
export function compareOperations(written: Operations, document: Operations): Drift {
  const byShape = new Map([...written].map(([name, operation]) => [shapeOf(operation), name]));
  const drift: Drift = { added: [], changed: [], gone: [] };
  const kept = new Set<string>();
  const rest: [string, string][] = [];
  for (const [name, operation] of document) {
    const same = byShape.get(shapeOf(operation));
    if (same === undefined) rest.push([name, operation]);
    else kept.add(same);
  }
  const taken = new Set(written.keys());
  for (const [name, operation] of rest) {
    const before = written.get(name);
    if (before !== undefined && !kept.has(name)) {
      kept.add(name);
      drift.changed.push([name, before, operation]);
      continue;
    }
    let free = name;
    for (let count = 2; taken.has(free) || (free !== name && document.has(free)); count++)
      free = `${name.slice(0, 120)}-${count}`;
    taken.add(free);
    drift.added.push([free, operation]);
  }
  for (const [name, operation] of written) if (!kept.has(name)) drift.gone.push([name, operation]);
  return drift;
}
