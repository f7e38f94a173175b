// js-yaml's edges: without bounds of ours, aliases and merge keys cost what the document likes; `load` gives no places.
import { CORE_SCHEMA, load, mergeTag, YAMLException } from 'js-yaml';
import type { Problem } from '../bundleError.ts';
import { parseYaml } from '../yaml/parseYaml.ts';
import { type Place, placesOf } from '../yaml/places.ts';
import { problem } from '../yaml/problem.ts';

/** GitHub's own document has 14 MB. */
export const mostDocumentBytes = 16 * 1024 * 1024;
const bounds = { maxDepth: 200, maxAliases: 100_000, maxTotalMergeKeys: 1_000_000 };

/** One file as plain data; anchors, aliases and merge keys are followed. `value` is undefined when it has a problem. */
export type Document = {
  file: string;
  value: unknown;
  problems: Problem[];
  /** Where the value at a path stands, or its nearest parent; the file's first line where that cannot be told. */
  placeOf: (path: readonly PropertyKey[]) => Place;
};

/** A file that cannot be read, and why. */
export const refusedDocument = (file: string, why: Problem): Document => ({
  file,
  value: undefined,
  problems: [why],
  placeOf: () => ({ file, line: 1, column: 1, start: 0, end: 0 }),
});

/** Reads YAML or JSON without looking at what it says. Never throws. */
export function readDocument(bytes: Buffer, file: string): Document {
  const refuse = (at: Place | string, code: string, message: string): Document =>
    refusedDocument(file, problem(at, code, message));
  if (bytes.length > mostDocumentBytes)
    return refuse(
      file,
      'file-too-large',
      `the file is larger than ${mostDocumentBytes} bytes, got ${bytes.length}`,
    );
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse(file, 'not-utf8', 'the file is not UTF-8 text');
  }
  let places: ReturnType<typeof placesOf> | null = null;
  const placeOf = (path: readonly PropertyKey[]): Place => {
    places ??= parseYaml(text, file, { bytes: mostDocumentBytes, depth: bounds.maxDepth }).places;
    return places.key(path) ?? places.nearest(path);
  };
  // Most large documents are JSON, which is read twenty times as fast so.
  if (/^\s*\{/.test(text)) {
    try {
      return { file, value: JSON.parse(text) as unknown, problems: [], placeOf };
    } catch {
      // A YAML mapping may begin with a brace too.
    }
  }
  try {
    return {
      file,
      value: load(text, { schema: CORE_SCHEMA.withTags(mergeTag), ...bounds }),
      problems: [],
      placeOf,
    };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const at = placesOf(text, file, { start: 0, end: 0 }).at(
      Math.min(error.mark?.position ?? 0, text.length),
    );
    return refuse(at, 'yaml-syntax', `not valid YAML: ${error.reason}`);
  }
}
