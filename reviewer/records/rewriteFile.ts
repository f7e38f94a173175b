import { createHash } from 'node:crypto';
import { chmodSync, chownSync, createWriteStream, statSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { packingOf, readLines } from './readLines.ts';
import type { Replacer } from './replacer.ts';
import { type FileFacts, scanFile } from './scanFile.ts';

/** Counts in `replacer` what would change of a file; answers the digest of its content. Throws what reading it does. */
export async function countReplaced(path: string, replacer: Replacer): Promise<string> {
  const hash = createHash('sha256');
  for await (const lines of readLines(path, (piece) => hash.update(piece)))
    for (const line of lines) replacer.line(line.toString());
  return hash.digest('hex');
}

/** What coverage is made of. */
const vouched = ({ lines, records, seq, jumps, malformed, torn, chain }: FileFacts) =>
  JSON.stringify({ lines, records, seq, jumps, malformed, torn, chain });

/**
 * Writes a file anew as `draft`, compressed as its name says, with the old one's mode, owner and times; on disk when it
 * answers with the new digest. Throws where the old one is not `before` any more, or the new one would vouch for less.
 */
export async function rewriteFile(
  { path, draft, instance, before }: { path: string; draft: string; instance: string; before: string },
  replacer: Replacer,
): Promise<string> {
  const was = await scanFile(path);
  // The note would stand in the manifest of another.
  if (was.instance !== instance)
    throw new Error(`it is of ${was.instance}, and lies beside files of ${instance}`);
  if (was.sha256 !== before) throw new Error('somebody writes into it');
  const [lines, file] = [
    Readable.from(replacedLines(path, replacer)),
    createWriteStream(draft, { mode: 0o600 }),
  ];
  const packing = packingOf(path);
  if (packing === null) await pipeline(lines, file);
  else await pipeline(lines, packing === 'gz' ? createGzip() : createZstdCompress(), file);
  const is = await scanFile(draft);
  if (vouched(is) !== vouched(was)) throw new Error('it would not vouch for the same any more');
  const { mode, uid, gid, atimeMs, mtimeMs } = statSync(path);
  chmodSync(draft, mode);
  if (process.getuid?.() === 0) chownSync(draft, uid, gid);
  // Else its day's roll-up would be taken for older than the records.
  utimesSync(draft, Math.floor(atimeMs) / 1000, Math.floor(mtimeMs) / 1000);
  const handle = await open(draft, 'r');
  await handle.sync().finally(() => handle.close());
  return is.sha256;
}

async function* replacedLines(path: string, replacer: Replacer): AsyncGenerator<Buffer> {
  for await (const lines of readLines(path)) {
    const pieces = lines.map((line) => {
      const text = line.toString();
      const replaced = replacer.line(text);
      if (replaced === text) return line;
      if (!Buffer.from(text).equals(line)) throw new Error('a line that names the person is no UTF-8');
      return Buffer.from(replaced);
    });
    yield Buffer.concat(pieces);
  }
}
