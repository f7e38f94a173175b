import * as assert from 'node:assert/strict';
import {
  claimsFault,
  hasGroupsElsewhere,
  isOtherType,
  readClaims,
} from '../../../gateway/identity/tokenClaims.ts';
import { suite } from '../../_suite.ts';

const test = suite('tokenClaims');
/** 2026-11-23T12:00:00Z, and the same in whole seconds. */
const now = 1_795_435_200_000;
const seconds = now / 1000;
const year400 = 400 * 86_400;
const fault = (claims: Record<string, unknown>, method: 'jwt' | 'introspection' = 'jwt') =>
  claimsFault({ sub: 'ann', ...claims }, method, now);

test('a clock may be five seconds off, and no more', () => {
  for (const claim of ['iat', 'nbf']) {
    assert.equal(fault({ [claim]: seconds + 5 }), null, claim);
    assert.equal(fault({ [claim]: seconds + 6 }), 'not-yet-valid', claim);
    assert.equal(fault({ [claim]: String(seconds) }), 'not-yet-valid', claim);
    assert.equal(fault({ [claim]: Number.NaN }), 'not-yet-valid', claim);
  }
});

test('an end beyond four hundred days, or that is no number, is none', () => {
  assert.equal(fault({ exp: seconds + year400 }), null);
  for (const exp of [seconds + year400 + 1, 1e308, Number.NaN, String(seconds), null])
    assert.equal(fault({ exp }), 'expiry-missing', String(exp));
});

test('only an issuer that is asked may leave the subject out', () => {
  for (const sub of ['', 7, null]) {
    assert.equal(fault({ sub }), 'subject-missing', String(sub));
    assert.equal(fault({ sub }, 'introspection'), 'subject-missing', String(sub));
  }
  assert.equal(fault({ sub: undefined }), 'subject-missing');
  assert.equal(fault({ sub: undefined }, 'introspection'), null);
});

test('a token of any type but access is told by each of the places where issuers say so', () => {
  const other = (typ: unknown, payload = {}) => isOtherType(typ, payload);
  for (const typ of [undefined, 'JWT', 'at+jwt', 'application/AT+jwt']) assert.equal(other(typ), false);
  for (const typ of ['id+jwt', 'jwt/application/', '', 7, null]) assert.equal(other(typ), true, String(typ));
  for (const kind of ['Bearer', 'JWT', 'access', 'access_token', 'at+jwt'])
    for (const member of ['typ', 'token_use']) assert.equal(other('jwt', { [member]: kind }), false, kind);
  for (const kind of ['ID', 'id_token', 'Refresh', '', 7, null])
    for (const member of ['typ', 'token_use'])
      assert.equal(other('jwt', { [member]: kind }), true, String(kind));
  for (const member of ['at_hash', 'c_hash', 's_hash']) {
    assert.equal(isOtherType('jwt', { [member]: 'x' }), true, member);
    assert.equal(isOtherType('jwt', { [member]: 'x' }, 'accept'), false, member);
  }
  for (const kind of ['ID', 'id_token']) assert.equal(isOtherType('jwt', { typ: kind }, 'accept'), false);
  for (const payload of [{ typ: 'Refresh' }, { events: {} }])
    assert.equal(isOtherType('jwt', payload, 'accept'), true);
});

const groups = (payload: Record<string, unknown>, claim = 'realm.roles') =>
  readClaims(
    { sub: 'ann', ...payload },
    'jwt',
    { issuer: 'https://issuer.example', login_claim: 'sub', groups: { claim } },
    now,
  )?.groups;

test('up to five hundred groups count, and of more none', () => {
  const named = (count: number) => Array.from({ length: count }, (_, at) => `g${at}`);
  assert.equal(groups({ roles: named(500) }, 'roles')?.length, 500);
  assert.deepEqual(groups({ roles: named(501) }, 'roles'), []);
});

test('groups come folded, each once and sorted; what is no name among them is left out', () => {
  assert.deepEqual(groups({ roles: ['/b', 'B', 'a', 7, null, '', ' x', '/', 'x/'] }, 'roles'), [
    'group:a',
    'group:b',
    'group:x/',
  ]);
});

test('a claim of the very name goes before a path, and a path leads through objects only', () => {
  assert.deepEqual(groups({ 'realm.roles': ['a'], realm: { roles: ['b'] } }), ['group:a']);
  assert.deepEqual(groups({ realm: { roles: ['b'] } }), ['group:b']);
  for (const realm of [null, 'roles', ['b'], {}, undefined, 7]) assert.deepEqual(groups({ realm }), []);
  assert.deepEqual(groups({}, 'constructor.name'), [], 'what every object has is no claim');
});

test('groups are elsewhere only where the token has none of its own and says so', () => {
  const elsewhere = (payload: Record<string, unknown>, claim = 'roles') =>
    hasGroupsElsewhere(payload, { groups: { claim } });
  for (const payload of [{ hasgroups: true }, { hasgroups: 'true' }, { _claim_names: { roles: 'src1' } }]) {
    assert.equal(elsewhere(payload), true);
    assert.equal(elsewhere({ ...payload, roles: [] }), false);
    assert.equal(hasGroupsElsewhere(payload, { groups: 'directory' }), false);
  }
  for (const payload of [{}, { hasgroups: false }, { _claim_names: null }, { _claim_names: 'roles' }])
    assert.equal(elsewhere(payload), false);
  assert.equal(elsewhere({ _claim_names: {} }, 'constructor'), false);
});

test('an end in the middle of a second is that second', () => {
  const mapping = { issuer: 'i', login_claim: 'sub', groups: 'directory' as const };
  const read = (payload: Record<string, unknown>) =>
    readClaims({ sub: 'ann', ...payload }, 'jwt', mapping, now);
  assert.equal(read({ exp: seconds + 60.9 })?.expiresAt, seconds + 60);
  assert.equal(read({})?.expiresAt, null);
  assert.equal(read({ sub: '' }), null);
});

test('an issuer names whom one of its ends fits, in any spelling, and nobody else', () => {
  const login = (name: string) =>
    readClaims(
      { sub: name },
      'jwt',
      { issuer: 'i', login_claim: 'sub', groups: 'directory', people: ['@a.example', '@B.example'] },
      now,
    );
  for (const name of ['x@a.example', 'x@b.example', 'x@A.EXAMPLE']) assert.equal(login(name)?.login, name);
  for (const name of ['x@c.example', '@a.example.evil', 'x@a.exampl'])
    assert.deepEqual([login(name)?.login, login(name)?.unnamed], [null, 'people'], name);
});
