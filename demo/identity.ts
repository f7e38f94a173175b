import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Adapter, errors, type JWK } from 'oidc-provider';

export type IdentityOptions = {
  port?: number;
  /** Logins of the people it knows, with their groups where a token is to carry them. */
  people: readonly (string | { login: string; groups?: readonly string[] })[];
  services: readonly { name: string; clientId: string }[];
  /** What access tokens carry as `aud`: an absolute URI, or a plain name. */
  audience: string;
};

export type IssueOptions = {
  /** Whether a second factor was used: `amr` is then `["pwd","mfa"]`, else `["pwd"]`. */
  mfa?: boolean;
  /** Lifetime; negative for a token that has expired already. An hour when left out. */
  seconds?: number;
  alg?: 'RS256' | 'ES256';
  /** Another audience than the configured one. */
  audience?: string;
};

export type Identity = {
  issuer: string;
  jwks: string;
  tokenEndpoint: string;
  /** Client id → secret, for the client-credentials grant. */
  secrets: Readonly<Record<string, string>>;
  /**
   * An access token (`at+jwt`) as a log-in would give, for a person's login, a service's name or a client id.
   * Throws for anybody else.
   */
  issue: (who: string, options?: IssueOptions) => Promise<string>;
  /** Signs with new keys from now on. The old ones stay published only if `keep` says so. */
  rotate: (options?: { keep?: boolean }) => void;
  close: () => Promise<void>;
};

const defaultSeconds = 3600;
const portal = 'portal';

type Algorithm = 'RS256' | 'ES256';

function makeKeys(): JWK[] {
  const keys = [
    { alg: 'RS256', pair: generateKeyPairSync('rsa', { modulusLength: 2048 }) },
    { alg: 'ES256', pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ];
  return keys.map(({ alg, pair }) => ({
    ...(pair.privateKey.export({ format: 'jwk' }) as JWK),
    alg,
    use: 'sig',
    kid: `${alg.toLowerCase()}-${randomBytes(6).toString('hex')}`,
  }));
}

/** Keeps sessions and codes in memory; access tokens are JWTs and stored nowhere. */
class Memory implements Adapter {
  readonly #entries = new Map<string, Parameters<Adapter['upsert']>[1]>();
  async upsert(id: string, payload: Parameters<Adapter['upsert']>[1]) {
    this.#entries.set(id, payload);
  }
  async find(id: string) {
    return this.#entries.get(id);
  }
  async findByUid() {
    return undefined;
  }
  async findByUserCode() {
    return undefined;
  }
  async consume() {}
  async destroy(id: string) {
    this.#entries.delete(id);
  }
  async revokeByGrantId() {}
}

/** A resource indicator is an absolute URI; a plain audience gets one around it. */
const resourceOf = (audience: string): string =>
  URL.canParse(audience) ? audience : `urn:audience:${encodeURIComponent(audience)}`;

type Configured = Pick<IdentityOptions, 'services' | 'audience'> & {
  issuer: string;
  keys: readonly JWK[];
  /** Of clients, by their id. */
  secrets: Readonly<Record<string, string>>;
  /** Token → what it is to say besides. */
  claims: WeakMap<object, Record<string, unknown>>;
};

function configure({ issuer, keys, services, audience, secrets, claims }: Configured): Provider {
  const resource = resourceOf(audience);
  const sign = { alg: 'RS256' as const, kid: keys.find((key) => key.alg === 'RS256')?.kid };
  return new Provider(issuer, {
    adapter: Memory,
    jwks: { keys: [...keys] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      {
        client_id: portal,
        client_secret: randomBytes(24).toString('base64url'),
        grant_types: ['authorization_code'],
        redirect_uris: ['http://127.0.0.1/callback'],
        response_types: ['code'],
      },
      ...services.map(({ name, clientId }) => ({
        client_id: clientId,
        client_name: name,
        client_secret: secrets[clientId] ?? '',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      })),
    ],
    ttl: {
      AccessToken: defaultSeconds,
      ClientCredentials: defaultSeconds,
      AuthorizationCode: 60,
      Grant: defaultSeconds,
      IdToken: defaultSeconds,
      Interaction: 600,
      Session: defaultSeconds,
    },
    // Where the provider asks for more claims of a token being signed.
    extraTokenClaims: (_context, token) => claims.get(token),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: (_context, asked) => {
          if (asked !== resource) throw new errors.InvalidTarget();
          return {
            scope: '',
            audience,
            accessTokenTTL: defaultSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: sign.kid === undefined ? { alg: sign.alg } : { alg: sign.alg, kid: sign.kid } },
          };
        },
      },
    },
  });
}

/**
 * Starts an OpenID provider on 127.0.0.1: discovery, JWKS, client credentials and real signed JWT access tokens.
 * Its keys live as long as it does.
 */
export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  let serve: RequestListener = () => {};
  let host = '';
  const server = createServer((request, response) => {
    if (request.headers.host === host) serve(request, response);
    else response.writeHead(421, { 'content-type': 'text/plain' }).end('This host is not served here.\n');
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', () => done());
  });
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `http://${host}`;
  const secrets = Object.fromEntries(
    options.services.map(({ clientId }) => [clientId, randomBytes(24).toString('base64url')]),
  );
  const people = new Map(
    options.people.map((person) =>
      typeof person === 'string' ? [person, undefined] : [person.login, person.groups],
    ),
  );

  const claims = new WeakMap<object, Record<string, unknown>>();
  let keys = makeKeys();
  const { services, audience } = options;
  const configured = () => configure({ issuer, keys, services, audience, secrets, claims });
  let provider = configured();
  serve = provider.callback();

  const resourceServer = (alg: Algorithm, audience: string) => {
    const kid = keys.find((key) => key.alg === alg)?.kid;
    return new provider.ResourceServer(resourceOf(audience), {
      scope: '',
      audience,
      accessTokenFormat: 'jwt',
      jwt: { sign: kid === undefined ? { alg } : { alg, kid } },
    });
  };

  async function issue(who: string, request: IssueOptions): Promise<string> {
    const { mfa = false, seconds = defaultSeconds, alg = 'RS256', audience = options.audience } = request;
    const common = { resourceServer: resourceServer(alg, audience), expiresIn: seconds };
    const service = options.services.find(({ name, clientId }) => who === name || who === clientId);
    const client = await provider.Client.find(service?.clientId ?? portal);
    if (client === undefined) throw new Error(`the identity provider has no client for "${who}"`);
    if (service !== undefined) return new provider.ClientCredentials({ client, ...common }).save();
    if (!people.has(who)) throw new Error(`the identity provider does not know "${who}"`);
    const groups = people.get(who);
    const token = new provider.AccessToken({
      client,
      accountId: who,
      grantId: randomUUID(),
      gty: 'authorization_code',
      ...common,
    });
    claims.set(token, {
      amr: mfa ? ['pwd', 'mfa'] : ['pwd'],
      ...(groups === undefined ? {} : { groups }),
    });
    return token.save();
  }

  return {
    issuer,
    jwks: `${issuer}/jwks`,
    tokenEndpoint: `${issuer}/token`,
    secrets,
    issue: (who, request = {}) => issue(who, request),
    rotate: ({ keep = false } = {}) => {
      keys = [...makeKeys(), ...(keep ? keys : [])];
      provider = configured();
      serve = provider.callback();
    },
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
