import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Outcome } from '../decision/outcome.ts';
import type { Fault } from '../http/fault.ts';
import type { IntrospectionResult } from '../identity/introspect.ts';
import type { TokenCause } from '../identity/tokenRefusal.ts';
import { heldCode } from '../load/hold.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { createCount, createMeasure } from './meters.ts';

/** The gateway's Prometheus metrics. Label values come from the bundle and from fixed codes, never from requests. */
export type Metrics = ReturnType<typeof createMetrics>;

const short = [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1];

/** `openRequests` tells how many requests and upgraded connections are under way. */
export function createMetrics({ openRequests }: { openRequests: () => number }) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = createCount({
    name: 'grantgate_requests_total',
    help: 'Requests by how they ended at the door.',
    labelNames: ['api', 'operation', 'outcome', 'reason'],
    registry,
  });
  const regressed = createCount({
    name: 'grantgate_regressed_denials_total',
    help: 'Denials that the revision before would have allowed.',
    labelNames: ['api', 'operation'],
    registry,
  });
  const decision = createMeasure({
    name: 'grantgate_decision_seconds',
    help: 'Time of one policy decision.',
    bounds: [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2],
    registry,
  });
  const upstream = createMeasure({
    name: 'grantgate_upstream_seconds',
    help: 'Time from forwarding a request to the end of its answer.',
    labelNames: ['api'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registry,
  });
  const upstreamFailures = createCount({
    name: 'grantgate_upstream_failures_total',
    help: 'Admitted requests that their upstream did not answer properly, by cause.',
    labelNames: ['api', 'cause'],
    registry,
  });
  const reloads = new Counter({
    name: 'grantgate_bundle_reloads_total',
    help: 'Attempts to load a new bundle, by result: a code for each way to fail.',
    labelNames: ['result'],
    registers,
  });
  const look = createMeasure({
    name: 'grantgate_bundle_look_seconds',
    help: 'Time of one look at the source, with whatever had to be loaded; it passes beside requests.',
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60],
    registry,
  });
  const pause = createMeasure({
    name: 'grantgate_bundle_pause_seconds',
    help: 'How long putting a new bundle in force kept the event loop from requests.',
    bounds: short,
    registry,
  });
  // Over several workers, gauges tell of the one that is furthest behind.
  const gauge = (name: string, help: string, aggregator: 'min' | 'max' | 'sum') =>
    new Gauge({ name, help, aggregator, registers });
  const checkedAt = gauge(
    'grantgate_bundle_checked_timestamp_seconds',
    'When the source last answered and held nothing newer than what is in force.',
    'min',
  );
  const loadedAt = gauge(
    'grantgate_bundle_loaded_timestamp_seconds',
    'When the bundle in force was loaded.',
    'min',
  );
  const committedAt = gauge(
    'grantgate_bundle_committed_timestamp_seconds',
    'When the revision in force was committed.',
    'min',
  );
  const counter = gauge('grantgate_bundle_counter', 'The number of the revision in force.', 'min');
  const grants = gauge('grantgate_bundle_grants', 'Grants in the bundle in force.', 'min');
  const failing = gauge(
    'grantgate_bundle_failing',
    '1 while the newest bundle cannot be loaded and the last good one serves.',
    'max',
  );
  const held = gauge(
    'grantgate_bundle_held',
    '1 while a bundle that takes much access away waits for somebody to say that this is meant.',
    'max',
  );
  const notKept = gauge(
    'grantgate_bundle_not_kept',
    '1 while the bundle in force could not be saved for the next start.',
    'max',
  );
  const lapsed = gauge(
    'grantgate_bundle_lapsed',
    '1 while nobody may decide by the bundle in force: it has expired, or its source was not seen for too long.',
    'max',
  );
  const validUntil = gauge(
    'grantgate_bundle_valid_until_timestamp_seconds',
    'When the bundle in force expires; 0 when it does not.',
    'min',
  );
  const recordFailures = createCount({
    name: 'grantgate_record_failures_total',
    help: 'Requests turned away because their decision could not be recorded.',
    registry,
  });
  const recordLag = createMeasure({
    name: 'grantgate_record_lag_seconds',
    help: 'Time from a decision until its record, and those of the same turn, were in the file.',
    bounds: short,
    registry,
  });
  const keyFetches = new Counter({
    name: 'grantgate_jwks_fetches_total',
    help: "Fetches of an issuer's keys.",
    labelNames: ['issuer', 'result'],
    registers,
  });
  const introspections = createCount({
    name: 'grantgate_introspections_total',
    help: 'Questions to the issuer about opaque tokens, by result: active, inactive or failed.',
    labelNames: ['result'],
    registry,
  });
  const keyFailures = createCount({
    name: 'grantgate_jwks_failures_total',
    help: "Fetches of an issuer's keys that failed, by cause.",
    labelNames: ['issuer', 'cause'],
    registry,
  });
  const introspectionFailures = createCount({
    name: 'grantgate_introspection_failures_total',
    help: 'Questions to the issuer about opaque tokens that had no proper answer, by cause.',
    labelNames: ['issuer', 'cause'],
    registry,
  });
  const tokensRefused = createCount({
    name: 'grantgate_tokens_refused_total',
    help: 'Tokens that were refused, by cause; no issuer where it is none of the configured ones.',
    labelNames: ['issuer', 'cause'],
    registry,
  });
  const keysAt = new Gauge({
    name: 'grantgate_jwks_fetched_timestamp_seconds',
    help: "When an issuer's keys were last fetched.",
    labelNames: ['issuer'],
    aggregator: 'min',
    registers,
  });
  const streams = gauge('grantgate_upgraded_connections', 'Open upgraded (WebSocket) connections.', 'sum');
  new Gauge({
    name: 'grantgate_open_requests',
    help: 'Requests whose answer is under way, and open upgraded connections.',
    registers,
    collect() {
      this.set(openRequests());
    },
  });
  const streamsClosed = createCount({
    name: 'grantgate_streams_closed_total',
    help: 'Answers and connections under way that were ended by us, by reason.',
    labelNames: ['reason'],
    registry,
  });
  const shadowed = createCount({
    name: 'grantgate_shadow_decisions_total',
    help: 'Decisions compared with those of the shadow bundle, by what it would have changed.',
    labelNames: ['api', 'operation', 'result'],
    registry,
  });
  const shadowDropped = createCount({
    name: 'grantgate_shadow_dropped_total',
    help: 'Decisions not compared with the shadow bundle, as too many waited for it.',
    registry,
  });
  const streamsDecided = createCount({
    name: 'grantgate_streams_decided_again_total',
    help: 'Decisions about answers and connections under way, after a change or at the end of a grant.',
    registry,
  });

  return {
    registry,
    upstream,
    upstreamFailures: (api: string, cause: Fault) => upstreamFailures(api, cause),
    streams,
    streamsClosed,
    introspected: introspections as (result: IntrospectionResult) => void,
    streamsDecided,
    shadowed,
    shadowDropped: () => shadowDropped(),
    recordLag,
    observe({ api, operation, outcome, reason, decision: decided, regressed: again }: Outcome) {
      requests(api, operation, outcome, reason);
      if (decided !== undefined) decision(decided.nanoseconds / 1e9);
      if (again === true) regressed(api, operation);
      if (reason === 'record-unwritable') recordFailures();
    },
    /** A bundle is in force; `began` is when that work started, by `performance.now()`. */
    swapped(snapshot: Snapshot, began: number) {
      reloads.inc({ result: 'ok' });
      failing.set(0);
      held.set(0);
      grants.set(snapshot.grants);
      counter.set(snapshot.counter);
      validUntil.set(snapshot.validUntil === undefined ? 0 : Date.parse(snapshot.validUntil) / 1000);
      loadedAt.set(snapshot.loadedAt / 1000);
      committedAt.set(Date.parse(snapshot.committedAt) / 1000);
      // Not before the end of this turn of the event loop can a request be served.
      setImmediate(() => pause((performance.now() - began) / 1000));
    },
    /** A look at the source has ended; `at` in milliseconds since 1970. */
    looked(result: string, milliseconds: number, at: number) {
      look(milliseconds / 1000);
      // One that found nothing new ends a failure too: the source answers again and holds what is in force.
      if (result === 'unchanged') {
        failing.set(0);
        held.set(0);
      }
      if (result === 'unchanged' || result === 'changed') checkedAt.set(at / 1000);
    },
    loadFailed(code: string) {
      reloads.inc({ result: code });
      failing.set(1);
      if (code === heldCode) held.set(1);
    },
    bundleKept: (ok: boolean) => notKept.set(ok ? 0 : 1),
    bundleLapsed: (now: boolean) => lapsed.set(now ? 1 : 0),
    introspectionFailed: (issuer: string, cause: Fault) => introspectionFailures(issuer, cause),
    tokenRefused: (issuer: string, cause: TokenCause) => tokensRefused(issuer, cause),
    /** Without a cause, they came. */
    keysFetched(issuer: string, cause: Fault | '', at: number) {
      keyFetches.inc({ issuer, result: cause === '' ? 'ok' : 'failed' });
      if (cause !== '') keyFailures(issuer, cause);
      if (cause === '') keysAt.set({ issuer }, at / 1000);
    },
  };
}
