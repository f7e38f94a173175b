import { constants, enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../bundle/cacheFolder.ts';

/**
 * Keeps what Node makes of our modules, and of those we import, for the next start: half the time of one went into it. In
 * the folder that opa is run from too, as whoever can write there decides what runs; Node's own is one for all in /tmp.
 * Threads and processes of ours find the same. Where nothing can be kept, or NODE_COMPILE_CACHE says otherwise, nothing
 * changes.
 */
export function keepCompiled(env: NodeJS.ProcessEnv): void {
  const folder = join(cacheFolder(env), 'compiled');
  if (enableCompileCache(folder).status === constants.compileCacheStatus.ENABLED)
    env.NODE_COMPILE_CACHE = folder;
}
