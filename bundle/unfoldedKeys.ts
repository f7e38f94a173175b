import type { Problem } from './bundleError.ts';
import { eachLine } from './data/dataSections.ts';
import type { DataDocument } from './documents/readDocuments.ts';
import { fold } from './grants/names.ts';
import type { PolicyReads } from './policy/examine/policyReads.ts';
import { problem, show } from './yaml/problem.ts';

const most = 20;

/**
 * Warns of keys that are names, in documents that are asked by the caller's: these come folded, and what is written
 * otherwise would be nobody's.
 */
export function unfoldedKeys(
  documents: readonly DataDocument[],
  reads: PolicyReads['documents'] = [],
): Problem[] {
  const asked = new Set(
    reads
      .filter(({ keys }) => keys.some(([kind, field]) => kind === 'caller' || field === 'subject'))
      .map(({ name }) => name),
  );
  return documents.flatMap(({ name, lines }) => {
    const found: Problem[] = [];
    if (asked.has(name))
      eachLine(lines, { start: 0, end: lines.length }, (key) => {
        const folded = /^(?:user|group|service):/i.test(key) ? fold(key) : key;
        if (folded === key || found.length >= most) return;
        const message = `the key ${show(key)} is nobody's: names are compared folded, write ${show(folded)}`;
        found.push(problem(`data/${name}.yaml`, 'data-key', message));
      });
    return found;
  });
}
