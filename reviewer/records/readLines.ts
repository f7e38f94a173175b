import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const lineFeed = 0x0a;

/** What a file is while it takes shape: no reader of records takes it for one. */
export const draftEnding = '.draft';

/** How a file's name says that it is compressed; null where it is not. */
export const packingOf = (path: string): string | null => /\.(gz|zst)(?:\.draft)?$/.exec(path)?.[1] ?? null;

/** A file's content in pieces, unpacked by its name. */
export function contentOf(path: string): Readable {
  const bytes = createReadStream(path, { highWaterMark: 1024 * 1024 });
  const packing = packingOf(path);
  if (packing === null) return bytes;
  const unpack = packing === 'gz' ? createGunzip() : createZstdDecompress();
  bytes.on('error', (error) => unpack.destroy(error));
  unpack.on('close', () => bytes.destroy());
  return bytes.pipe(unpack);
}

/**
 * The lines of a file, many at once, each with its line feed; a last one without it is torn. `seen` is given the content
 * as it comes. Throws what reading or unpacking it does.
 */
export async function* readLines(
  path: string,
  seen: (piece: Buffer) => void = () => {},
): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer[] = [];
  for await (const chunk of contentOf(path)) {
    const piece: Buffer = chunk;
    seen(piece);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, start)) {
      const part = piece.subarray(start, end + 1);
      lines.push(rest.length === 0 ? part : Buffer.concat([...rest, part]));
      rest = [];
      start = end + 1;
    }
    if (start < piece.length) rest.push(piece.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [Buffer.concat(rest)];
}
