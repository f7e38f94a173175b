import type { Problem } from '../../bundleError.ts';
import { isTerm, type Node, type Term, termsOf, variable } from './syntax.ts';
import type { Found } from './walkModules.ts';

/** A read of `data` or `input`: what stands behind it. */
export type RootRead = { root: 'data' | 'input'; path: readonly Term[] };

/**
 * Tells of each node whether it reads `data` or `input`, or null; `renamed` where something else bears that name, which
 * would hide what is read. Takes the nodes in the order of a walk.
 */
export function createRootRead(): (node: Node) => RootRead | 'renamed' | null {
  const heads = new Set<Node>();
  return (node) => {
    if (!isTerm(node)) return null;
    const [head, ...path] = termsOf(node);
    const root = head?.type === 'var' ? variable(head) : null;
    if (head !== undefined && (root === 'data' || root === 'input')) {
      heads.add(head);
      return { root, path };
    }
    const isRoot = node.type === 'var' && (node.value === 'data' || node.value === 'input');
    return isRoot && !heads.has(node) ? 'renamed' : null;
  };
}

/** What is wrong with a node, where it stands. */
export const problemAt = ({ scope, place, rule }: Found, message: string): Problem => ({
  file: scope.module.file,
  ...place,
  code: 'policy',
  message: `${rule || 'import'}: ${message}`,
});
