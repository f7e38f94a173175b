import { createAdmin } from './admin/admin.ts';
import type { GatewayConfig } from './config/config.ts';
import { createDecisionPoint } from './decisionPoint/decisionPoint.ts';
import { openTls } from './http/tls.ts';
import { createListener } from './listener.ts';
import { createListeners } from './listeners.ts';
import type { Collaborators } from './openCollaborators.ts';
import { createPipeline } from './pipeline.ts';
import { createSweep } from './streams/sweep.ts';

export type Wired = ReturnType<typeof wire>;

/**
 * The listeners for callers and operators, over the pipeline in force. Nothing listens yet. Throws ConfigError when a
 * secret is missing.
 */
export function wire(collaborators: Collaborators) {
  const { config, now, log, metrics, writer, feed, streams, assertions, limits, bundles } = collaborators;
  const { enforcement, lapse } = bundles;
  let draining = false;
  let pipeline = createPipeline(collaborators, config);
  const listener = createListener({
    limits: config.limits,
    tls: openTls(config, (error) => log.error({ err: error }, 'certificates not read')),
    streams,
    onRequest: (request, response) => pipeline.onRequest(request, response),
    onCut: limits.onCut,
    onUpgrade: (request, socket, head) => pipeline.onUpgrade(request, socket, head),
  });
  const decisionPoint = createDecisionPoint(config, (request, response, own) =>
    pipeline.answerQuestion?.(request, response, own),
  );

  const admin = createAdmin({
    token: () => pipeline.adminToken,
    webhook: () => pipeline.webhook,
    snapshot: () => enforcement()?.snapshot ?? null,
    source: () => pipeline.source,
    startedMs: collaborators.startedMs,
    status: bundles.status,
    draining: () => draining,
    lapsed: lapse.current,
    recordFault: () => writer.fault,
    reload: (force, pushed = false) => bundles.look({ force, pushed }),
    metrics: async () => ({
      contentType: metrics.registry.contentType,
      text: await metrics.registry.metrics(),
    }),
    usage: (since) => writer.usage?.texts(since) ?? [],
    decisions: feed,
    jwks: assertions.jwks,
    explain: (question) => pipeline.explain(question),
    now,
    onFailure: (error) => log.error({ err: error }, 'admin request failed'),
  });

  const sweep = createSweep({ lapse, streams, enforcement, onLapsed: metrics.bundleLapsed, log });
  const listeners = createListeners({
    server: listener.server,
    decisionPoint,
    at: config.listen,
    onError: (error) => log.error({ err: error }, 'listener failed'),
    isClosing: () => draining,
  });
  return {
    admin,
    listeners,
    sweep,
    /** Handles what comes from now on by another configuration: the result does it. Throws as wiring does. */
    prepare(next: GatewayConfig): () => void {
      const prepared = createPipeline(collaborators, next, pipeline.authentication);
      return () => {
        const before = pipeline;
        pipeline = prepared;
        listener.take(next.limits);
        decisionPoint.take(next.limits);
        before.retire(prepared);
      };
    },
    /** Stops taking requests; those under way may end. */
    async drain(lingerMs: number) {
      draining = true;
      await Promise.all([listener.drain(lingerMs), decisionPoint.close()]);
    },
    close: () => pipeline.close(),
  };
}
