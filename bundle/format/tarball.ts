import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { BundleError } from '../bundleError.ts';
import { compareCodePoints } from './canonicalJson.ts';
import { messageOf } from './messageOf.ts';

/** With Node's usual 16 KiB a large archive takes half again as long. */
const chunkSize = 512 * 1024;

/**
 * Packs files (path → content) into a gzipped tar whose bytes depend on nothing else: sorted, no times, no owners.
 * Names begin with a slash, as opa writes them: without it OPA does not find the module its manifest names.
 * Across processor types the compressed bytes may differ, the tar inside does not.
 */
export async function packTarball(files: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of [...files].sort(([a], [b]) => compareCodePoints(a, b)))
    pack.entry({ name: `/${name}`, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'file' }, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  await pipeline(pack, createGzip({ chunkSize }), async (packed: AsyncIterable<Buffer>) => {
    for await (const chunk of packed) chunks.push(chunk);
  });
  const packed = Buffer.concat(chunks);
  // The header names the operating system; 255 is "unknown".
  packed[9] = 255;
  return packed;
}

export type TarballLimits = {
  /**
   * Most bytes of one file, by its path and the bytes it announces; undefined refuses the path. Asked before the file is
   * read; may throw.
   */
  bytes: (path: string, size: number) => number | undefined;
  /** Most bytes of all the files' tar, unpacked; asked again and again, so that it may grow with what is known. */
  readonly total: number;
  files: number;
  /** Where a file's content goes; memory of its own when left out. */
  allocate?: (path: string, size: number) => Buffer;
  /** Is told of each piece of a file when it has come and lies in its place. */
  piece?: (path: string, piece: Buffer) => void;
  /** Takes paths in any order, as opa packs them. */
  anyOrder?: boolean;
};

/**
 * Unpacks a gzipped tar of regular files into memory, by their paths without the leading slash. The paths must be in
 * strictly ascending order, which leaves duplicates out. `seen` is told of each file before the next one is read, and
 * may throw to stop. Sizes are refused as they are announced, so no more than the limits allow is ever held. Throws
 * BundleError `archive-…`.
 */
export async function unpackTarball(
  archive: Buffer,
  limits: TarballLimits,
  seen: (path: string, content: Buffer) => void = () => {},
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const extract = tar.extract();
  let total = 0;
  const read = async () => {
    let last = '';
    for await (const entry of extract) {
      const { size = 0, type } = entry.header;
      const shown = JSON.stringify(entry.header.name.slice(0, 100));
      const name = entry.header.name.startsWith('/') ? entry.header.name.slice(1) : '';
      if (type !== 'file')
        throw new BundleError('archive-entry', `${shown} is a ${type}, expected regular files only`);
      if (files.has(name)) throw new BundleError('archive-entry', `${shown} is there twice`);
      const most = limits.bytes(name, size);
      if (most === undefined)
        throw new BundleError('archive-files', `the archive holds ${shown}, which is no file of a bundle`);
      if (size > most) throw new BundleError('archive-too-large', `${shown} is larger than ${most} bytes`);
      if (!limits.anyOrder && last !== '' && compareCodePoints(last, name) >= 0)
        throw new BundleError('archive-entry', `${shown} is out of order`);
      if (files.size >= limits.files)
        throw new BundleError('archive-too-large', `the archive holds more than ${limits.files} files`);
      last = name;
      const content = limits.allocate?.(name, size) ?? Buffer.alloc(size);
      let filled = 0;
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        filled += chunk.copy(content, filled);
        limits.piece?.(name, chunk);
      }
      files.set(name, content);
      seen(name, content);
    }
  };
  const inflate = pipeline(
    [archive],
    createGunzip({ chunkSize }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        total += chunk.length;
        if (total > limits.total)
          throw new BundleError(
            'archive-too-large',
            `the archive unpacks to more than ${limits.total} bytes`,
          );
        yield chunk;
      }
    },
    extract,
  );
  try {
    await Promise.all([inflate, read()]);
  } catch (cause) {
    extract.destroy();
    if (cause instanceof BundleError) throw cause;
    const reason = messageOf(cause);
    throw new BundleError('archive-malformed', `the archive is no whole gzipped tar: ${reason}`, { cause });
  }
  return files;
}
