/** What a file under data/ is, by its path: a document's entries, or the schema that they keep to. */
export type DataFile =
  | { kind: 'document' | 'schema'; name: string }
  | { kind: 'ignored' }
  | { kind: 'unknown' };

const form = /^data\/([a-z][a-z0-9_]{0,62})\.(?:(yaml)|schema\.(?:json|yaml))$/;

/**
 * Tells a file's kind. Ignored are README.md and names that begin with a dot; whatever else is not known is unknown, for a
 * misspelt name must not keep a document from a policy in silence.
 */
export function dataFile(path: string): DataFile {
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last.startsWith('.') || path === 'data/README.md') return { kind: 'ignored' };
  const [, name, document] = form.exec(path) ?? [];
  if (name === undefined) return { kind: 'unknown' };
  return { kind: document === undefined ? 'schema' : 'document', name };
}

/** Whether a path of a repository is data/ or below it. */
export const isData = (path: string): boolean => path === 'data' || path.startsWith('data/');
