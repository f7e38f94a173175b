import * as assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';
import { openProvider } from '../../../../reviewer/sync/providers/openProvider.ts';
import { type ProviderConfig, syncFile } from '../../../../reviewer/sync/providers/syncConfig.ts';
import { suite } from '../../../_suite.ts';
import { type Stub, serveOkta } from '../_providers.ts';

const test = suite('private-key JWT');
const noon = Date.parse('2026-11-23T12:00:00Z');

let stub: Stub;
test.before(async () => {
  stub = await serveOkta(() => ({ people: [{ id: '1', login: 'ann@example.com' }], groups: [] }));
});
test.after(() => stub.close());

/** Reads people with a key; what the token endpoint was sent. */
async function read(key: string): Promise<{ form: URLSearchParams; logins: string[] }> {
  const { providers } = syncFile.parse({
    providers: [
      { provider: 'okta', kind: 'okta', url: stub.url, client: { id: 'app-1', key: { env: 'KEY' } } },
    ],
  });
  let form = new URLSearchParams();
  const provider = openProvider(providers[0] as ProviderConfig, {
    fetch: async (url, init) => {
      if (init?.method !== 'POST') return fetch(url, init);
      assert.equal(String(url), `${stub.url}/oauth2/v1/token`);
      form = new URLSearchParams(String(init.body));
      return Response.json({ token_type: 'Bearer', access_token: 'okta-token', expires_in: 3600 });
    },
    now: () => noon,
    sleep: async () => {},
    env: { KEY: key },
    configFile: 'sync.yaml',
  });
  const { people } = await provider(() => true);
  return { form, logins: people.map(({ login }) => login) };
}

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

test('Okta is asked with a token for a JWT that the key signed, of this client and for this server only', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const [text, publicKey, header] of [
    [pem(rsa.privateKey), rsa.publicKey, { alg: 'RS256' }],
    [pem(ec.privateKey), ec.publicKey, { alg: 'ES256' }],
    [
      JSON.stringify({ ...rsa.privateKey.export({ format: 'jwk' }), kid: 'k1' }),
      rsa.publicKey,
      { alg: 'RS256', kid: 'k1' },
    ],
  ] as const) {
    stub.credentials.length = 0;
    const { form, logins } = await read(text);
    assert.deepEqual(logins, ['ann@example.com']);
    assert.deepEqual(new Set(stub.credentials), new Set(['Bearer okta-token']));
    const { client_assertion: assertion = '', ...rest } = Object.fromEntries(form);
    assert.deepEqual(rest, {
      grant_type: 'client_credentials',
      scope: 'okta.users.read okta.groups.read',
      client_id: 'app-1',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
      issuer: 'app-1',
      subject: 'app-1',
      audience: `${stub.url}/oauth2/v1/token`,
      currentDate: new Date(noon),
    });
    assert.deepEqual(protectedHeader, header);
    assert.deepEqual([payload.iat, payload.exp], [noon / 1000, noon / 1000 + 300]);
    assert.ok(payload.jti);
  }
});

test('a key that cannot sign so is refused, and never quoted', async () => {
  const other = pem(generateKeyPairSync('ed25519').privateKey);
  for (const key of ['hunter2', '{"kty":"RSA","d":"hunter2"}', other, other.slice(0, 60)]) {
    stub.requests.length = 0;
    await assert.rejects(read(key), (error: Error & { code: string }) => {
      assert.equal(error.code, 'sync-config');
      assert.ok(!error.message.includes('hunter2') && !error.message.includes('BEGIN'));
      return true;
    });
    assert.deepEqual(stub.requests, []);
  }
});
