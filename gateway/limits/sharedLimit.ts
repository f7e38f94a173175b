// The same algorithm as limit.ts, in one script that the store runs as one step. Its own clock is the one that counts:
// those of several gateways never agree, and the one ahead would be let through more. No windows, as most limiters on
// top of Redis have them: around a window's edge they let twice the rate through.
import { createHash } from 'node:crypto';
import type { Rate } from '../../bundle/format/rate.ts';
import type { Limit, LocalLimit } from './limit.ts';

const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local from = tonumber(redis.call('GET', KEYS[1]) or '0')
if from < now then from = now end
local function keep()
  redis.call('SET', KEYS[1], string.format('%.3f', from), 'PX', math.max(1, math.ceil(from - now)))
end
if from > now + period then
  from = now + period
  keep()
end
local wait = from + interval - now - period
if wait > 0.001 then return string.format('%.3f', wait) end
from = from + interval
keep()
return string.format('%.0f', -math.max(0, math.floor(0.001 - wait / interval)))
`;
const digest = createHash('sha1').update(script).digest('hex');

/** How long an answer of the store may take, if nothing else is said. */
const usualPatienceMs = 100;
/** After such a silence, how long it is not asked again. */
const restMs = 1000;

type Options = {
  /** `redis://` or `rediss://`, with a user and a database at most. */
  url: string;
  password: string | null;
  /** Counts here whatever else happens. */
  local: LocalLimit;
  /** How long an answer of the store may take; after that, what this process has counted is the answer. */
  patienceMs?: number;
  /** The store was needed and could not be asked. */
  onFallback: () => void;
  /** It became unreachable, and why; or (null) it answers again. Not repeated while nothing changes. */
  onState: (failure: Error | null) => void;
};

/**
 * A limit that all gateways with the same store count together. Each request counts here first: what is over the rate
 * here is over it everywhere, and needs no question; and when the store is gone, what was counted here goes on.
 */
export async function openSharedLimit({
  url,
  password,
  local,
  patienceMs = usualPatienceMs,
  onFallback,
  onState,
}: Options): Promise<{
  limit: Limit;
  close: () => void;
}> {
  // Loaded only where it is needed: it takes as long as all the rest.
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    ...(password === null ? {} : { password }),
    RESP: 2,
    name: 'grantgate',
    disableOfflineQueue: true,
    commandsQueueMaxLength: 20_000,
    socket: {
      connectTimeout: 2000,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 10), 2000),
    },
  });
  let failing = false;
  let asking = false;
  let restUntilMs = 0;
  const failed = (error: Error) => {
    restUntilMs = performance.now() + restMs;
    if (failing) return;
    failing = true;
    onState(error);
  };
  client.on('error', failed);
  client.on('ready', () => {
    restUntilMs = 0;
  });
  client.connect().catch(failed);

  const run = async (key: string, { intervalMs, periodMs }: Rate): Promise<number> => {
    // Whoever reads the store learns no names and no addresses.
    const name = `grantgate:limit:${createHash('sha256').update(key).digest('base64url')}`;
    const rest = ['1', name, String(intervalMs), String(periodMs)];
    const reply = await client.sendCommand(['EVALSHA', digest, ...rest]).catch((error: Error) => {
      if (!error.message.startsWith('NOSCRIPT')) throw error;
      return client.sendCommand(['EVAL', script, ...rest]);
    });
    const value = Number(reply);
    if (!Number.isFinite(value)) throw new Error('the store answered something else');
    return value;
  };

  const ask = (key: string, rate: Rate, here: number): Promise<number> =>
    new Promise((done) => {
      asking = true;
      let over = false;
      const finish = (value: number) => {
        if (over) return;
        over = true;
        asking = false;
        clearTimeout(timer);
        done(value);
      };
      const giveUp = (error: Error) => {
        if (over) return;
        failed(error);
        onFallback();
        finish(here);
      };
      const timer = setTimeout(() => giveUp(new Error('the store does not answer')), patienceMs);
      run(key, rate).then((there) => {
        if (over) return;
        if (failing) {
          failing = false;
          onState(null);
        }
        finish(there > 0 ? there : Math.max(there, here));
      }, giveUp);
    });

  return {
    limit: (key, rate, nowMs) => {
      const here = local(key, rate, nowMs);
      if (here > 0) return here;
      // Of a store that failed, one request at a time finds out whether it is back.
      if (!client.isReady || (failing && (asking || performance.now() < restUntilMs))) {
        onFallback();
        return here;
      }
      return ask(key, rate, here);
    },
    close: () => {
      if (client.isOpen) client.destroy();
    },
  };
}
