import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '../../gateway/record/lockFile.ts';
import { ReviewError } from '../reviewError.ts';

/** One at a time changes an instance's files and notes it. Answers how to let go. Throws ReviewError `records-in-use`. */
export function manifestLock(home: string): () => void {
  const taken = takeLock(join(home, '.manifest.lock'));
  if ('release' in taken) return taken.release;
  throw new ReviewError(
    'records-in-use',
    `process ${taken.holder} prunes or erases records in ${home} already`,
  );
}

/** Puts on disk which files a folder has. */
export function flushFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
