import { type DocumentReads, keysFrom } from '../../bundle/policy/examine/policyReads.ts';
import type { LineIndex } from './lineIndex.ts';

/** An entry of a data document that a decision is about; `line` is null where the document has none of that key. */
export type DocumentEntry = {
  readonly document: string;
  readonly key: string;
  readonly line: Uint8Array | null;
};

type Caller = Parameters<typeof keysFrom>[2];

type Keyed = Pick<DocumentEntry, 'document' | 'key'>;

export type DocumentEntries = {
  /** The keys of the entries that a decision about this input gets, each once, besides what is given whole. */
  keys(input: object, caller: Caller): readonly Keyed[];
  find(keys: readonly Keyed[]): readonly DocumentEntry[];
  /** `"documents":{…},` with these entries. */
  write(entries: readonly DocumentEntry[]): Buffer;
};

/** A policy reads a document whole that is too large for that: no decision could be made by it. */
export class DocumentError extends Error {
  readonly code = 'bundle-malformed';
  override readonly name = 'DocumentError';
}

/**
 * Finds what a policy reads of data documents; null where it reads none. The keys are those that its examination came to,
 * so what is not given here is not there for it either. Throws DocumentError.
 */
export function createDocumentEntries(
  lines: Pick<LineIndex, 'entry' | 'documents'>,
  reads: readonly DocumentReads[] = [],
): DocumentEntries | null {
  if (reads.length === 0) return null;
  const { wholes, large } = lines.documents;
  const wide = reads.find(({ name, whole }) => whole && large.has(name));
  if (wide !== undefined)
    throw new DocumentError(
      `the policy reads all of data.documents.${wide.name}, which is too large for that`,
    );
  const keyed = reads.filter(({ whole }) => !whole);
  const texts = new Map(
    reads.flatMap(({ name, whole }) => {
      const text = whole ? wholes.get(name) : undefined;
      return text === undefined ? [] : [[name, text.slice(1, -1)] as const];
    }),
  );
  return {
    keys(input, caller) {
      const found: Keyed[] = [];
      for (const { name, keys } of keyed)
        for (const key of new Set(keys.flatMap((source) => keysFrom(source, input, caller))))
          found.push({ document: name, key });
      return found;
    },
    find: (keys) => keys.map(({ document, key }) => ({ document, key, line: lines.entry(document, key) })),
    write(entries) {
      const parts: string[] = [];
      for (const [name, text] of texts) parts.push(`${JSON.stringify(name)}:{${text}}`);
      for (const { name } of keyed) {
        const own = entries.flatMap(({ document, line }) =>
          document === name && line !== null ? [textOf(line)] : [],
        );
        // One that is there without any of the entries is there all the same, for who reads with a default.
        if (wholes.has(name) || large.has(name)) parts.push(`${JSON.stringify(name)}:{${own.join(',')}}`);
      }
      return Buffer.from(`"documents":{${parts.join(',')}},`);
    },
  };
}

const textOf = (line: Uint8Array): string =>
  Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8');
