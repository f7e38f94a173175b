import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { GatewayConfig } from './config/config.ts';
import { readSourceConfig } from './config/readSource.ts';
import type { Decided } from './decision/admission.ts';
import type { Enforcement } from './decision/enforcement.ts';
import { createLapse } from './decision/lapse.ts';
import { createHoldBack } from './load/holdBack.ts';
import { assertSource, type InForce, type Reload, type ReloadOptions, startReload } from './load/reload.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Snapshot } from './revision/snapshot.ts';
import { readShadow, startShadow } from './shadow/shadow.ts';
import type { Streams } from './streams/streams.ts';

type Options = {
  config: Pick<GatewayConfig, 'bundle' | 'state'>;
  env: NodeJS.ProcessEnv;
  metrics: Metrics;
  log: Logger;
  streams: Streams;
  onSwap: ((snapshot: Snapshot) => void) | undefined;
  startLoader: ReloadOptions['startWorker'];
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a clock that nobody sets. */
  elapsed: () => number;
};

/**
 * Keeps the bundle in force that its source has, within what may come into force, and beside it the second one, which
 * decides without a word of its own. Throws ConfigError when a secret is missing, and what {@link startReload} throws.
 */
export function followBundles(options: Options) {
  const { env, metrics, log, streams, now, elapsed, startLoader } = options;
  let { bundle } = options.config;
  let inForce: Enforcement | null = null;
  const enforcement = () => inForce;

  const lapse = createLapse({ maxStalenessMs: () => bundle.max_staleness ?? null, now, elapsed });
  const onSwap = (snapshot: Snapshot, _: string, confirmedMsAgo: number | null) => {
    const beganMs = performance.now();
    const next = hold.enforced(snapshot);
    inForce = next;
    lapse.took(snapshot, confirmedMsAgo);
    streams.revise(next);
    metrics.swapped(snapshot, beganMs);
    options.onSwap?.(snapshot);
  };
  const hold = createHoldBack({ share: () => bundle.hold.recent_callers, enforcement, now });

  const start = (settings: ReturnType<typeof read>, before: InForce | null): Reload =>
    startReload({
      ...settings,
      before,
      judge: hold.judge,
      onSwap,
      onFailure: ({ code }) => metrics.loadFailed(code),
      onLook: (result, milliseconds) => {
        metrics.looked(result, milliseconds, now());
        if (result === 'changed' || result === 'unchanged') lapse.confirmed();
      },
      onKept: metrics.bundleKept,
      startWorker: startLoader,
      log,
      now,
    });
  const startBeside = (settings: ReturnType<typeof readShadow>) =>
    startShadow({ settings, metrics, startLoader, log, now });

  let settings = read(options.config, env);
  let reload = start(settings, null);
  let beside = readShadow(options.config, env);
  let shadow = startBeside(beside);
  let closed = false;

  return {
    enforcement,
    lapse,
    hold: { note: hold.note },
    /** Of the bundle in force, and beside it of the second one, where there is one. */
    status: () => (shadow === null ? reload.status() : { ...reload.status(), shadow: shadow.status() }),
    /** Looks at the sources now. Rejects with a LoadError when that of the bundle in force cannot be had. */
    async look(how: { force: boolean; pushed: boolean }) {
      const [result] = await Promise.all([reload.look(how), shadow?.look()]);
      return result;
    },
    /** For what decides beside, after the answer. */
    offer: (decided: Decided, carrier: Parameters<NonNullable<typeof shadow>['offer']>[1]) =>
      shadow?.offer(decided, carrier),
    /**
     * Follows the source of another configuration from now on: the result does it. What is in force stays so until
     * that source gives something else. Throws as opening does, and nothing has changed then.
     */
    prepare(config: Options['config']): () => Promise<void> {
      const [next, nextBeside] = [read(config, env), readShadow(config, env)];
      assertSource(next.source);
      if (nextBeside !== null) assertSource(nextBeside.source);
      return async () => {
        bundle = config.bundle;
        if (!isDeepStrictEqual(next, settings)) {
          // They share a folder of state.
          const before = next.source.url === settings.source.url ? reload.inForce() : null;
          settings = next;
          await reload.close();
          if (!closed) reload = start(next, before);
        }
        if (!isDeepStrictEqual(nextBeside, beside)) {
          beside = nextBeside;
          await shadow?.close();
          shadow = closed ? null : startBeside(nextBeside);
        }
      };
    },
    async close() {
      closed = true;
      await Promise.all([reload.close(), shadow?.close()]);
    },
  };
}

/** All that a loop over the source depends on, secrets included. */
function read(config: Options['config'], env: NodeJS.ProcessEnv) {
  const { poll, hold } = config.bundle;
  return { source: readSourceConfig(config, env), pollMs: poll, holdShare: hold.grants };
}
