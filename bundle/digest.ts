import { createHash } from 'node:crypto';

const lineFeed = 0x0a;

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/**
 * SHA-256 (hex) of `data.json` without its line feeds: what OPA signs for the same document, provided that its line
 * form is sound. Runs at hashing speed, without parsing.
 */
export function dataDigest(data: Buffer): string {
  const hash = createHash('sha256');
  // Lines are short; hashing them one by one would cost more than the hashing.
  const scratch = Buffer.allocUnsafe(256 * 1024);
  let filled = 0;
  for (let start = 0; start < data.length; ) {
    const found = data.indexOf(lineFeed, start);
    const end = found < 0 ? data.length : found;
    if (end - start > scratch.length - filled) {
      hash.update(scratch.subarray(0, filled));
      filled = 0;
    }
    if (end - start > scratch.length) hash.update(data.subarray(start, end));
    else filled += data.copy(scratch, filled, start, end);
    start = end + 1;
  }
  return hash.update(scratch.subarray(0, filled)).digest('hex');
}
