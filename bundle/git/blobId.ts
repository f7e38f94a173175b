import { createHash } from 'node:crypto';

/** The id that Git gives a file's content, in a repository that `other` is an id of. */
export const blobId = (bytes: Buffer, other: string | null | undefined): string =>
  createHash(other?.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex');
