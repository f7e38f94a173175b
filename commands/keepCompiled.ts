import { mkdirSync, statSync } from 'node:fs';
import { constants, enableCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../bundle/cacheFolder.ts';

/**
 * Keeps what Node makes of our modules, and of those we import, for the next start: half the time of one went into it. In
 * the folder that opa is run from too, as whoever can write there decides what runs; Node's own is one for all in /tmp.
 * Threads and processes of ours find the same. Where nothing can be kept, or NODE_COMPILE_CACHE says otherwise, nothing
 * changes.
 */
export function keepCompiled(env: NodeJS.ProcessEnv): void {
  if (env.NODE_DISABLE_COMPILE_CACHE || getCompileCacheDir() !== undefined) return;
  const folder = ownFolder(env);
  if (folder !== null && enableCompileCache(folder).status === constants.compileCacheStatus.ENABLED)
    env.NODE_COMPILE_CACHE = folder;
}

/** Node runs what lies there and asks not whose it is, so it must be ours alone to write to; else null. */
function ownFolder(env: NodeJS.ProcessEnv): string | null {
  try {
    const folder = join(cacheFolder(env), 'compiled');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    // Windows has neither.
    const user = process.geteuid?.();
    return user === undefined || (uid === user && (mode & 0o022) === 0) ? folder : null;
  } catch {
    // It cannot be made, or a user who is in no list has no home.
    return null;
  }
}
