import { createAdmit } from './admit.ts';
import type { GatewayConfig } from './config/config.ts';
import type { Admission } from './decision/admission.ts';
import { createAnswerQuestion } from './decisionPoint/decisionPoint.ts';
import { createExchange } from './exchange.ts';
import { createExplainHere } from './explain/explainHere.ts';
import type { Authenticate } from './identity/authenticate.ts';
import type { Authentication } from './identity/authentication.ts';
import { whenKnown } from './memory/whenKnown.ts';
import { type Collaborators, readSecrets } from './openCollaborators.ts';
import { parseSource } from './source/contract/parseSource.ts';
import { createTrustedStreams } from './streams/trustedStreams.ts';
import { isStillTrusted } from './trustedBy.ts';
import { createForward } from './upstream/forward.ts';
import { createForwardedHeaders } from './upstream/forwardedHeaders.ts';
import { createUpgrade } from './upstream/upgrade.ts';

/** Whom one configuration believes. */
type Trust = {
  config: GatewayConfig;
  authenticate: Authenticate;
  mayStay: (admission: Admission) => boolean;
};

/**
 * Leads requests through their stages, by one configuration: another one may take over while requests of this one are
 * under way. `before` is how callers were believed until then, and stays as it is. Throws ConfigError when a secret is
 * missing.
 */
export function createPipeline(
  collaborators: Collaborators,
  config: GatewayConfig,
  before: Authentication | null = null,
) {
  const { env, now, elapsed, access, metrics, faults, writer, streams, assertions } = collaborators;
  const { authentication, limits, bundles } = collaborators;
  const { enforcement, lapse, hold } = bundles;
  const { adminToken, webhookSecret } = readSecrets(config, env);
  const forwarded = createForwardedHeaders(config.forwarded);
  const { forward, close: closeForward } = createForward({
    forwarded,
    upstreamTimeoutMs: config.limits.upstream_timeout,
    answerHeaders: config.limits.answer_headers,
    bodyBytes: config.limits.body,
    elapsed,
  });
  const authenticated = authentication(config, before);
  const believe = authenticated.authenticate;
  let next: Trust | null = null;
  /** Who waited while the configuration changed, for an issuer or to be counted, is held to the new one. */
  const authenticate: Authenticate = (...asked) => {
    if (next !== null) return next.authenticate(...asked);
    return whenKnown(believe(...asked), (known) => (next === null ? known : next.authenticate(...asked)));
  };
  const mayStay = (admission: Admission): boolean =>
    next === null || (isStillTrusted(config, next.config, admission) && next.mayStay(admission));
  const trusted = createTrustedStreams(streams, mayStay);
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
    onFailure: faults.request,
  };
  const admit = createAdmit({ ...stages, elapsed, hosts: config.hosts, limits, afterwards: bundles.offer });

  let open = 0;
  const ended = () => {
    open -= 1;
    if (next !== null && open === 0) void closeForward();
  };
  const { admitRequest, onRequest } = createExchange({
    trustedProxies: config.trusted_proxies,
    streams: trusted,
    ...{ admit, assertions, forward, metrics, faults, access },
    begun: () => {
      open += 1;
      return ended;
    },
  });
  const onUpgrade = createUpgrade({
    forwarded,
    upstreamTimeoutMs: config.limits.upstream_timeout,
    idleMs: config.limits.websocket_idle,
    onIdle: () => limits.onCut('websocket'),
    admit: admitRequest,
    streams: trusted,
    onOpen: () => metrics.streams.inc(),
    onClosed: () => metrics.streams.dec(),
    onUpstreamFailure: ({ route }, error) => faults.upstream(route.api, error),
  });
  return {
    onRequest,
    onUpgrade,
    answerQuestion: createAnswerQuestion({ ...stages, config, admit }),
    adminToken,
    webhook:
      webhookSecret === null ? null : { secret: webhookSecret, branch: branchOf(config.bundle.source) },
    source: config.bundle.source,
    explain: createExplainHere({ config, snapshot: () => enforcement()?.snapshot ?? null, now }),
    config,
    authentication: authenticated,
    authenticate,
    mayStay,
    /** Nothing comes any more: ends the connections to upstreams once those that are under way have their answers. */
    retire(by: Trust) {
      next = by;
      if (open === 0) void closeForward();
    },
    /** The same at once. */
    close: closeForward,
  };
}

function branchOf(source: string): string {
  const address = parseSource(source);
  return address.kind === 'git' ? address.branch : 'main';
}
