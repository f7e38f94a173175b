import type { KeyTexts } from '../../bundle/archive/keys.ts';
import type { SourceConfig } from '../source/openSource.ts';
import { type GatewayConfig, readSecret } from './config.ts';
import type { SourceAccess } from './sourceConfig.ts';

/**
 * The text of the key or keys that a bundle's section of gateway.yaml names; undefined when it names none. Throws
 * ConfigError when a file cannot be read.
 */
export function readVerifyKeyTexts(
  { key, keys }: { key?: string | undefined; keys?: Readonly<Record<string, string>> | undefined },
  env: NodeJS.ProcessEnv,
): KeyTexts | undefined {
  if (keys !== undefined)
    return Object.fromEntries(
      Object.entries(keys).map(([id, file]) => [id, readSecret({ file }, env)] as const),
    );
  return key === undefined ? undefined : readSecret({ file: key }, env);
}

/** The source of the bundle in force, with its secrets. Throws ConfigError when one is missing. */
export function readSourceConfig(
  { bundle, state }: Pick<GatewayConfig, 'bundle' | 'state'>,
  env: NodeJS.ProcessEnv,
): SourceConfig {
  const verifyKeyPem = readVerifyKeyTexts(bundle, env);
  return {
    url: bundle.source,
    stateFolder: state,
    ...(verifyKeyPem === undefined ? {} : { verifyKeyPem }),
    ...(bundle.token === undefined ? {} : { token: readSecret(bundle.token, env) }),
    ...(bundle.long_poll === undefined ? {} : { longPollSeconds: bundle.long_poll / 1000 }),
    redirectOrigins: bundle.redirect_origins,
    ...readSourceAccess(bundle, env),
  };
}

/** How a source is reached, with its secrets. Throws ConfigError when one is missing. */
export function readSourceAccess(
  { registry, s3, client_certificate, ca, allowed_signers, max_bytes }: SourceAccess,
  env: NodeJS.ProcessEnv,
): Pick<SourceConfig, 'registry' | 'store' | 'tls' | 'allowedSigners' | 'maxBytes'> {
  return {
    maxBytes: max_bytes,
    ...(registry === undefined
      ? {}
      : { registry: { username: registry.username, password: readSecret(registry.password, env) } }),
    ...(s3 === undefined ? {} : { store: readStore(s3, env) }),
    ...(client_certificate === undefined && ca === undefined
      ? {}
      : { tls: { identity: client_certificate, ca } }),
    ...(allowed_signers === undefined ? {} : { allowedSigners: allowed_signers }),
  };
}

function readStore(
  { region, endpoint, path_style, access_key, secret_key, session_token }: NonNullable<SourceAccess['s3']>,
  env: NodeJS.ProcessEnv,
): NonNullable<SourceConfig['store']> {
  const store = { region, endpoint, pathStyle: path_style };
  if (access_key === undefined || secret_key === undefined) return store;
  const keys = {
    accessKey: readSecret(access_key, env),
    secretKey: readSecret(secret_key, env),
    sessionToken: session_token === undefined ? undefined : readSecret(session_token, env),
  };
  return { ...store, keys };
}
