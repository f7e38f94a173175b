import { posix } from 'node:path';
import { isMapping } from '../yaml/isMapping.ts';
import type { Document } from './readDocument.ts';

/** A value, and the document that it stands in: references in it are relative to that. */
export type Located = { value: unknown; document: Document };

/** A file beside a document, by its path; undefined where there is none. */
export type FileBeside = (path: string) => Document | undefined;

/** A reference leads nowhere, or where it may not. The message ends a sentence that names it. */
export class FollowError extends Error {
  readonly code = 'openapi-ref';
  override readonly name = 'FollowError';
}

const mostHops = 32;

/**
 * Follows `$ref` until there is none, within the document and across the files beside it. What stands next to a `$ref`
 * goes before what it leads to. Nothing is fetched: an address, an absolute path and a path that leads out of the
 * folder are refused. Throws FollowError.
 */
export function followReference(from: Located, beside: FileBeside): Located {
  let { value, document } = from;
  let around: Record<string, unknown> = {};
  for (let hops = 0; isMapping(value) && Object.hasOwn(value, '$ref'); hops++) {
    const { $ref: reference, ...siblings } = value;
    if (typeof reference !== 'string') throw new FollowError('must be text');
    if (hops === mostHops)
      throw new FollowError(`goes on for more than ${mostHops} references, or in a circle`);
    around = { ...siblings, ...around };
    const mark = reference.indexOf('#');
    const path = mark < 0 ? reference : reference.slice(0, mark);
    if (path !== '') document = fileAt(path, document, beside);
    value = valueAt(document.value, mark < 0 ? '' : reference.slice(mark + 1));
  }
  return { value: isMapping(value) ? { ...value, ...around } : value, document };
}

function fileAt(reference: string, from: Document, beside: FileBeside): Document {
  const path = decoded(reference);
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) || path.startsWith('//'))
    throw new FollowError('is an address, expected a file beside the document: nothing is fetched');
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0'))
    throw new FollowError('must be a relative path with forward slashes');
  const joined = posix.join(posix.dirname(from.file), path);
  if (joined.startsWith('../')) throw new FollowError('leads out of the folder of the document');
  const found = beside(joined);
  if (found === undefined)
    throw new FollowError(`names ${joined}, and there is no such file beside the document`);
  if (found.problems.length > 0) throw new FollowError(`names ${joined}, which cannot be read`);
  return found;
}

/** RFC 6901, as a URI fragment. */
function valueAt(root: unknown, pointer: string): unknown {
  if (pointer === '') return root;
  if (!pointer.startsWith('/')) throw new FollowError('must have a "#/" before the names of its target');
  let value = root;
  for (const part of decoded(pointer).slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    if (!inside) throw new FollowError('leads to nothing');
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FollowError('holds a broken percent escape');
  }
}
