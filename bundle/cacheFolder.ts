import { homedir } from 'node:os';
import { join } from 'node:path';

/** `XDG_CACHE_HOME/grantgate` or `~/.cache/grantgate`: shared by every clone on the machine. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'grantgate');
}
