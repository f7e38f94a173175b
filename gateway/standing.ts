import type { Logger } from 'pino';
import type { GatewayConfig } from './config/config.ts';
import { readSourceAccess, type readVerifyKeyTexts } from './config/readSource.ts';
import type { Enforcement } from './decision/enforcement.ts';
import { createLapse } from './decision/lapse.ts';
import { createHoldBack } from './load/hold.ts';
import { startReload } from './load/reload.ts';
import { startShadow } from './load/shadow.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Snapshot } from './revision/snapshot.ts';
import type { Streams } from './streams/streams.ts';

type Options = {
  config: GatewayConfig;
  env: NodeJS.ProcessEnv;
  /** What the source asks for, when it asks for something. */
  bundleToken: string | null;
  /** What its bundles are verified with, when they are. */
  verifyKeyPem: ReturnType<typeof readVerifyKeyTexts>;
  metrics: Metrics;
  log: Logger;
  streams: Streams;
  onSwap: ((snapshot: Snapshot) => void) | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a clock that nobody sets. */
  elapsed: () => number;
};

/** What is in force, what may come into force, and what decides beside it without a word of its own. */
export function openStanding(options: Options) {
  const { config, env, bundleToken, verifyKeyPem, metrics, log, streams, now, elapsed } = options;
  let inForce: Enforcement | null = null;
  const enforcement = () => inForce;

  const lapse = createLapse({ maxStalenessMs: config.bundle.max_staleness ?? null, now, elapsed });
  const onSwap = (snapshot: Snapshot, _: string, confirmedMsAgo: number | null) => {
    const began = performance.now();
    const next = hold.enforced(snapshot);
    inForce = next;
    lapse.took(snapshot, confirmedMsAgo);
    streams.revise(next);
    metrics.swapped(snapshot, began);
    options.onSwap?.(snapshot);
  };
  const hold = createHoldBack({
    share: config.bundle.hold.recent_callers,
    enforcement,
    now,
  });
  const reload = startReload({
    source: {
      url: config.bundle.source,
      stateFolder: config.state,
      ...(verifyKeyPem === undefined ? {} : { verifyKeyPem }),
      ...(bundleToken === null ? {} : { token: bundleToken }),
      ...(config.bundle.long_poll === undefined ? {} : { longPollSeconds: config.bundle.long_poll / 1000 }),
      redirectOrigins: config.bundle.redirect_origins,
      ...readSourceAccess(config.bundle, env),
    },
    pollMs: config.bundle.poll,
    holdShare: config.bundle.hold.grants,
    judge: hold.judge,
    onSwap,
    onFailure: ({ code }) => metrics.loadFailed(code),
    onLook: (result, milliseconds) => {
      metrics.looked(result, milliseconds, now());
      if (result === 'changed' || result === 'unchanged') lapse.confirmed();
    },
    onKept: metrics.bundleKept,
    log,
    now,
  });
  const shadow = startShadow({ config, env, metrics, log, now });
  return { enforcement, lapse, hold, reload, shadow };
}
