import type { Registry } from 'prom-client';
import { createAdmin } from './admin/admin.ts';
import { createAdmit } from './admit.ts';
import { ConfigError, type GatewayConfig, readSecret } from './config/config.ts';
import { readSourceAccess, readVerifyKeyTexts } from './config/readSource.ts';
import type { Enforcement } from './decision/enforcement.ts';
import { createLapse } from './decision/lapse.ts';
import { createDecisionPoint } from './decisionPoint/decisionPoint.ts';
import { createDoors } from './doors.ts';
import { createOnRequest } from './exchange.ts';
import { createExplainHere } from './explain/explainHere.ts';
import { createFaults } from './faults.ts';
import { listen, urlOf } from './http/listen.ts';
import { openTls } from './http/tls.ts';
import { createAuthentication } from './identity/authentication.ts';
import type { Limit } from './limits/limit.ts';
import { openLimits } from './limits/limits.ts';
import { createListener } from './listener.ts';
import { createHoldBack } from './load/hold.ts';
import { startReload } from './load/reload.ts';
import { startShadow } from './load/shadow.ts';
import { createLog } from './log/createLog.ts';
import { createMetrics } from './metrics/metrics.ts';
import { openRecordWriter } from './record/recordWriter.ts';
import type { Snapshot } from './revision/snapshot.ts';
import { parseSource } from './source/contract/parseSource.ts';
import { createOnStreamClosed } from './streams/streamClosed.ts';
import { createStreams } from './streams/streams.ts';
import { createSweep } from './streams/sweep.ts';
import { createAssertions } from './upstream/assertion.ts';
import { createForward } from './upstream/forward.ts';
import { createUpgrade } from './upstream/upgrade.ts';

/** A running gateway. */
export type Gateway = {
  /** `http://HOST:PORT` of the listener for callers; empty while a worker's is closed. */
  url: string;
  /** `http://HOST:PORT` of the listener for operators. */
  admin: string;
  /** The same of the listener for those who ask and enforce themselves; null when none is configured. */
  decisionPoint: string | null;
  /** A worker's listeners are opened when it is told to: until it has a bundle, others can serve. */
  open: () => Promise<Pick<Gateway, 'url' | 'decisionPoint'>>;
  /** The revision in force, or null. */
  revision: () => string | null;
  /** Makes the next key of assertions, or reads their key file anew. */
  rotate: () => void;
  /** What `/metrics` tells, for whoever adds it up. */
  metrics: () => ReturnType<Registry['getMetricsAsJSON']>;
  /**
   * Stops taking requests, lets those under way end within the drain time, then closes everything. Idle connections
   * are left open for `lingerMs`, so that each can be told to go elsewhere with the answer to its next request.
   */
  close: (lingerMs?: number) => Promise<void>;
};

/** What a gateway is given that is one of several workers. */
type Worker = {
  /** The state folder of all of them, for what they must have in common. */
  sharedState: string;
  admin: { path: string };
  /** Counts for all of them. */
  limit: Limit;
  onSwap: (snapshot: Snapshot) => void;
};

type Options = {
  config: GatewayConfig;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Milliseconds on a clock that nobody sets. */
  elapsed?: () => number;
  worker?: Worker;
};

/**
 * Starts the gateway. It listens at once, unless it is a worker, and answers 503 until a bundle is in force. Throws ConfigError when a
 * secret is missing or a port is taken, and RecordError when the decision log cannot be opened.
 */
export async function serve({
  config,
  env = process.env,
  now = Date.now,
  elapsed = () => performance.now(),
  worker,
}: Options): Promise<Gateway> {
  // http-proxy-3 would switch to a code path that loses what was decided.
  if (env.FORCE_FETCH_PATH !== undefined)
    throw new ConfigError(['FORCE_FETCH_PATH must not be set in the environment']);
  const adminToken = config.admin.token === undefined ? null : readSecret(config.admin.token, env);
  const webhookSecret = config.webhook === undefined ? null : readSecret(config.webhook.secret, env);
  const bundleToken = config.bundle.token === undefined ? null : readSecret(config.bundle.token, env);
  const verifyKeyPem = readVerifyKeyTexts(config.bundle, env);
  const storePassword =
    config.limits.store_password === undefined ? null : readSecret(config.limits.store_password, env);
  const log = createLog(config.log, { instance: config.decisions.instance });
  const metrics = createMetrics({ openRequests: () => streams.size });
  const faults = createFaults({ metrics, log, now });
  const { folder, usage, instance } = config.decisions;
  const writer = openRecordWriter({
    folder,
    usage,
    state: config.state,
    instance,
    now,
    onUsageFailure: (error) => log.error({ err: error }, 'usage not saved'),
    onWritten: (milliseconds) => metrics.recordLag(milliseconds / 1000),
  });
  const { forward, close: closeForward } = createForward({
    upstreamTimeoutMs: config.limits.upstream_timeout,
    bodyBytes: config.limits.body,
    now,
  });
  const streams = createStreams({
    now,
    onClose: createOnStreamClosed({ writer, metrics, log, now }),
    onDecided: metrics.streamsDecided,
  });
  const assertions = createAssertions({
    config: { ...config, state: worker?.sharedState ?? config.state },
    now,
    onFailure: (error) => log.error({ err: error }, 'keys of assertions not kept or read'),
  });
  let enforcement: Enforcement | null = null;
  let draining = false;
  const startedAt = now();

  const lapse = createLapse({ maxStalenessMs: config.bundle.max_staleness ?? null, now, elapsed });
  const onSwap = (snapshot: Snapshot, _: string, confirmedMsAgo: number | null) => {
    const began = performance.now();
    const next = hold.enforced(snapshot);
    enforcement = next;
    lapse.took(snapshot, confirmedMsAgo);
    streams.revise(next);
    metrics.swapped(snapshot, began);
    worker?.onSwap(snapshot);
  };
  const hold = createHoldBack({
    share: config.bundle.hold.recent_callers,
    enforcement: () => enforcement,
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
  const stages = {
    enforcement: () => {
      lapse.assertNone();
      return enforcement;
    },
    authenticate: createAuthentication({
      config,
      env,
      now,
      onKeyFetch: faults.keys,
      onIntrospection: metrics.introspected,
      onFailure: faults.introspection,
      onTokenRefused: faults.token,
    }),
    writer,
    onAllowed: hold.note,
    assertionOf: assertions.of,
    now,
    onOutcome: metrics.observe,
    onFailure: (error: unknown, decisionId: string | null) =>
      log.error({ err: error, decision_id: decisionId }, 'request failed'),
  };
  const limits = await openLimits({
    config: config.limits,
    password: storePassword,
    memory: worker?.limit,
    metrics,
    log,
  });
  const admit = createAdmit({ ...stages, hosts: config.hosts, limits, afterwards: shadow?.offer });
  const decisionPoint = createDecisionPoint({ ...stages, config, admit });

  const { admitRequest, onRequest } = createOnRequest({
    trustedProxies: config.trusted_proxies,
    ...{ admit, assertions, forward, streams, metrics, faults },
  });
  const { server, drain } = createListener({
    limits: config.limits,
    tls: openTls(config, (error) => log.error({ err: error }, 'certificates not read')),
    streams,
    onRequest,
    onCut: limits.onCut,
    onUpgrade: createUpgrade({
      upstreamTimeoutMs: config.limits.upstream_timeout,
      idleMs: config.limits.websocket_idle,
      onIdle: () => limits.onCut('websocket'),
      admit: admitRequest,
      streams,
      onOpen: () => metrics.streams.inc(),
      onClosed: () => metrics.streams.dec(),
      onUpstreamFailure: ({ route }, error) => faults.upstream(route.api, error),
    }),
  });

  const admin = createAdmin({
    token: adminToken,
    webhook:
      webhookSecret === null ? null : { secret: webhookSecret, branch: branchOf(config.bundle.source) },
    snapshot: () => enforcement?.snapshot ?? null,
    source: config.bundle.source,
    startedAt,
    status: () => (shadow === null ? reload.status() : { ...reload.status(), shadow: shadow.status() }),
    draining: () => draining,
    lapsed: lapse.current,
    reload: async (force, pushed = false) => {
      const [result] = await Promise.all([reload.poke({ force, pushed }), shadow?.look()]);
      return result;
    },
    metrics: async () => ({
      contentType: metrics.registry.contentType,
      text: await metrics.registry.metrics(),
    }),
    usage: (since) => writer.usage?.lines(since) ?? [],
    jwks: assertions.jwks,
    explain: createExplainHere({ config, snapshot: () => enforcement?.snapshot ?? null, now }),
    now,
    onFailure: (error) => log.error({ err: error }, 'admin request failed'),
  });

  const beat = setInterval(() => writer.heartbeat(), 60_000);
  const onLapsed = metrics.bundleLapsed;
  const sweepNow = createSweep({ lapse, streams, enforcement: () => enforcement, onLapsed, log });
  const sweep = setInterval(sweepNow, 1000);

  const onError = (error: Error) => log.error({ err: error }, 'listener failed');
  const isClosing = () => draining;
  const doors = createDoors({ server, decisionPoint, at: config.listen, onError, isClosing });
  let shutting: Promise<void> | null = null;
  const close = (lingerMs = 0) => {
    shutting ??= shut(lingerMs);
    return shutting;
  };
  const shut = async (lingerMs: number) => {
    draining = true;
    clearInterval(beat);
    clearInterval(sweep);
    assertions.close();
    await Promise.all([drain(lingerMs), decisionPoint.close(), reload.close(), shadow?.close()]);
    await closeForward();
    limits.close();
    admin.closeAllConnections();
    await new Promise((done) => admin.close(done));
    writer.heartbeat();
    writer.close();
    log.info('stopped');
    log.flush();
  };

  try {
    writer.heartbeat();
    await listen(admin, worker?.admin ?? config.admin, onError, 'admin');
    if (worker === undefined) await doors.open();
  } catch (error) {
    await close();
    throw error;
  }
  const urls = { ...doors.urls(), admin: urlOf(admin) };
  log.info({ ...urls, source: config.bundle.source }, 'listening');
  return {
    ...urls,
    open: doors.open,
    revision: () => enforcement?.snapshot.revision ?? null,
    rotate: assertions.rotate,
    metrics: () => metrics.registry.getMetricsAsJSON(),
    close,
  };
}

function branchOf(source: string): string {
  const address = parseSource(source);
  return address.kind === 'git' ? address.branch : 'main';
}
