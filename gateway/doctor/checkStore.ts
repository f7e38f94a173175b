import { setTimeout as sleep } from 'node:timers/promises';
import { parseRate } from '../../bundle/format/rate.ts';
import { ConfigError, type GatewayConfig, readSecret } from '../config/config.ts';
import { detailOf } from '../http/fault.ts';
import { createLimit } from '../limits/limit.ts';
import { openSharedLimit } from '../limits/sharedLimit.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Counts once over the store that gateways share. */
export async function checkStore(
  { store, store_password }: GatewayConfig['limits'],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (store === 'memory') return [];
  const check = 'limits.store';
  let password: string | null;
  try {
    password = store_password === undefined ? null : readSecret(store_password, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [problem(check, 'not asked: its password is missing', 'see "limits.store_password"')];
  }
  let failure: Error | null = null;
  let counted = true;
  const { limit, close } = await openSharedLimit({
    ...{ url: store, password, local: createLimit() },
    onFallback: () => {
      counted = false;
    },
    onState: (error) => {
      failure = error;
    },
  });
  try {
    while (!signal.aborted) {
      counted = true;
      await limit('doctor', parseRate('1000/s'), Date.now());
      if (counted) return [ok(check, `${store} counts`)];
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
    const reason = failure === null ? 'it does not answer' : reasonOf(failure);
    return [
      problem(
        check,
        `${store} cannot be used: ${reason}`,
        'see its address, user and password; until it answers each gateway counts for itself',
      ),
    ];
  } finally {
    close();
  }
}

/** Redis begins what it refuses with a word in capitals; the rest of the sentence may quote what was sent. */
const reasonOf = (error: Error) =>
  /^[A-Z]{4,}(?= )/.exec(error.message)?.[0] ?? detailOf(error) ?? error.name;
