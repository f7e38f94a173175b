import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { claim } from '../../gateway/record/claim.ts';
import { ReviewError } from '../reviewError.ts';

/** One at a time changes an instance's files and notes it. Answers how to let go. Throws ReviewError `records-in-use`. */
export function manifestLock(home: string): () => void {
  const taken = claim(join(home, '.manifest.lock'));
  if ('release' in taken) return taken.release;
  throw new ReviewError(
    'records-in-use',
    `process ${taken.holder} prunes or erases records in ${home} already`,
  );
}

/** Puts on disk which files a folder has. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
