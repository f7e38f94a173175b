import * as assert from 'node:assert/strict';
import { generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { clockToleranceSeconds } from '../../../gateway/identity/tokenClaims.ts';
import { takeApart, verifyAgain } from '../../../gateway/identity/verifyAgain.ts';
import { suite } from '../../_suite.ts';
import { algorithms, startIssuer, verifierOf } from '../_issuer.ts';

const test = suite('verifyAgain');
const start = Date.parse('2026-11-23T10:00:00Z');
const seconds = start / 1000;
const config = { issuer: 'https://issuer.example', audience: ['grantgate', 'other'] };
const every = algorithms.filter((name) => name !== 'Ed25519');

const near = fc.integer({ min: seconds - 8, max: seconds + 8 });
const odd = fc.constantFrom<unknown>('1', null, true, 1e308, {}, []);
const claims = fc.record(
  {
    iss: fc.oneof(
      { weight: 9, arbitrary: fc.constant(config.issuer) },
      fc.constantFrom(`${config.issuer}/`, 1),
    ),
    aud: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom<unknown>('grantgate', ['x', 'other']) },
      fc.constantFrom<unknown>('x', [], ['x'], [['grantgate']], null),
    ),
    sub: fc.oneof({ weight: 9, arbitrary: fc.string() }, odd),
    exp: fc.oneof({ weight: 9, arbitrary: near }, odd),
    nbf: fc.oneof({ weight: 9, arbitrary: near }, odd),
    iat: fc.oneof({ weight: 9, arbitrary: near }, odd),
    other: fc.jsonValue(),
  },
  { requiredKeys: ['iss', 'aud', 'sub', 'exp'] },
);
const change = fc.constantFrom<(token: string) => string>(
  ...Array.from({ length: 6 }, () => (token: string) => token),
  (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
  (token) => `${token}=`,
  (token) => `${token}.`,
  (token) => token.slice(0, -2),
  (token) => token.replace('.', '.e'),
  (token) => token.replace(/[^.]+$/, ''),
);

/** Of those that are drawn, all might be refused. */
const sound = { iss: config.issuer, aud: 'grantgate', sub: 'a', exp: start / 1000 + 60 };

for (const alg of every)
  test(`passes no token that jose would not, and those that it would (${alg})`, async () => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const [key, stranger] = [KeyObject.from(pair.publicKey), await generateKeyPair(alg)];
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(claims, change, fc.boolean(), async (payload, changed, strange) => {
        const by = strange ? stranger : pair;
        const plain = await new SignJWT(JSON.parse(JSON.stringify(payload)))
          .setProtectedHeader({ alg, kid: 'k' })
          .sign(by.privateKey);
        const token = changed(plain);
        const parts = takeApart(token);
        const here = parts !== null && verifyAgain(parts, key, { ...config, algorithms: [alg] }, start);
        const there = await jwtVerify(token, pair.publicKey, {
          ...{ issuer: config.issuer, audience: config.audience, algorithms: [alg] },
          ...{ requiredClaims: ['exp', 'sub'], clockTolerance: clockToleranceSeconds },
          currentDate: new Date(start),
        }).then(
          () => true,
          () => false,
        );
        if (here) assert.ok(there, token);
        if (there && token === plain && typeof payload.sub === 'string') assert.ok(here, token);
        if (here) passed += 1;
      }),
      { numRuns: 60, examples: [[sound, (token) => token, false]] },
    );
    assert.ok(passed > 0, 'no token passed');
  });

test('a key that is for RSASSA-PSS only verifies no RS256, whatever it has signed', () => {
  const pair = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { iss: config.issuer, aud: 'grantgate', sub: 'ann', exp: seconds + 60 };
  const signed = `${encode({ alg: 'RS256', kid: 'k' })}.${encode(payload)}`;
  const parts = takeApart(
    `${signed}.${sign('sha256', Buffer.from(signed), pair.privateKey).toString('base64url')}`,
  );
  assert.ok(parts !== null);
  assert.equal(verifyAgain(parts, pair.publicKey, { ...config, algorithms: ['RS256'] }, start), false);
});

test('a token with a critical header, of another algorithm than its issuer may use, or of none, is not for here', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const key = KeyObject.from(publicKey);
  const token = await new SignJWT({ iss: config.issuer, aud: 'grantgate', sub: 'a', exp: seconds + 9 })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .sign(privateKey);
  const parts = takeApart(token);
  assert.ok(parts !== null);
  const verdict = (header: Record<string, unknown>, accepted: 'RS256' | 'ES256' = 'RS256') =>
    verifyAgain({ ...parts, header }, key, { ...config, algorithms: [accepted] }, start);
  assert.equal(verdict({ alg: 'RS256', kid: 'k' }), true);
  assert.equal(verdict({ alg: 'RS256', kid: 'k' }, 'ES256'), false);
  assert.equal(verdict({ alg: 'RS256', kid: 'k', crit: ['b64'], b64: true }), false);
  for (const alg of ['none', 'HS256', 'PS256', 'ES256', 'rs256', undefined, 1])
    assert.equal(verdict({ alg }), false);
});

test('the tokens after the first are verified at once, until the keys change or grow old', async () => {
  let now = start;
  const issuer = await startIssuer({ now: () => now });
  const verify = verifierOf([{ issuer: issuer.url }], () => now);
  let number = 0;
  const fresh = (claims = {}, header = {}) => {
    number += 1;
    return issuer.token({ jti: String(number), ...claims }, header);
  };
  const outcome = async (token: string): Promise<string> => {
    try {
      const answer = verify(token);
      return answer instanceof Promise ? `later ${(await answer).login}` : `at once ${answer.login}`;
    } catch (error) {
      assert.ok(error instanceof Refusal);
      return error.code;
    }
  };
  assert.equal(await outcome(await fresh()), 'later ann@example.com', 'it fetches the keys');
  assert.equal(await outcome(await fresh()), 'later ann@example.com', 'it proves one');
  assert.equal(await outcome(await fresh()), 'at once ann@example.com');
  // What is said at once is what jose would have said.
  assert.equal(await outcome(await fresh({ exp: seconds - 6 })), 'token-expired');
  assert.equal(await outcome(await fresh({ aud: 'else' })), 'token-invalid');
  assert.equal(await outcome(await fresh({ at_hash: 'x' })), 'token-invalid');
  assert.equal(await outcome(await fresh({}, { typ: 'logout+jwt' })), 'token-invalid');
  assert.equal(await outcome(await fresh({}, { kid: undefined })), 'later ann@example.com');
  const [head, , signature] = (await fresh()).split('.');
  const forged = Buffer.from(
    JSON.stringify({ iss: issuer.url, aud: 'grantgate', sub: 'root', exp: seconds + 60 }),
  ).toString('base64url');
  assert.equal(await outcome(`${head}.${forged}.${signature}`), 'token-invalid');

  now += 40_000;
  const late = await fresh();
  await issuer.rotate();
  assert.equal(await outcome(await fresh()), 'later ann@example.com');
  assert.equal(await outcome(await fresh()), 'later ann@example.com');
  assert.equal(await outcome(await fresh()), 'at once ann@example.com');
  assert.equal(await outcome(late), 'token-invalid', 'its key is gone');

  now += 601_000;
  assert.equal(await outcome(await fresh()), 'later ann@example.com', 'newer keys are waited for');
  assert.equal(await outcome(await fresh()), 'at once ann@example.com');
  issuer.fault('down');
  now += 601_000;
  assert.equal(await outcome(await fresh()), 'later ann@example.com', 'and had in vain');
  await issuer.close();
});
