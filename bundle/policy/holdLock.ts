import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { isAlive } from '../isAlive.ts';

const beatMs = 5000;
const staleAfterMs = 60_000;
const lookMs = 200;

/** Gives the lock back. */
export type Release = () => Promise<void>;

/**
 * Holds the lock file at `path`, which tells other processes of this user to wait; `onWait` is called once when this
 * one has to. What a process that ended left behind is taken over: at once on the same machine, else when it has not
 * been touched for a minute. The worst that can come of two holders is work done twice.
 */
export async function holdLock(path: string, onWait: () => void): Promise<Release> {
  for (let waited = false; ; waited = true) {
    try {
      await writeFile(path, `${hostname()} ${process.pid}`, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isStale(path)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited) onWait();
    await wait(lookMs);
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, beatMs);
  beat.unref();
  return async () => {
    clearInterval(beat);
    await rm(path, { force: true });
  };
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(path, 'utf8')).split(' ');
    if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(path)).mtimeMs > staleAfterMs;
  } catch {
    // It has just gone.
    return false;
  }
}
