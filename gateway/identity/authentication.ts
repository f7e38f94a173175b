import { isDeepStrictEqual } from 'node:util';
import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createIntrospect, type Introspect, type IntrospectionResult } from './introspect.ts';
import { type Issuers, openIssuers } from './issuers.ts';
import type { TokenCause } from './tokenRefusal.ts';
import { createVerifyJwt, type VerifyJwt } from './verifyJwt.ts';

type Reports = {
  env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now: () => number;
  onKeyFetch?: (issuer: string, failure: unknown) => void;
  onIntrospection?: (result: IntrospectionResult) => void;
  /** An issuer could not be asked about an opaque token. */
  onFailure?: (issuer: string, error: unknown) => void;
};

type Options = Reports & { onTokenRefused?: (issuer: string | null, why: TokenCause) => void };

/** How tokens are checked by one configuration, and what is known of those who issue them. */
export type TokenChecks = {
  issuers: Issuers;
  verifyJwt: VerifyJwt;
  /** `by` is all that asking depends on. */
  introspection: { by: object; introspect: Introspect } | null;
};

/**
 * The checks of tokens that are configured; what has not changed since `before` goes on with what is known by then, and
 * what was before stays as it is. Throws ConfigError when a secret is missing.
 */
export function createTokenChecks(
  config: Pick<GatewayConfig, 'issuers' | 'introspection'>,
  reports: Reports,
  before: TokenChecks | null = null,
): TokenChecks {
  const issuers = openIssuers(config.issuers, reports, before?.issuers);
  return {
    issuers,
    // What it has verified depends on nothing else: to verify everybody's token anew would keep all of them waiting.
    verifyJwt:
      before !== null && isSame(before.issuers, issuers)
        ? before.verifyJwt
        : createVerifyJwt(issuers, reports.now),
    introspection: openIntrospection(config.introspection, reports, before?.introspection ?? null),
  };
}

const isSame = (one: Issuers, other: Issuers): boolean =>
  one.size === other.size && [...one].every(([name, issuer]) => other.get(name) === issuer);

function openIntrospection(
  config: GatewayConfig['introspection'],
  { env, now, onIntrospection, onFailure }: Reports,
  before: TokenChecks['introspection'],
): TokenChecks['introspection'] {
  if (config === undefined) return null;
  const clientSecret = readSecret(config.client_secret, env);
  const by = { config, clientSecret };
  if (before !== null && isDeepStrictEqual(before.by, by)) return before;
  const introspect = createIntrospect({
    ...{ config, clientSecret, now },
    ...(onIntrospection === undefined ? {} : { onAnswer: onIntrospection }),
    onFailure: (error) => onFailure?.(config.issuer, error),
  });
  return { by, introspect };
}

/** The ways to authenticate of one configuration. */
export type Authentication = { authenticate: Authenticate; checks: TokenChecks };

/**
 * Puts together the ways to authenticate that a configuration names, which goes on with what the one before knows.
 * Throws ConfigError when a secret is missing.
 */
export function createAuthentication(
  config: GatewayConfig,
  options: Options,
  before: Authentication | null,
): Authentication {
  const shown = config.listen.tls?.client_ca !== undefined;
  // Keys are bearers too, and need nothing to be configured: that challenge comes in any case.
  const methods: AuthenticationMethod[] = ['api-key', ...(shown ? (['client-certificate'] as const) : [])];
  const checks = createTokenChecks(config, options, before?.checks);
  const { verifyJwt, introspection: asking } = checks;
  const { onTokenRefused, now } = options;
  const introspect = asking?.introspect ?? null;
  return {
    checks,
    authenticate: createAuthenticate({ verifyJwt, introspect, methods, onTokenRefused, now }),
  };
}
