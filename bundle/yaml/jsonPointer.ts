import { isMapping } from '../format/isMapping.ts';

/** The keys that a JSON Pointer (RFC 6901: `/properties/a~1b`) leads through; none of the empty one. */
export const pointerKeys = (pointer: string): string[] => pointer.split('/').slice(1).map(unescaped);

/** The same of a reference within a document (`#/$defs/name`), whose parts are percent-encoded; read as ajv reads it. */
export const referenceKeys = (reference: string): string[] =>
  reference
    .split('/')
    .slice(1)
    .map((part) => unescaped(decoded(part)));

/** What keys lead to, of lists and of what mappings hold themselves; undefined where nothing is there. */
export function valueAt(root: unknown, keys: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of keys) {
    if (Array.isArray(value)) value = index.test(String(key)) ? value[Number(key)] : undefined;
    else value = isMapping(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
  }
  return value;
}

const index = /^(?:0|[1-9][0-9]*)$/;

const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
