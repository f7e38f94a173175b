import { dirname } from 'node:path';
import { createClient, type Surroundings } from './client.ts';
import { readCsv } from './csv.ts';
import type { ReadProvider } from './directory.ts';
import { readEntra } from './entra.ts';
import { readGithub } from './github.ts';
import { readLdap } from './ldap.ts';
import { connectLdap } from './ldapConnection.ts';
import { readOkta } from './okta.ts';
import { readScim } from './scim.ts';
import { type ProviderConfig, type ProviderConfigOf, readSecret } from './syncConfig.ts';
import { type Authorize, clientCredentials, fixed, readPrivateKey } from './tokens.ts';

type Options = Surroundings & { env: NodeJS.ProcessEnv; configFile: string };

const withoutSlash = (url: string) => url.replace(/\/+$/, '');

/** The reader of a provider, with its secrets. Throws SyncError `sync-config`; nothing is asked yet. */
export function openProvider(config: ProviderConfig, options: Options): ReadProvider {
  const client = (base: string, authorize: Authorize) => createClient({ ...options, base, authorize });
  switch (config.kind) {
    case 'okta':
      return readOkta(client(config.url, oktaCredential(config, options)));
    case 'entra':
      return readEntra(client(config.url, entraCredential(config, options)), config);
    case 'github': {
      const token = fixed(`Bearer ${readSecret(config.token, options.env)}`);
      const base = withoutSlash(new URL(config.url).pathname);
      return readGithub(client(config.url, token), base, config.organisation);
    }
    case 'scim': {
      const token = fixed(`Bearer ${readSecret(config.token, options.env)}`);
      return readScim(client(config.url, token), withoutSlash(new URL(config.url).pathname));
    }
    case 'ldap': {
      const password = readSecret(config.bind.password, options.env);
      const { signal } = options;
      const connect = async () => {
        const { url, start_tls: startTls, bind } = config;
        const connection = await connectLdap({ url, startTls, ...(signal ? { signal } : {}) });
        try {
          await connection.bind(bind.dn, password);
          return connection;
        } catch (error) {
          connection.close();
          throw error;
        }
      };
      return readLdap(connect, config);
    }
    case 'csv':
      return readCsv(config, dirname(options.configFile));
    default:
      return config satisfies never;
  }
}

function oktaCredential({ url, token, client }: ProviderConfigOf<'okta'>, options: Options): Authorize {
  if (token !== undefined) return fixed(`SSWS ${readSecret(token, options.env)}`);
  return clientCredentials({
    ...options,
    url: `${new URL(url).origin}/oauth2/v1/token`,
    scope: 'okta.users.read okta.groups.read',
    clientId: client?.id ?? '',
    proof: readPrivateKey(readSecret(client?.key ?? { env: '' }, options.env)),
  });
}

function entraCredential(
  { url, authority, tenant, client }: ProviderConfigOf<'entra'>,
  options: Options,
): Authorize {
  return clientCredentials({
    ...options,
    url: `${withoutSlash(authority)}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
    scope: `${new URL(url).origin}/.default`,
    clientId: client.id,
    proof: { secret: readSecret(client.secret, options.env) },
  });
}
