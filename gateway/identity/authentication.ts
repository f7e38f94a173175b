import type { AuthenticationMethod } from '../../bundle/grants/credentials.ts';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createIntrospect, type IntrospectionResult } from './introspect.ts';
import { createJwtVerifier } from './verifyJwt.ts';

type Options = {
  config: GatewayConfig;
  env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now: () => number;
  onKeyFetch: (issuer: string, ok: boolean) => void;
  onIntrospection: (result: IntrospectionResult) => void;
  onFailure: (error: unknown) => void;
};

/** Puts together the ways to authenticate that are configured. Throws ConfigError when a secret is missing. */
export function createAuthentication(options: Options): Authenticate {
  const { config, env, now, onKeyFetch, onIntrospection, onFailure } = options;
  const { issuers, introspection, listen } = config;
  const methods: AuthenticationMethod[] = [
    ...(issuers.length > 0 ? (['jwt'] as const) : []),
    ...(introspection !== undefined ? (['introspection'] as const) : []),
    'api-key',
    ...(listen.tls?.client_ca !== undefined ? (['client-certificate'] as const) : []),
  ];
  return createAuthenticate({
    verifyJwt: createJwtVerifier({ issuers, now, onKeyFetch }),
    introspect:
      introspection === undefined
        ? null
        : createIntrospect({
            config: introspection,
            clientSecret: readSecret(introspection.client_secret, env),
            now,
            onAnswer: onIntrospection,
            onFailure,
          }),
    methods,
    now,
  });
}
