import { isDeepStrictEqual } from 'node:util';
import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createIntrospect, type Introspect, type IntrospectionResult } from './introspect.ts';
import { createKeySets, type KeySets } from './keySets.ts';
import type { TokenCause } from './tokenRefusal.ts';
import { createJwtVerifier } from './verifyJwt.ts';

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

/** The checks of tokens that are configured. Throws ConfigError when a secret is missing. */
export function createTokenChecks(
  { issuers, introspection }: Pick<GatewayConfig, 'issuers' | 'introspection'>,
  options: Reports,
  keySets?: KeySets,
  introspectBy = createIntrospectBy(options),
) {
  const { now, onKeyFetch } = options;
  return {
    verifyJwt: createJwtVerifier({ issuers, now, onKeyFetch, keySets }),
    introspect: introspectBy(introspection),
  };
}

/** Asks as before, with what was answered before, where nothing of it has changed. */
function createIntrospectBy({ env, now, onIntrospection, onFailure }: Reports) {
  let last: { by: object; introspect: Introspect } | null = null;
  return (config: GatewayConfig['introspection']): Introspect | null => {
    if (config === undefined) return null;
    const clientSecret = readSecret(config.client_secret, env);
    const by = { config, clientSecret };
    if (last !== null && isDeepStrictEqual(last.by, by)) return last.introspect;
    const introspect = createIntrospect({
      ...{ config, clientSecret, now },
      ...(onIntrospection === undefined ? {} : { onAnswer: onIntrospection }),
      onFailure: (error) => onFailure?.(config.issuer, error),
    });
    last = { by, introspect };
    return introspect;
  };
}

/**
 * Puts together the ways to authenticate that a configuration names; the next one goes on with what is known by then of
 * the issuers that are in both. Throws ConfigError when a secret is missing.
 */
export function createAuthentication(options: Options): (config: GatewayConfig) => Authenticate {
  const { now, onTokenRefused, onKeyFetch } = options;
  const keySets = createKeySets({ now, onKeyFetch });
  const introspectBy = createIntrospectBy(options);
  return (config) => {
    const { issuers, introspection, listen } = config;
    const methods: AuthenticationMethod[] = [
      ...(issuers.length > 0 ? (['jwt'] as const) : []),
      ...(introspection !== undefined ? (['introspection'] as const) : []),
      'api-key',
      ...(listen.tls?.client_ca !== undefined ? (['client-certificate'] as const) : []),
    ];
    const checks = createTokenChecks(config, options, keySets, introspectBy);
    return createAuthenticate({ ...checks, methods, onTokenRefused, now });
  };
}
