import { createHash } from 'node:crypto';

const lineFeed = 0x0a;

/** Hexadecimal digits. */
export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** {@link dataDigest} of a document that comes in pieces. */
export function createDataDigest(): { update: (piece: Buffer) => void; digest: () => string } {
  const hash = createHash('sha256');
  // Lines are short; hashing them one by one would cost more than the hashing.
  const scratch = Buffer.allocUnsafe(256 * 1024);
  let filled = 0;
  const flush = () => {
    hash.update(scratch.subarray(0, filled));
    filled = 0;
  };
  return {
    update(piece) {
      for (let start = 0; start < piece.length; ) {
        const found = piece.indexOf(lineFeed, start);
        const end = found < 0 ? piece.length : found;
        if (end - start > scratch.length - filled) flush();
        if (end - start > scratch.length) hash.update(piece.subarray(start, end));
        else filled += piece.copy(scratch, filled, start, end);
        start = end + 1;
      }
    },
    digest() {
      flush();
      return hash.digest('hex');
    },
  };
}

/**
 * SHA-256 (hex) of `data.json` without its line feeds: what OPA signs for the same document, provided that its line
 * form is sound. Runs at hashing speed, without parsing.
 */
export function dataDigest(data: Buffer): string {
  const digest = createDataDigest();
  digest.update(data);
  return digest.digest();
}
