import { ConfigError, type GatewayConfig, readSecret } from './config/config.ts';
import { createFaults } from './faults.ts';
import { followBundles } from './followBundles.ts';
import { type Authentication, createAuthentication } from './identity/authentication.ts';
import type { Limit } from './limits/limit.ts';
import { openLimits } from './limits/limits.ts';
import type { ReloadOptions } from './load/reload.ts';
import { openAccessLog } from './log/accessLog.ts';
import { createLog } from './log/createLog.ts';
import { elapsed as clock } from './memory/elapsed.ts';
import { createToldLately } from './memory/toldLately.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createRecordFeed } from './record/recordFeed.ts';
import { openRecordWriter } from './record/recordWriter.ts';
import type { Snapshot } from './revision/snapshot.ts';
import { createOnStreamClosed } from './streams/onStreamClosed.ts';
import { createStreams } from './streams/streams.ts';
import { createAssertions } from './upstream/assertion.ts';

/** What a gateway is given that is one of several workers. */
type Worker = {
  /** The state folder of all of them, for what they must have in common. */
  sharedState: string;
  admin: { path: string };
  /** Counts for all of them. */
  limit: Limit;
  onSwap: (snapshot: Snapshot) => void;
};

export type Options = {
  config: GatewayConfig;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Milliseconds on a clock that nobody sets, the same in all workers. */
  elapsed?: () => number;
  worker?: Worker;
  /** In place of a thread for each bundle that is loaded. */
  startLoader?: ReloadOptions['startWorker'];
};

export type Collaborators = Awaited<ReturnType<typeof openCollaborators>>;

/** Opens what the stages of a request work with. Throws ConfigError before anything is open, and RecordError. */
export async function openCollaborators({
  config,
  env = process.env,
  now = Date.now,
  elapsed = clock,
  worker,
  startLoader,
}: Options) {
  // http-proxy-3 would switch to a code path that loses what was decided.
  if (env.FORCE_FETCH_PATH !== undefined)
    throw new ConfigError(['FORCE_FETCH_PATH must not be set in the environment']);
  const secrets = readSecrets(config, env);
  const storePassword =
    config.limits.store_password === undefined ? null : readSecret(config.limits.store_password, env);
  const log = createLog(config.log, { instance: config.decisions.instance });
  const metrics = createMetrics({ openRequests: () => streams.size });
  const faults = createFaults({ metrics, log, now });
  const { folder, usage, instance } = config.decisions;
  const feed = createRecordFeed();
  const writer = openRecordWriter({
    folder,
    usage,
    state: config.state,
    instance,
    now,
    onUsageFailure: (error) => log.error({ err: error }, 'usage not saved'),
    onFault: (fault) => {
      metrics.recordsFailing(fault !== null);
      if (fault === null) log.info({}, 'decisions can be recorded again');
      else log.error({ err: fault }, 'decisions cannot be recorded: every request is turned away');
    },
    onWritten: (milliseconds) => metrics.recordLag(milliseconds / 1000),
    onLines: feed.push,
  });
  const lost = createToldLately();
  const access = openAccessLog({
    config: config.log,
    now,
    onFailure: (error, lines) => {
      const times = lost('access', now());
      if (times !== null) log.error({ err: error, lines, times }, 'access log not written');
    },
  });
  const streams = createStreams({
    now,
    onClose: createOnStreamClosed({ writer, metrics, log, now }),
    onDecided: metrics.streamsDecided,
    onFailure: (error) => log.error({ err: error }, 'a stream not ended as it should'),
  });
  const assertions = createAssertions({
    config: { ...config, state: worker?.sharedState ?? config.state },
    now,
    onFailure: (error) => log.error({ err: error }, 'keys of assertions not kept or read'),
  });
  const startedMs = now();
  const bundles = followBundles({
    ...{ config, env, metrics, log, streams, now, elapsed },
    onSwap: worker?.onSwap,
    startLoader,
  });
  const authentication = (believed: GatewayConfig, before: Authentication | null) =>
    createAuthentication(
      believed,
      {
        ...{ env, now },
        onKeyFetch: faults.keys,
        onIntrospection: metrics.introspected,
        onFailure: faults.introspection,
        onTokenRefused: faults.token,
      },
      before,
    );
  const limits = await openLimits({
    config: config.limits,
    password: storePassword,
    memory: worker?.limit,
    metrics,
    log,
  });
  return {
    ...{ config, env, now, elapsed, startedMs, secrets, worker },
    ...{ log, access, metrics, faults, writer, feed, streams, assertions, bundles, authentication, limits },
  };
}

/** What operators and those who push must know. Throws ConfigError when a secret is missing. */
export const readSecrets = ({ admin, webhook }: GatewayConfig, env: NodeJS.ProcessEnv) => ({
  adminToken: admin.token === undefined ? null : readSecret(admin.token, env),
  webhookSecret: webhook === undefined ? null : readSecret(webhook.secret, env),
});
