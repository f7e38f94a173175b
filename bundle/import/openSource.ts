import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { messageOf } from '../format/messageOf.ts';
import { readCapped } from '../format/readCapped.ts';
import type { FileBeside } from '../openapi/followReference.ts';
import { type Document, mostDocumentBytes, readDocument } from '../openapi/readDocument.ts';
import { ImportError } from './importError.ts';

/** A document and what it may refer to. */
export type Source = { document: Document; beside: FileBeside };

/**
 * Opens the document at a path or at an http or https address. A file may refer to files in its own folder and below,
 * by no link that leads out of it. What is fetched may refer to nothing, and an address that sends us to another is
 * refused: nobody who writes a document shall choose what this machine asks. Throws ImportError.
 */
export async function openSource(from: string): Promise<Source> {
  if (/^https?:\/\//i.test(from))
    return { document: readDocument(await fetched(from), from), beside: () => undefined };
  let folder: string;
  try {
    folder = realpathSync(dirname(from));
  } catch {
    throw new ImportError(`there is no folder ${dirname(from)}`);
  }
  const known = new Map<string, Document | undefined>();
  const beside: FileBeside = (path) => {
    if (!known.has(path)) known.set(path, fileIn(folder, path));
    return known.get(path);
  };
  const document = beside(basename(from));
  if (document === undefined) throw new ImportError(`there is no file ${from}, expected an OpenAPI document`);
  return { document, beside };
}

function fileIn(folder: string, path: string): Document | undefined {
  try {
    const real = realpathSync(join(folder, path));
    if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return undefined;
    const stats = statSync(real);
    if (!stats.isFile()) return undefined;
    // Its size is told as what is wrong with it.
    return readDocument(stats.size > mostDocumentBytes ? Buffer.alloc(stats.size) : readFileSync(real), path);
  } catch {
    return undefined;
  }
}

async function fetched(from: string): Promise<Buffer> {
  const url = URL.parse(from);
  if (url === null) throw new ImportError(`${from} is no address`);
  if (url.username !== '' || url.password !== '')
    throw new ImportError(
      'an address must not hold a user or a password: fetch the document and name the file',
    );
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(60_000) });
    const elsewhere = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && elsewhere !== null)
      throw new ImportError(`${from} sends on to ${elsewhere}: name that address if it is the right one`);
    if (!response.ok) throw new ImportError(`${from} answered ${response.status}`);
    const bytes = await readCapped(response.body ?? [], mostDocumentBytes);
    if (bytes === null) throw new ImportError(`${from} is larger than ${mostDocumentBytes} bytes`);
    return bytes;
  } catch (error) {
    if (error instanceof ImportError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new ImportError(`${from} cannot be fetched: ${messageOf(cause)}`);
  }
}
