import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { startWorld, type World } from '../_gateway.ts';
import { type Issuer, startIssuer } from '../_issuer.ts';

const test = suite('tokens of several issuers');
const clock = Date.parse('2026-11-23T10:00:00Z');
let world: World;
/** It may name the people of a partner, and one service. */
let partner: Issuer;
/** It names people by their user name; its ID tokens are taken, and unverified addresses. */
let lenient: Issuer;
/** Nothing is said of it but whom it is for. */
let plain: Issuer;

test.before(async () => {
  const start = () => startIssuer({ now: () => clock });
  [partner, lenient, plain] = await Promise.all([start(), start(), start()]);
  const service = (name: string) =>
    `  - { name: ${name}, owner: "group:billing", state: active, credentials: [{ jwt_subject: "${partner.url}|${name}" }] }\n`;
  world = await startWorld({
    files: {
      'grants/directory/services.yaml': `services:\n${service('invoicer')}${service('mailer')}`,
    },
    config: {
      issuers: [
        {
          issuer: partner.url,
          audience: 'grantgate',
          people: ['@partner.example'],
          services: ['service:invoicer'],
        },
        {
          issuer: lenient.url,
          audience: 'grantgate',
          login_claim: 'email',
          id_tokens: 'accept',
          unverified_email: 'accept',
        },
        { issuer: plain.url, audience: 'grantgate', login_claim: 'email' },
      ],
    },
  });
});
test.after(async () => {
  await world.close();
  await Promise.all([partner, lenient, plain].map((issuer) => issuer.close()));
});

const ann = { email: 'ann@example.com' };
const ask = async (issuer: Issuer, claims: Record<string, unknown>, header: Record<string, unknown> = {}) => {
  const authorization = `Bearer ${await issuer.token(claims, header)}`;
  const response = await fetch(`${world.gateway.url}/orders/v1/orders`, { headers: { authorization } });
  const { code = '' } = (await response.json()) as { code?: string };
  return `${response.status} ${code}`.trim();
};

test('an address that its issuer says it has not verified is nobody’s login, unless it is configured so', async () => {
  assert.equal(await ask(plain, ann), '200');
  for (const yes of [true, 'true', 1, '1'])
    assert.equal(await ask(plain, { ...ann, email_verified: yes }), '200');
  for (const no of [false, 'false', 0, '0', '', null, 'no', 'FALSE', {}, [true]]) {
    assert.equal(await ask(plain, { ...ann, email_verified: no }), '401 credentials-invalid', String(no));
    assert.equal(await ask(plain, { ...ann, xms_edov: no }), '401 credentials-invalid', String(no));
    assert.equal(await ask(plain, { ...ann, email_verified: true, xms_edov: no }), '401 credentials-invalid');
    assert.equal(await ask(lenient, { ...ann, email_verified: no, xms_edov: no }), '200');
  }
});

test('an issuer names the people that it may, and the services', async () => {
  assert.equal(await ask(partner, { sub: 'ann@example.com' }), '401 credentials-invalid');
  assert.equal(await ask(partner, { sub: 'ann@partner.example.evil' }), '401 credentials-invalid');
  assert.equal(await ask(partner, { sub: 'Zoe@PARTNER.example' }), '403 principal-unknown');
  assert.equal(await ask(partner, { sub: 'invoicer' }), '200');
  assert.equal(await ask(partner, { sub: 'mailer' }), '401 credentials-invalid');
  // The other issuer's people are its own.
  assert.equal(await ask(plain, ann), '200');
});

test('tokens of another type are no access tokens', async () => {
  for (const typ of ['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', undefined])
    assert.equal(await ask(plain, ann, { typ }), '200', String(typ));
  for (const typ of [
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    'id+jwt',
    'application/logout+jwt',
    'kb+jwt',
    '',
  ])
    assert.equal(await ask(plain, ann, { typ }), '401 token-invalid', typ);
  for (const claims of [{ typ: 'Bearer' }, { token_use: 'access' }])
    assert.equal(await ask(plain, { ...ann, ...claims }), '200');
  for (const claims of [
    { typ: 'ID' },
    { typ: 'Refresh' },
    { typ: 'Logout' },
    { token_use: 'id' },
    { token_use: 'refresh' },
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    { at_hash: 'x' },
    { c_hash: 'x' },
  ])
    assert.equal(await ask(plain, { ...ann, ...claims }), '401 token-invalid', JSON.stringify(claims));
  for (const claims of [{ typ: 'ID' }, { token_use: 'id' }, { at_hash: 'x' }])
    assert.equal(await ask(lenient, { ...ann, ...claims }), '200', JSON.stringify(claims));
  for (const claims of [{ typ: 'Refresh' }, { token_use: 'refresh' }, { events: {} }])
    assert.equal(await ask(lenient, { ...ann, ...claims }), '401 token-invalid', JSON.stringify(claims));
});

test('a login of any other form in a token is nobody', async () => {
  for (const email of [
    7,
    null,
    true,
    ['ann@example.com'],
    { login: 'ann@example.com' },
    '',
    ' ann@example.com',
    'a\nb',
  ])
    assert.equal(await ask(plain, { email }), '401 credentials-invalid', JSON.stringify(email));
  for (const email of ['user:ann@example.com', 'service:invoicer'])
    assert.match(await ask(plain, { email }), /^(?:401 credentials-invalid|403 principal-unknown)$/, email);
});
