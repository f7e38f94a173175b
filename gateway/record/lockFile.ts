import { existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Takes a lock file for this process, from a dead one too. Answers how to let go of it, or the living process that holds
 * it. Throws what the file system says.
 */
export function takeLock(lock: string): { release: () => void } | { holder: number } {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return {
        release: () => {
          if (existsSync(lock)) unlinkSync(lock);
        },
      };
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      const holder = lockHolder(lock);
      if (holder !== null && holder !== process.pid) return { holder };
      unlinkSync(lock);
    }
  }
}

/** The living process that holds a lock file; null when none does. Throws what the file system says. */
export function lockHolder(lock: string): number | null {
  const holder = Number(readFileSync(lock, 'utf8'));
  return alive(holder) ? holder : null;
}

function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;
