import * as assert from 'node:assert/strict';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { type Identity, startIdentity } from '../../demo/identity.ts';
import { suite } from '../_suite.ts';

const test = suite('identity');
const audience = 'https://api.northwind.example';
let identity: Identity;

test.before(async () => {
  identity = await startIdentity({
    people: ['ann@northwind.example', { login: 'ben@northwind.example', groups: ['billing'] }],
    services: [{ name: 'invoicer', clientId: 'invoicer-client' }],
    audience,
  });
});
test.after(() => identity.close());

async function discovered(): Promise<{ issuer: string; jwks_uri: string; token_endpoint: string }> {
  const response = await fetch(`${identity.issuer}/.well-known/openid-configuration`);
  return (await response.json()) as { issuer: string; jwks_uri: string; token_endpoint: string };
}

const verify = async (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL((await discovered()).jwks_uri)), {
    issuer: identity.issuer,
    audience,
    typ: 'at+jwt',
    algorithms: ['RS256', 'ES256'],
    requiredClaims: ['exp', 'sub'],
  });

test('publishes its issuer, keys and token endpoint by discovery', async () => {
  assert.deepEqual(
    { issuer: identity.issuer, jwks_uri: identity.jwks, token_endpoint: identity.tokenEndpoint },
    (({ issuer, jwks_uri, token_endpoint }) => ({ issuer, jwks_uri, token_endpoint }))(await discovered()),
  );
});

test('publishes no private part of a key', async () => {
  const { keys } = (await (await fetch(identity.jwks)).json()) as { keys: Record<string, unknown>[] };
  assert.deepEqual(keys.map((key) => key.alg).sort(), ['ES256', 'RS256']);
  for (const key of keys) assert.equal(key.d ?? key.p ?? key.q, undefined);
});

test('issues tokens for a person that verify through the published keys, by both algorithms', async () => {
  for (const alg of ['RS256', 'ES256'] as const) {
    const { payload, protectedHeader } = await verify(
      await identity.issue('ann@northwind.example', { alg, mfa: true, seconds: 120 }),
    );
    assert.equal(protectedHeader.alg, alg);
    assert.equal(payload.sub, 'ann@northwind.example');
    assert.deepEqual(payload.amr, ['pwd', 'mfa']);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 120);
  }
});

test('names the second factor only where one was used, and groups only where they are known', async () => {
  const ben = decodeJwt(await identity.issue('ben@northwind.example'));
  assert.deepEqual([ben.amr, ben.groups], [['pwd'], ['billing']]);
  assert.equal(decodeJwt(await identity.issue('ann@northwind.example')).groups, undefined);
});

test('issues no token for somebody unknown', async () => {
  await assert.rejects(identity.issue('eve@northwind.example'), /does not know/);
});

test('issues tokens that have expired, which no verifier accepts', async () => {
  await assert.rejects(verify(await identity.issue('ann@northwind.example', { seconds: -10 })), {
    code: 'ERR_JWT_EXPIRED',
  });
});

test('issues tokens for another audience, which is not ours', async () => {
  const token = await identity.issue('ann@northwind.example', { audience: 'https://other.example' });
  await assert.rejects(verify(token), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
});

const grant = (secret: string, resource?: string) =>
  fetch(identity.tokenEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`invoicer-client:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(resource && { resource }) }),
  });

test('gives a service a token for its secret, with its client id as subject', async () => {
  const response = await grant(identity.secrets['invoicer-client'] ?? '');
  const { access_token: token = '' } = (await response.json()) as { access_token?: string };
  const { payload } = await verify(token);
  assert.equal(payload.sub, 'invoicer-client');
  assert.equal((await verify(await identity.issue('invoicer'))).payload.sub, 'invoicer-client');
});

test('gives no token for a wrong secret, nor for a resource it does not serve', async () => {
  assert.equal((await grant('wrong')).status, 401);
  const other = await grant(identity.secrets['invoicer-client'] ?? '', 'https://other.example');
  assert.equal(other.status, 400);
});

test('refuses a request that names another host', async () => {
  const { request } = await import('node:http');
  const status = await new Promise((done) =>
    request(`${identity.issuer}/jwks`, { headers: { host: 'evil.example' } }, (answer) => {
      answer.resume();
      done(answer.statusCode);
    }).end(),
  );
  assert.equal(status, 421);
});

test('signs with new keys after a rotation; the old ones hold only when they are kept', async () => {
  const first = await identity.issue('ann@northwind.example');
  identity.rotate({ keep: true });
  const second = await identity.issue('ann@northwind.example');
  assert.notEqual(decodeProtectedHeader(first).kid, decodeProtectedHeader(second).kid);
  await verify(first);
  await verify(second);
  identity.rotate();
  await assert.rejects(verify(second), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  await verify(await identity.issue('ann@northwind.example'));
});
