import { containsMixed, matchesMixed, segmentsOf } from '../../bundle/openapi/pathTemplate.ts';

type Node<T> = {
  literals: Map<string, Node<T>>;
  /** What says more goes first. */
  mixed: { literals: readonly string[]; node: Node<T> }[];
  parameter: Node<T> | null;
  value: T | null;
};

const newNode = <T>(): Node<T> => ({ literals: new Map(), mixed: [], parameter: null, value: null });

/**
 * Templates with segments such as `{jobId}:cancel`, which a general router reads by regular expressions: those take
 * time in the square of a hostile segment's length, these in proportion to it. Of several templates the leftmost
 * segment decides that tells them apart: a literal, then text with parameters, then a parameter.
 */
export class MixedRoutes<T> {
  readonly #roots = new Map<string, Node<T>>();

  /** Adds the value of a template, or changes what is there by `join`. */
  add(method: string, template: string, value: T, join: (before: T) => T): void {
    let node = this.#roots.get(method);
    if (node === undefined) {
      node = newNode();
      this.#roots.set(method, node);
    }
    for (const segment of segmentsOf(template)) {
      if (segment.kind === 'literal') {
        const next: Node<T> = node.literals.get(segment.text) ?? newNode();
        node.literals.set(segment.text, next);
        node = next;
      } else if (segment.kind === 'parameter') {
        node.parameter ??= newNode();
        node = node.parameter;
      } else node = mixedChild(node, segment.literals);
    }
    node.value = node.value === null ? value : join(node.value);
  }

  find(method: string, path: string): T | null {
    const root = this.#roots.get(method);
    return root === undefined ? null : search(root, path.slice(1).split('/'), 0);
  }
}

function mixedChild<T>(parent: Node<T>, literals: readonly string[]): Node<T> {
  const same = parent.mixed.find(
    (child) =>
      child.literals.length === literals.length && child.literals.every((text, at) => text === literals[at]),
  );
  if (same !== undefined) return same.node;
  const node = newNode<T>();
  const wider = parent.mixed.findIndex((child) => containsMixed(child.literals, literals));
  parent.mixed.splice(wider < 0 ? parent.mixed.length : wider, 0, { literals, node });
  return node;
}

function search<T>(node: Node<T>, segments: readonly string[], at: number): T | null {
  const segment = segments[at];
  if (segment === undefined) return node.value;
  const literal = node.literals.get(segment);
  let found = literal === undefined ? null : search(literal, segments, at + 1);
  if (found !== null) return found;
  for (const { literals, node: next } of node.mixed) {
    if (!matchesMixed(literals, segment)) continue;
    found = search(next, segments, at + 1);
    if (found !== null) return found;
  }
  return node.parameter === null || segment === '' ? null : search(node.parameter, segments, at + 1);
}
