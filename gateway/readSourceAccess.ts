import { readSecret } from './config.ts';
import type { SourceConfig } from './source/openSource.ts';
import type { SourceAccess } from './sourceConfig.ts';

/** How a source is reached, with its secrets. Throws ConfigError when one is missing. */
export function readSourceAccess(
  { registry, s3, client_certificate, ca, allowed_signers }: SourceAccess,
  env: NodeJS.ProcessEnv,
): Pick<SourceConfig, 'registry' | 'store' | 'tls' | 'allowedSigners'> {
  return {
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
