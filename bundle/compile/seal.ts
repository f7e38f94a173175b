import { crc32 } from 'node:zlib';

/** Bytes behind a line with their checksum, for a place where they may be cut or damaged. */
export const seal = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${crc32(bytes)}\n`), bytes]);

/** The bytes that were sealed, or null where they are not what they were. */
export function unseal(sealed: Buffer): Buffer | null {
  const end = sealed.indexOf('\n');
  const bytes = sealed.subarray(end + 1);
  return end > 0 && sealed.toString('latin1', 0, end) === String(crc32(bytes)) ? bytes : null;
}
