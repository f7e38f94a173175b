import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createIntrospect, type IntrospectionResult } from './introspect.ts';
import type { TokenCause } from './tokenRefusal.ts';
import { createJwtVerifier } from './verifyJwt.ts';

type Options = {
  config: GatewayConfig;
  env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now: () => number;
  onKeyFetch?: (issuer: string, failure: unknown) => void;
  onIntrospection?: (result: IntrospectionResult) => void;
  /** An issuer could not be asked about an opaque token. */
  onFailure?: (issuer: string, error: unknown) => void;
  onTokenRefused?: (issuer: string | null, why: TokenCause) => void;
};

/** The checks of tokens that are configured. Throws ConfigError when a secret is missing. */
export function createTokenChecks(options: Omit<Options, 'onTokenRefused'>) {
  const { config, env, now, onKeyFetch, onIntrospection, onFailure } = options;
  const { issuers, introspection } = config;
  return {
    verifyJwt: createJwtVerifier({ issuers, now, ...(onKeyFetch === undefined ? {} : { onKeyFetch }) }),
    introspect:
      introspection === undefined
        ? null
        : createIntrospect({
            config: introspection,
            clientSecret: readSecret(introspection.client_secret, env),
            now,
            ...(onIntrospection === undefined ? {} : { onAnswer: onIntrospection }),
            onFailure: (error) => onFailure?.(introspection.issuer, error),
          }),
  };
}

/** Puts together the ways to authenticate that are configured. Throws ConfigError when a secret is missing. */
export function createAuthentication(options: Options): Authenticate {
  const { config, now, onTokenRefused } = options;
  const { issuers, introspection, listen } = config;
  const methods: AuthenticationMethod[] = [
    ...(issuers.length > 0 ? (['jwt'] as const) : []),
    ...(introspection !== undefined ? (['introspection'] as const) : []),
    'api-key',
    ...(listen.tls?.client_ca !== undefined ? (['client-certificate'] as const) : []),
  ];
  return createAuthenticate({ ...createTokenChecks(options), methods, onTokenRefused, now });
}
