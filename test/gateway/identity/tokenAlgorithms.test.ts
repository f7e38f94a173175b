import * as assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { suite } from '../../_suite.ts';
import { algorithms, verifierOf } from '../_issuer.ts';

const test = suite('tokenAlgorithms');
const now = Date.parse('2026-11-23T10:00:00Z');
let server: Server;
let url: string;
let discovery: Record<string, unknown>;
let keys: JWK[];

test.before.each(async () => {
  keys = [];
  server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/jwks' ? { keys } : discovery));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  discovery = { issuer: url, jwks_uri: `${url}/jwks` };
});
test.after.each(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const verifier = (changes: Record<string, unknown> = {}) =>
  verifierOf([{ issuer: url, ...changes }], () => now);

/** Publishes a key and signs with it; `published` are changes to what the set says of the key. */
async function tokenOf(alg: string, published: Partial<JWK> = {}, signedAs = alg): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `key-${keys.length}`;
  keys.push({ ...(await exportJWK(publicKey)), kid, ...published });
  const privateJwk = await exportJWK(privateKey);
  return new SignJWT({ iss: url, aud: 'grantgate', sub: 'ann@example.com', exp: now / 1000 + 300 })
    .setProtectedHeader({ alg: signedAs, kid })
    .sign(privateJwk);
}
const outcome = async (token: string, verify = verifier()) => {
  try {
    return (await verify(token)).login;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return `${error.status} ${error.code}`;
  }
};

const usual = new Set(['RS256', 'PS256', 'ES256', 'EdDSA']);
for (const alg of algorithms)
  test(`${alg}: accepted where it is listed, and only with a key that is meant for it`, async () => {
    const token = await tokenOf(alg);
    const [listed] = [verifier({ algorithms: [alg] })];
    assert.equal(await outcome(token, listed), 'ann@example.com');
    assert.equal(await outcome(token), usual.has(alg) ? 'ann@example.com' : '401 token-invalid');
    const others = algorithms.filter((other) => other !== alg);
    assert.equal(await outcome(token, verifier({ algorithms: others })), '401 token-invalid');
    const [head = '', body = '', signature = ''] = token.split('.');
    const turned = Buffer.from(signature, 'base64url');
    turned[20] = (turned[20] ?? 0) ^ 1;
    assert.equal(
      await outcome([head, body, turned.toString('base64url')].join('.'), listed),
      '401 token-invalid',
    );
  });

test('a key that its set reserves for something else verifies nothing', async () => {
  assert.equal(await outcome(await tokenOf('RS256', { use: 'sig', alg: 'RS256' })), 'ann@example.com');
  assert.equal(await outcome(await tokenOf('RS256', { use: 'enc' })), '401 token-invalid');
  assert.equal(await outcome(await tokenOf('RS256', { key_ops: ['encrypt'] })), '401 token-invalid');
  assert.equal(await outcome(await tokenOf('PS256', { alg: 'RS256' })), '401 token-invalid');
  assert.equal(await outcome(await tokenOf('ES256', { kid: 'another' })), '401 token-invalid');
});

test('a symmetric key in the set is never one to verify with, nor can its algorithms be listed', async () => {
  const secret = Buffer.alloc(32, 7);
  keys.push({ kty: 'oct', k: secret.toString('base64url'), kid: 'shared', alg: 'HS256' });
  const forged = await new SignJWT({
    iss: url,
    aud: 'grantgate',
    sub: 'ann@example.com',
    exp: now / 1000 + 300,
  })
    .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
    .sign(secret);
  assert.equal(await outcome(forged), '401 token-invalid');
  // A set that gives a secret away was published by mistake, the whole of it.
  assert.equal(await outcome(await tokenOf('ES256')), '503 issuer-unavailable');
  keys = keys.filter(({ kty }) => kty !== 'oct');
  assert.equal(await outcome(forged), '401 token-invalid');
  for (const alg of ['HS256', 'none', 'dir'])
    assert.throws(() => verifier({ algorithms: [alg] }), /must be an asymmetric algorithm/);
  assert.equal(await outcome(await tokenOf('ES256')), 'ann@example.com');
});

test('a short RSA key is no key', async () => {
  const { generateKeyPairSync, sign } = await import('node:crypto');
  const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
  keys.push({ ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid: 'short', alg: 'RS256' });
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: url, aud: 'grantgate', sub: 'ann@example.com', exp: now / 1000 + 300 };
  const input = `${part({ alg: 'RS256', kid: 'short' })}.${part(claims)}`;
  const token = `${input}.${sign('sha256', Buffer.from(input), pair.privateKey).toString('base64url')}`;
  assert.equal(await outcome(token), '401 token-invalid');
});

const hostile: [string, () => Record<string, unknown>][] = [
  ['names another issuer', () => ({ ...discovery, issuer: `${url}/` })],
  ['names no issuer', () => ({ jwks_uri: `${url}/jwks` })],
  ['names no keys', () => ({ issuer: url })],
  ['names keys in a file', () => ({ issuer: url, jwks_uri: 'file:///etc/passwd' })],
];
for (const [what, change] of hostile)
  test(`an issuer whose discovery document ${what} is unavailable`, async () => {
    const token = await tokenOf('ES256');
    const before = discovery;
    discovery = change();
    assert.equal(await outcome(token), '503 issuer-unavailable');
    discovery = before;
    assert.equal(await outcome(token), 'ann@example.com');
  });
