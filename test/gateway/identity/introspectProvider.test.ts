import * as assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('introspectProvider');
const secret = 'only-the-gateway-knows-this+/=:%';
const servicesPath = 'grants/directory/services.yaml';
let server: Server;
let provider: Provider;
let issuer: string;
let world: World;

/** A real authorization server (oidc-provider) whose access tokens are opaque. */
async function startProvider(): Promise<void> {
  let serve: RequestListener = () => undefined;
  server = createServer((request, response) => serve(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = (client_id: string, client_secret: string) => ({
    client_id,
    client_secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  });
  provider = new Provider(issuer, {
    clients: [
      client('invoicer-client', 'x'.repeat(32)),
      client('other-client', 'y'.repeat(32)),
      client('grantgate', secret),
    ],
    ttl: { ClientCredentials: 600, AccessToken: 600, Grant: 600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_context, by) => by.clientId === 'grantgate' },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:grantgate',
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          audience: resource,
          accessTokenTTL: 600,
          accessTokenFormat: 'opaque',
        }),
      },
    },
  });
  serve = provider.callback();
}

const post = (path: string, as: string, form: Record<string, string>) =>
  fetch(`${issuer}${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(as).toString('base64')}` },
    body: new URLSearchParams(form),
  });
const invoicer = `invoicer-client:${'x'.repeat(32)}`;
const tokenFor = async (as: string, resource = 'urn:grantgate'): Promise<string> => {
  const answer = await post('/token', as, { grant_type: 'client_credentials', resource });
  return ((await answer.json()) as { access_token: string }).access_token;
};

const start = async (clientSecret: string) => {
  process.env.GRANTGATE_TEST_INTROSPECTION = clientSecret;
  const [before = '', after = ''] = sampleFiles[servicesPath]?.split(/ {6}- jwt_subject.*\n/) ?? [];
  const claims = `      - jwt_claims: { issuer: "${issuer}", claims: { client_id: invoicer-client } }\n`;
  return startWorld({
    config: {
      issuers: [],
      introspection: {
        endpoint: `${issuer}/token/introspection`,
        issuer,
        client_id: 'grantgate',
        client_secret: { env: 'GRANTGATE_TEST_INTROSPECTION' },
        audience: 'urn:grantgate',
        cache: '1s',
      },
    },
    files: { [servicesPath]: `${before}${claims}${after}` },
  });
};

test.before(async () => {
  await startProvider();
  world = await start(secret);
  // The server knows the real time only.
  world.clock.now = Date.now();
});
test.after(async () => {
  delete process.env.GRANTGATE_TEST_INTROSPECTION;
  await world.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const get = async (token: string, of = world) => {
  const answer = await fetch(`${of.gateway.url}/orders/v1/orders`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { code } = (await answer.json()) as { code?: string };
  return code ?? answer.status;
};

const counted = async (of = world) => {
  const found = (await of.metrics()).matchAll(/^grantgate_introspections_total\{result="(\w+)"\} (\d+)$/gm);
  return [...found].map(([, result, count]) => `${result} ${count}`).sort();
};

test('opaque tokens of a real authorization server: a service, until its token is revoked there', async () => {
  const token = await tokenFor(invoicer);
  assert.doesNotMatch(token, /\./);
  assert.equal(await get(token), 200);
  assert.deepEqual(world.upstream.received.at(-1)?.headers['x-grantgate-subject'], ['service:invoicer']);
  assert.equal(await get(await tokenFor(`other-client:${'y'.repeat(32)}`)), 'credentials-invalid');
  assert.equal(await get(await tokenFor(invoicer, 'urn:other')), 'token-invalid');
  assert.equal(await get(`${token}x`), 'token-invalid');
  assert.equal((await post('/token/revocation', invoicer, { token })).status, 200);
  world.clock.now += 1000;
  assert.equal(await get(token), 'token-invalid');
  assert.deepEqual(await counted(), ['active 2', 'inactive 3']);
});

test('a person is who the token says, by the directory', async () => {
  world.clock.now = Date.now();
  const client = await provider.Client.find('other-client');
  if (client === undefined) throw new Error('no client');
  const personal = async (accountId: string) =>
    new provider.AccessToken({
      client,
      accountId,
      grantId: await new provider.Grant({ accountId, clientId: 'other-client' }).save(),
      gty: 'authorization_code',
      expiresIn: 300,
      resourceServer: new provider.ResourceServer('urn:grantgate', {
        scope: '',
        audience: 'urn:grantgate',
        accessTokenFormat: 'opaque',
      }),
    }).save();
  assert.equal(await get(await personal('ann@example.com')), 200);
  assert.deepEqual(world.upstream.received.at(-1)?.headers['x-grantgate-subject'], ['user:ann@example.com']);
  assert.equal(await get(await personal('bob@example.com')), 'principal-inactive');
});

test('with a wrong secret of ours nobody gets in, and it is not the caller who is blamed', async () => {
  const other = await start('wrong');
  try {
    other.clock.now = Date.now();
    assert.equal(await get(await tokenFor(invoicer), other), 'issuer-unavailable');
    assert.deepEqual(await counted(other), ['failed 1']);
  } finally {
    await other.close();
  }
});
