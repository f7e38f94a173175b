import { createAdmin } from './admin/admin.ts';
import { createAdmit } from './admit.ts';
import { createDecisionPoint } from './decisionPoint/decisionPoint.ts';
import { createDoors } from './doors.ts';
import { createOnRequest } from './exchange.ts';
import { createExplainHere } from './explain/explainHere.ts';
import { openTls } from './http/tls.ts';
import { createListener } from './listener.ts';
import type { Collaborators } from './openCollaborators.ts';
import { parseSource } from './source/contract/parseSource.ts';
import { createSweep } from './streams/sweep.ts';
import { createUpgrade } from './upstream/upgrade.ts';

export type Wired = ReturnType<typeof wire>;

/** Leads requests through their stages, and operators to what they may see and do. Nothing listens yet. */
export function wire(collaborators: Collaborators) {
  const { config, now, log, metrics, faults, writer, forward, streams, assertions } = collaborators;
  const { authenticate, limits, standing } = collaborators;
  const { enforcement, lapse, hold, reload, shadow } = standing;
  let draining = false;
  const stages = {
    enforcement: () => {
      lapse.assertNone();
      return enforcement();
    },
    authenticate,
    writer,
    onAllowed: hold.note,
    assertionOf: assertions.of,
    now,
    onOutcome: metrics.observe,
    onFailure: (error: unknown, decisionId: string | null) =>
      log.error({ err: error, decision_id: decisionId }, 'request failed'),
  };
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
    token: collaborators.adminToken,
    webhook:
      collaborators.webhookSecret === null
        ? null
        : { secret: collaborators.webhookSecret, branch: branchOf(config.bundle.source) },
    snapshot: () => enforcement()?.snapshot ?? null,
    source: config.bundle.source,
    startedAt: collaborators.startedAt,
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
    usage: (since) => writer.usage?.texts(since) ?? [],
    jwks: assertions.jwks,
    explain: createExplainHere({ config, snapshot: () => enforcement()?.snapshot ?? null, now }),
    now,
    onFailure: (error) => log.error({ err: error }, 'admin request failed'),
  });

  const sweep = createSweep({ lapse, streams, enforcement, onLapsed: metrics.bundleLapsed, log });
  const doors = createDoors({
    server,
    decisionPoint,
    at: config.listen,
    onError: (error) => log.error({ err: error }, 'listener failed'),
    isClosing: () => draining,
  });
  /** Stops taking requests; those under way may end. */
  const drainAll = async (lingerMs: number) => {
    draining = true;
    await Promise.all([drain(lingerMs), decisionPoint.close()]);
  };
  return { admin, doors, sweep, drain: drainAll };
}

function branchOf(source: string): string {
  const address = parseSource(source);
  return address.kind === 'git' ? address.branch : 'main';
}
