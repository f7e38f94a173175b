import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * `XDG_CACHE_HOME/grantgate` or `~/.cache/grantgate`: shared by every clone on the machine. What lies there is run, so it is
 * never beneath the folder that we happen to be started in: what is empty or relative does not count, as the XDG base
 * directory specification has it.
 */
export function cacheFolder({ XDG_CACHE_HOME: named, HOME: home }: NodeJS.ProcessEnv = process.env): string {
  if (named && isAbsolute(named)) return join(named, 'grantgate');
  return join(home && isAbsolute(home) ? home : userInfo().homedir, '.cache', 'grantgate');
}
