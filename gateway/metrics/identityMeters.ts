import { Counter, Gauge, type Registry } from 'prom-client';
import type { Fault } from '../http/fault.ts';
import type { IntrospectionResult } from '../identity/introspect.ts';
import type { TokenCause } from '../identity/tokenRefusal.ts';
import { createCount } from './meters.ts';

/** What is told of the issuers that are asked. */
export function createIdentityMeters(registry: Registry) {
  const registers = [registry];
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
  return {
    introspected: introspections as (result: IntrospectionResult) => void,
    introspectionFailed: (issuer: string, cause: Fault) => introspectionFailures(issuer, cause),
    tokenRefused: (issuer: string, cause: TokenCause) => tokensRefused(issuer, cause),
    /** Without a cause, they came. */
    keysFetched(issuer: string, cause: Fault | '', atMs: number) {
      keyFetches.inc({ issuer, result: cause === '' ? 'ok' : 'failed' });
      if (cause !== '') keyFailures(issuer, cause);
      if (cause === '') keysAt.set({ issuer }, atMs / 1000);
    },
  };
}
