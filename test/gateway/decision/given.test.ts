import * as assert from 'node:assert/strict';
import type { Question } from '../../../gateway/decision/decision.ts';
import { claimOf, isSameGiven, paramOf } from '../../../gateway/decision/given.ts';
import { suite } from '../../_suite.ts';

const test = suite('given');

const route = { template: '/v1/{id}/lines/{line}' } as Question['route'];
const anybody: Question['identity'] = { subject: 'user:ann', groups: null, mfa: false, expiresAt: null };
const tokenOf = (payload: Record<string, unknown>, method: 'jwt' | 'introspection' = 'jwt') => ({
  ...anybody,
  proof: {
    ...{ method, id: 'x', issuer: 'https://issuer.example', sub: 'ann', login: 'ann', groups: null },
    ...{ mfa: false, expiresAt: null, payload, bytes: 600 },
  },
});
const param = (path: string, name = 'id') => paramOf({ identity: anybody, route, path }, name);
const claim = (value: unknown) => claimOf({ identity: tokenOf({ tenant: value }), route }, 'tenant');
const stated = (params: [string, string][], claims: [string, string][] = []) => ({
  params: new Map(params),
  claims: new Map(claims),
});

test('a value of up to 1024 characters is one, a longer or an unreadable one is none', () => {
  const long = 'x'.repeat(1024);
  assert.deepEqual([claim(long), claim(`${long}x`)], [long, null]);
  for (const value of ['', 'a\nb', '\u0000', 'a\u007f', '\ud800', null, true, ['a'], { a: 1 }])
    assert.equal(claim(value), null, JSON.stringify(value));
  for (const value of ['a', ' ', 'é', 'A b']) assert.equal(claim(value), value);
});

test('a number is a value in its digits, as far as JSON holds it to the digit', () => {
  for (const value of [0, 7, -7, Number.MAX_SAFE_INTEGER]) assert.equal(claim(value), String(value));
  for (const value of [1.5, Number.MAX_SAFE_INTEGER + 1, 1e300]) assert.equal(claim(value), null);
});

test('claims come from tokens only; where nobody has proved anything, from who asks', () => {
  const says = stated([], [['tenant', 'stated']]);
  const of = (identity: Question['identity']) => claimOf({ identity, route, stated: says }, 'tenant');
  assert.equal(of(tokenOf({ tenant: 'a' })), 'a');
  assert.equal(of(tokenOf({ tenant: 'a' }, 'introspection')), 'a');
  assert.equal(of(tokenOf({})), null, 'what is stated counts for nothing beside a proof');
  assert.equal(of({ ...anybody, proof: { method: 'api-key', sha256: 'ab' } }), null);
  assert.equal(of(anybody), 'stated');
});

test('a parameter is that of the path, decoded; where there is no path, what is stated of one there is', () => {
  assert.deepEqual([param('/v1/a%20b/lines/7'), param('/v1/a/lines/7', 'line')], ['a b', '7']);
  assert.equal(param('/v1/a/lines/7', 'other'), null);
  const asked = (name: string) =>
    paramOf(
      {
        ...{ identity: anybody, route },
        stated: stated([
          ['id', 'a'],
          ['other', 'b'],
        ]),
      },
      name,
    );
  assert.deepEqual([asked('id'), asked('line'), asked('other')], ['a', null, null]);
  const both = { identity: anybody, route, path: '/v1/a/lines/7', stated: stated([['id', 'b']]) };
  assert.equal(paramOf(both, 'id'), 'a', 'a path goes before what is stated');
});

test('what a decision rests on is the same only when each of its values is', () => {
  const question = { identity: tokenOf({ tenant: 't' }), route, path: '/v1/a/lines/7' };
  const given = { params: { id: 'a', line: '7' }, claims: { tenant: 't', other: null } };
  assert.equal(isSameGiven(given, question), true);
  assert.equal(isSameGiven({}, question), true);
  for (const other of [
    { ...given, params: { id: 'b', line: '7' } },
    { ...given, params: { id: 'a', line: null } },
    { ...given, claims: { tenant: 'u' } },
    { ...given, claims: { other: 'x' } },
  ])
    assert.equal(isSameGiven(other, question), false, JSON.stringify(other));
});
