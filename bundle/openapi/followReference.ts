import { posix } from 'node:path';
import { isMapping } from '../format/isMapping.ts';
import { referenceKeys, valueAt } from '../yaml/jsonPointer.ts';
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
    value = mark < 0 ? document.value : pointedAt(document.value, reference.slice(mark));
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

function pointedAt(root: unknown, fragment: string): unknown {
  if (fragment !== '#' && !fragment.startsWith('#/'))
    throw new FollowError('must have a "#/" before the names of its target');
  // A broken escape is refused: whoever else reads it may read something else.
  decoded(fragment);
  const value = valueAt(root, referenceKeys(fragment));
  if (value === undefined) throw new FollowError('leads to nothing');
  return value;
}

/** Throws FollowError where a percent escape is broken. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FollowError('holds a broken percent escape');
  }
}
