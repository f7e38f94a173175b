import { isDeepStrictEqual } from 'node:util';
import { type GatewayConfig, readConfig } from '../../gateway/config/config.ts';

type Log = {
  info: (text: string) => void;
  warn: (facts: object, text: string) => void;
  error: (facts: object, text: string) => void;
};

/**
 * Reads the configuration of a process that cannot replace itself anew, and says why it is not taken over: it is wrong,
 * it is the one in force, or only a new process can serve by it.
 */
export function tellChanges(file: string, current: GatewayConfig, log: Log): void {
  try {
    const next = readConfig(file);
    const changed = Object.entries(next).flatMap(([key, value]) =>
      isDeepStrictEqual(value, Object.entries(current).find(([name]) => name === key)?.[1]) ? [] : [key],
    );
    const gone = Object.keys(current).filter((key) => !Object.hasOwn(next, key));
    if (changed.length + gone.length === 0) log.info('configuration read anew: it is the one in force');
    else
      log.warn(
        { changed: [...changed, ...gone] },
        'configuration not taken over: one process cannot replace itself; restart it, or set "workers" to 2 or more',
      );
  } catch (error) {
    log.error({ err: error }, 'configuration refused; the one in force stays');
  }
}
