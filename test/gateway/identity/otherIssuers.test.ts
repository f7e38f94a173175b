import * as assert from 'node:assert/strict';
import { readClaims } from '../../../gateway/identity/tokenClaims.ts';
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
/** Its tokens carry the groups. */
let grouped: Issuer;

test.before(async () => {
  const start = () => startIssuer({ now: () => clock });
  [partner, lenient, plain, grouped] = await Promise.all([start(), start(), start(), start()]);
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
        {
          issuer: grouped.url,
          audience: 'grantgate',
          login_claim: 'email',
          groups: { claim: 'realm_access.roles' },
        },
      ],
    },
  });
});
test.after(async () => {
  await world.close();
  await Promise.all([partner, lenient, plain, grouped].map((issuer) => issuer.close()));
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

test('groups that a token carries are found by a path, as a list, as text, and without the slash of a root', async () => {
  const roles = (value: unknown) => ask(grouped, { ...ann, realm_access: { roles: value } });
  for (const value of [['billing'], 'billing', '/billing', ['/billing', 'x']])
    assert.equal(await roles(value), '200', JSON.stringify(value));
  for (const value of [[], ['billing/x'], 'bil', '//billing', ['/x/billing'], { billing: true }, null])
    assert.match(await roles(value), /^403/, JSON.stringify(value));
});

test('a token that only says where its groups are is refused with that reason', async () => {
  assert.equal(
    await ask(grouped, { ...ann, _claim_names: { 'realm_access.roles': 'src1' } }),
    '401 groups-elsewhere',
  );
  assert.equal(await ask(grouped, { ...ann, hasgroups: true }), '401 groups-elsewhere');
  assert.match(await ask(grouped, { ...ann, _claim_names: { other: 'src1' } }), /^403/);
  // Whose groups come from the directory needs none in the token.
  assert.equal(await ask(plain, { ...ann, _claim_names: { groups: 'src1' } }), '200');
});

test('which methods and classes are a second factor is configurable', () => {
  const read = (payload: Record<string, unknown>, second_factor?: { amr: string[]; acr: string[] }) =>
    readClaims(
      { sub: 'x', ...payload },
      'jwt',
      { issuer: 'i', login_claim: 'sub', groups: 'directory', second_factor },
      clock,
    )?.mfa;
  const both = { amr: ['hwk'], acr: ['urn:gold'] };
  assert.deepEqual(
    [read({ amr: ['mfa'] }), read({ amr: 'mfa' }), read({ acr: 'mfa' }), read({ acr: 'urn:gold' })],
    [true, false, false, false],
  );
  assert.deepEqual(
    [
      read({ acr: 'urn:gold' }, both),
      read({ acr: ['urn:gold'] }, both),
      read({ amr: ['hwk'] }, both),
      read({ amr: ['mfa'] }, both),
      read({}, both),
    ],
    [true, false, true, false, false],
  );
});
