import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { exportSPKI } from 'jose';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { TokenRefusal } from '../../../gateway/identity/tokenRefusal.ts';
import type { VerifyJwt } from '../../../gateway/identity/verifyJwt.ts';
import { suite } from '../../_suite.ts';
import { type Issuer, startIssuer, verifierOf } from '../_issuer.ts';

const test = suite('verifyJwt');
let issuer: Issuer;
let verify: VerifyJwt;
let clock = Date.parse('2026-11-23T10:00:00Z');
const now = () => clock;

const verifierFor = (...issuers: string[]) =>
  verifierOf(
    issuers.map((url) => ({ issuer: url })),
    now,
  );

test.before.each(async () => {
  issuer = await startIssuer({ now });
  verify = verifierFor(issuer.url);
});
test.after.each(() => issuer.close());

const code = (token: string) => codeOf(verify, token);
const codeOf = async (by: VerifyJwt, token: string): Promise<string> => {
  try {
    await by(token);
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    if (error.status === 401)
      assert.match(error.headers['www-authenticate'] ?? '', /^Bearer .*error="invalid_token"/);
    if (error.status === 503) assert.equal(error.headers['retry-after'], '5');
    return `${error.status} ${error.code}`;
  }
  return 'accepted';
};

test('accepts a token of a configured issuer and tells who it is of', async () => {
  const claims = await verify(await issuer.token({ amr: ['pwd', 'mfa'] }));
  assert.equal(claims.login, 'ann@example.com');
  assert.equal(claims.mfa, true);
  assert.equal(claims.groups, null);
  assert.equal((await verify(await issuer.token())).mfa, false);
});

test('answers at once for a token it knows, until the token ends', async () => {
  const token = await issuer.token();
  await verify(token);
  assert.ok(!(verify(token) instanceof Promise));
  clock += 306_000;
  assert.equal(await code(token), '401 token-expired');
});

test('says what a token takes that is remembered, by what it claims, at first and by a key that is known', async () => {
  for (const about of ['', 'x'.repeat(1000), '\u00e9'.repeat(1000)]) {
    const { bytes, payload } = await verify(await issuer.token({ about }));
    const letters = Buffer.byteLength(JSON.stringify(payload));
    assert.ok(bytes >= 600 + 1.5 * letters && bytes < 610 + 1.5 * letters, `${bytes} for ${letters}`);
  }
});

const seconds = () => Math.floor(clock / 1000);
const refusals: [string, () => Promise<string>][] = [
  ['without exp', () => issuer.token({ exp: undefined })],
  ['with exp as text', () => issuer.token({ exp: '9999999999' })],
  ['with an exp beyond reason', () => issuer.token({ exp: 1e300 })],
  ['with a future nbf', () => issuer.token({ nbf: seconds() + 60 })],
  ['issued in the future', () => issuer.token({ iat: seconds() + 60 })],
  ['of another audience', () => issuer.token({ aud: 'other' })],
  ['without iss', () => issuer.token({ iss: undefined })],
  ['whose iss has one more slash', () => issuer.token({ iss: `${issuer.url}/` })],
  ['without sub', () => issuer.token({ sub: undefined })],
  ['with an unknown critical header', () => issuer.token({}, { crit: ['x'], x: 1 }).catch(() => 'a.b.c')],
];
for (const [what, make] of refusals) {
  test(`refuses a token ${what}`, async () => {
    assert.match(await code(await make()), /^401 token-/);
    assert.equal(await code(await issuer.token()), 'accepted');
  });
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('refuses alg none in any spelling, and HS256 made with the public key', async () => {
  const good = await issuer.token();
  const [, payload = ''] = good.split('.');
  for (const alg of ['none', 'nOnE', 'None'])
    assert.match(await code(`${part({ alg })}.${payload}.`), /^401/);
  const spki = await exportSPKI(issuer.publicKey());
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${payload}`;
  const signature = createHmac('sha256', spki).update(head).digest('base64url');
  assert.match(await code(`${head}.${signature}`), /^401 token-invalid/);
});

test('ignores keys that the token brings along, and fetches nothing for it', async () => {
  await verify(await issuer.token());
  const before = issuer.fetches.jwks;
  const other = await startIssuer({ now });
  try {
    for (const header of [{ jku: `${other.url}/jwks` }, { x5u: `${other.url}/x` }]) {
      const token = await other.token({ iss: issuer.url }, { ...header });
      assert.match(await code(token), /^401/);
    }
    assert.equal(other.fetches.jwks + other.fetches.discovery, 0);
    assert.equal(issuer.fetches.jwks, before);
  } finally {
    await other.close();
  }
});

test('refuses what is no compact JWS: JWE, megabytes, broken parts', async () => {
  for (const token of [
    'a.b.c.d.e',
    'x'.repeat(1_000_000),
    'a.b',
    '..',
    `${part({ alg: 'RS256' })}.${part(5)}.x`,
  ]) {
    assert.match(await code(token), /^401/);
  }
});

test('a token with anything before, behind or within it that base64 passes over is told to have no form', async () => {
  const good = await issuer.token();
  const [header, payload, signature] = good.split('.');
  assert.equal(await code(good), 'accepted');
  for (const token of [`!${good}`, `${good}=`, `${good}\n`, `${header}.!${payload}.${signature}`, ` ${good}`])
    await assert.rejects(
      async () => verify(token),
      (error) => error instanceof TokenRefusal && error.why === 'form',
      JSON.stringify(token),
    );
});

test('finds a new key without being told, and forgets a removed one within the cache age', async () => {
  const old = await issuer.token();
  assert.equal(await code(old), 'accepted');
  clock += 40_000;
  await issuer.rotate();
  assert.equal(await code(await issuer.token()), 'accepted');
  assert.match(await code(old), /^401/);
});

test('a token known long since ends with its key, though no other token ever comes', async () => {
  const token = await issuer.token({ exp: seconds() + 86_400 });
  assert.equal(await code(token), 'accepted');
  await issuer.rotate();
  clock += 9 * 60_000;
  const before = issuer.fetches.jwks;
  assert.equal(await code(token), 'accepted');
  for (const end = Date.now() + 3000; issuer.fetches.jwks === before && Date.now() < end; )
    await new Promise((done) => setTimeout(done, 5));
  await new Promise((done) => setTimeout(done, 50));
  assert.match(await code(token), /^401/);
});

test('a token known long since does not outlive the bound of an outage, nor a clock that is set back', async () => {
  const token = await issuer.token({ exp: seconds() + 86_400 });
  assert.equal(await code(token), 'accepted');
  issuer.fault('down');
  clock += 80 * 60_000;
  assert.equal(await code(token), '503 issuer-unavailable');
  issuer.fault('none');
  clock += 10_000;
  assert.equal(await code(token), 'accepted');
  const fetches = issuer.fetches.jwks;
  clock -= 3 * 3_600_000;
  await code(token);
  assert.ok(issuer.fetches.jwks > fetches);
});

test('an unknown key id makes at most one fetch in thirty seconds', async () => {
  await verify(await issuer.token());
  clock += 31_000;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    assert.match(await code(await issuer.token({}, { kid: `made-up-${attempt}` })), /^401/);
  }
  assert.equal(issuer.fetches.jwks, 2);
});

test('a hundred callers at once make one fetch', async () => {
  const tokens = await Promise.all(
    Array.from({ length: 100 }, (_, index) => issuer.token({ jti: String(index) })),
  );
  await Promise.all(tokens.map((token) => verify(token)));
  assert.equal(issuer.fetches.jwks, 1);
});

test('known keys outlive an outage of the issuer up to a bound, then nothing is accepted', async () => {
  await verify(await issuer.token());
  issuer.fault('down');
  clock += 20 * 60_000;
  assert.equal(await code(await issuer.token()), 'accepted');
  clock += 60 * 60_000;
  assert.equal(await code(await issuer.token()), '503 issuer-unavailable');
  issuer.fault('none');
  clock += 10_000;
  assert.equal(await code(await issuer.token()), 'accepted');
});

test('an endless key document is cut off and counts as an outage', async () => {
  issuer.fault('huge');
  assert.equal(await code(await issuer.token()), '503 issuer-unavailable');
});

test('a token of an issuer that is not configured is refused without a look at it', async () => {
  const other = await startIssuer({ now });
  try {
    assert.match(await code(await other.token()), /^401/);
    assert.equal(other.fetches.discovery, 0);
  } finally {
    await other.close();
  }
});

test('a key set without keys, or with private ones, replaces none, and is none at the start', async () => {
  const bad: ((keys: readonly object[]) => unknown[])[] = [
    (keys) => Array.from({ length: 257 }, (_, at) => ({ ...keys[0], kid: `k${at}` })),
    () => [],
    (keys) => [...keys, null],
    (keys) => keys.map((key) => ({ ...key, d: 'AQAB' })),
    (keys) => [...keys, { kty: 'oct', k: 'c2VjcmV0', kid: 's' }],
  ];
  for (const keysOf of bad) {
    issuer.publish(keysOf);
    assert.equal(await codeOf(verifierFor(issuer.url), await issuer.token()), '503 issuer-unavailable');
    issuer.publish((keys) => keys);
    const known = verifierFor(issuer.url);
    assert.equal(await codeOf(known, await issuer.token({ jti: 'a' })), 'accepted');
    issuer.publish(keysOf);
    clock += 11 * 60_000;
    assert.equal(await codeOf(known, await issuer.token({ jti: 'b' })), 'accepted');
    issuer.publish((keys) => keys);
  }
});

test('a key that is published twice, or shares its name with another, still verifies', async () => {
  issuer.publish((keys) => [...keys, ...keys]);
  assert.equal(await codeOf(verifierFor(issuer.url), await issuer.token()), 'accepted');
  issuer.publish((keys) => keys);
  await issuer.rotate({ keep: false, kid: 'same' });
  const old = await issuer.token();
  await issuer.rotate({ keep: true, kid: 'same' });
  const both = verifierFor(issuer.url);
  assert.equal(await codeOf(both, old), 'accepted');
  assert.equal(await codeOf(both, await issuer.token()), 'accepted');
  const stranger = await startIssuer({ now });
  await stranger.rotate({ keep: false, kid: 'same' });
  assert.equal(await codeOf(both, await stranger.token({ iss: issuer.url })), '401 token-invalid');
  await stranger.close();
});

test('a new key under the name of an old one is fetched once it signs, and not for every bad signature', async () => {
  await issuer.rotate({ keep: false, kid: 'same' });
  assert.equal(await codeOf(verify, await issuer.token()), 'accepted');
  await issuer.rotate({ keep: false, kid: 'same' });
  const token = await issuer.token();
  assert.equal(await codeOf(verify, token), '401 token-invalid');
  clock += 31_000;
  assert.equal(await codeOf(verify, token), 'accepted');
  const { jwks } = issuer.fetches;
  for (let time = 0; time < 5; time += 1)
    assert.equal(await codeOf(verify, `${token.slice(0, -8)}AAAAAAA${time}`), '401 token-invalid');
  assert.equal(issuer.fetches.jwks, jwks);
});

test('how long keys count is configured', async () => {
  const keys = { max_age: '10s', stale: '20s', cooldown: '1s' };
  const short = verifierOf([{ issuer: issuer.url, keys }], now);
  assert.equal(await codeOf(short, await issuer.token()), 'accepted');
  issuer.fault('down');
  clock += 25_000;
  assert.equal(await codeOf(short, await issuer.token({ jti: 'b' })), 'accepted');
  clock += 6_000;
  assert.equal(await codeOf(short, await issuer.token({ jti: 'c' })), '503 issuer-unavailable');
});
