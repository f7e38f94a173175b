import { mostWholeBytes } from '../../data/documentLimits.ts';
import { canonicalJson, compareCodePoints } from '../../format/canonicalJson.ts';
import { nearMiss } from '../../yaml/nearMiss.ts';
import { inputPath, isCallerName, type Kind, type KindOf } from './kinds.ts';
import type { DocumentReads, KeySource, PolicyReads } from './policyReads.ts';
import { constant, keyOfGet, type Term } from './syntax.ts';
import type { Found } from './walkModules.ts';

/** The data documents of a repository: name → how many bytes it has in data.json. */
export type KnownDocuments = ReadonlyMap<string, number>;

/**
 * Gathers how a policy reads data documents. `read` takes what stands behind `data.documents` and says what is wrong with
 * it, or null: of a large document only entries can be had whose keys are known before the policy is asked.
 */
export function createDocumentReads(documents: KnownDocuments, kindOf: KindOf) {
  const reads = new Map<string, { keys: Map<string, KeySource>; whole: boolean }>();

  const read = (document: Term | undefined, key: Term | undefined, found: Found): string | null => {
    const name = constant(document);
    if (name === null) return 'a data document must be read by its name, as data.documents.NAME';
    const bytes = documents.get(name);
    if (bytes === undefined) {
      const all = [...documents.keys()].join(', ') || 'none';
      return `there is no data document ${name}${nearMiss(name, documents.keys())}: expected a file data/${name}.yaml, there is ${all}`;
    }
    const source = sourceOf(key ?? keyOfGet(found.node, found.parent), (term) => kindOf(term, found.scope));
    const known = reads.get(name) ?? { keys: new Map<string, KeySource>(), whole: false };
    reads.set(name, known);
    if (source !== null) known.keys.set(canonicalJson(source), source);
    else if (bytes <= mostWholeBytes) known.whole = true;
    else
      return `data.documents.${name} has ${bytes} bytes: of one larger than ${mostWholeBytes} a decision gets data.documents.${name}[KEY] only, where KEY stands there or is surely a field of input, or the caller or one of its groups`;
    return null;
  };

  const all = (): Pick<PolicyReads, 'documents'> =>
    reads.size === 0
      ? {}
      : {
          documents: [...reads]
            .sort(([a], [b]) => compareCodePoints(a, b))
            .map(
              ([name, { keys, whole }]): DocumentReads => ({
                keys: [...keys].sort(([a], [b]) => compareCodePoints(a, b)).map(([, source]) => source),
                name,
                whole,
              }),
            ),
        };
  return { read, all };
}

function sourceOf(key: unknown, kindOf: (term: unknown) => Kind | null): KeySource | null {
  const text = constant(key);
  if (text !== null) return ['text', text];
  const kind = kindOf(key);
  if (kind === 'api' || kind === 'subject') return ['input', kind];
  if (isCallerName(kind)) return ['caller'];
  const path = inputPath(kind);
  return path === null ? null : ['input', ...path];
}
