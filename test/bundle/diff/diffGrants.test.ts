import * as assert from 'node:assert/strict';
import type { GrantLine } from '../../../bundle/data/grantLine.ts';
import { diffData } from '../../../bundle/diff/diffData.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../../gateway/_document.ts';
import { bytes, grant, member } from './_diffData.ts';

const test = suite('what is told beside access');

test('facts that policies are told otherwise than before, of APIs that stay', () => {
  const told = (orders: object | undefined, more: Record<string, object> = {}) =>
    Buffer.from(lineForm({ apis: { orders: { ...apiEntry('orders'), facts: orders }, ...more }, ...empty }));
  const empty = { grants: {}, principals: {} };
  const theirs = { header: 'x-risk', from: 'trusted_proxies', type: 'number' };
  const callers = { ...theirs, from: 'caller' };
  const of = (before: object | undefined, after: object | undefined) =>
    diffData(told(before), told(after, { stock: { ...apiEntry('stock'), facts: { risk: theirs } } }), {
      at: null,
    }).heads.facts;
  assert.deepEqual(of({ risk: theirs }, { risk: callers }), [
    { api: 'orders', fact: 'risk', before: theirs, after: callers },
  ]);
  assert.deepEqual(of(undefined, { risk: theirs }), [
    { api: 'orders', fact: 'risk', before: null, after: theirs },
  ]);
  assert.deepEqual(of({ risk: theirs }, undefined), [
    { api: 'orders', fact: 'risk', before: theirs, after: null },
  ]);
  assert.deepEqual(of({ risk: theirs }, { risk: theirs }), []);
});

test('of a grant it tells what changed: suspended, resumed, moved, its terms and its rate', () => {
  const principals = { 'user:ann': member('group:a') };
  const side = (...all: [string, GrantLine][]) => {
    const orders: Record<string, GrantLine[]> = {};
    for (const [holder, one] of all) orders[holder] = [...(orders[holder] ?? []), one];
    return bytes({ grants: { orders }, principals });
  };
  const { grants } = diffData(
    side(
      ['group:a', grant('a-one')],
      ['group:a', grant('a-two', { state: 'suspended', expires: 5 })],
      ['user:ann', grant('b-one', { rate: '1/s' })],
    ),
    side(
      ['group:a', grant('a-one', { state: 'suspended' })],
      ['group:a', grant('a-two', { expires: 6, operations: ['get', 'make'] })],
      ['user:bob', grant('b-one', { conditions: { mfa: true } })],
    ),
    { at: null },
  );
  assert.deepEqual(
    grants.map(({ grant: id, what }) => [id, what]),
    [
      ['a-one', ['suspended']],
      ['a-two', ['expires', 'operations', 'resumed']],
      ['b-one', ['principal', 'conditions', 'rate']],
    ],
  );
});

test('says that nobody is behind the principal of a grant that came or changed', () => {
  const principals = { 'user:ann': member('group:a') };
  const of = (orders: Record<string, GrantLine[]>) => bytes({ grants: { orders }, principals });
  const before = of({ 'group:gone': [grant('old-one')], 'group:lost': [grant('same-one')] });
  const after = of({
    'group:a': [grant('a-one')],
    'group:biling': [grant('b-one'), grant('b-two')],
    'group:lost': [grant('same-one')],
    'user:ann': [grant('c-one')],
    'user:anne': [grant('d-one')],
  });
  assert.deepEqual(diffData(before, after, { at: null }).unknown, [
    { principal: 'group:biling', grants: ['b-one', 'b-two'] },
    { principal: 'user:anne', grants: ['d-one'] },
  ]);
  assert.deepEqual(diffData(after, after, { at: null }).unknown, []);
});

test('tells what grants refer to when that changed, and never a credential', () => {
  const document = (more: object) =>
    Buffer.from(
      lineForm({
        apis: { orders: apiEntry('orders') },
        grants: {},
        principals: {},
        ...more,
      }),
    );
  const before = document({
    networks: { office: ['192.0.2.0/25'], old: ['198.51.100.0/24'] },
    credentials: {
      api_keys: { aaaa: 'service:bot', bbbb: 'service:same' },
      jwt_subjects: {},
      spiffe_ids: {},
    },
  });
  const after = document({
    apis: {
      orders: {
        ...{ ...apiEntry('orders'), authentication: ['jwt'], operations: { other: 'GET /other' } },
        ...{ upstream: 'http://127.0.0.1:2', rate: '5/min' },
      },
    },
    networks: { office: ['192.0.2.0/24'] },
    credentials: {
      api_keys: { cccc: 'service:bot', bbbb: 'service:same' },
      jwt_subjects: {},
      spiffe_ids: {},
    },
  });
  const { heads, changes } = diffData(before, after, { at: null });
  assert.deepEqual(changes, []);
  assert.deepEqual(heads.networks, [
    { network: 'office', before: ['192.0.2.0/25'], after: ['192.0.2.0/24'], grants: [] },
    { network: 'old', before: ['198.51.100.0/24'], after: null, grants: [] },
  ]);
  assert.deepEqual(heads.authentication, [{ api: 'orders', before: null, after: ['jwt'] }]);
  assert.deepEqual(heads.settings, [
    { api: 'orders', setting: 'rate', before: null, after: '5/min' },
    { api: 'orders', setting: 'upstream', before: 'http://127.0.0.1:1', after: 'http://127.0.0.1:2' },
  ]);
  assert.deepEqual(heads.credentials, ['service:bot']);
  assert.doesNotMatch(JSON.stringify(heads), /aaaa|bbbb|cccc/);
});

test('a network that is another tells the grants that ask for it', () => {
  const held = (id: string, networks: string[], more: Partial<GrantLine> = {}): GrantLine => ({
    ...{ id, operations: ['get'], conditions: { networks }, ...more },
  });
  const grants = {
    orders: {
      'group:a': [held('b-two', ['office', 'vpn']), held('paused', ['office'], { state: 'suspended' })],
      'user:ann': [held('a-one', ['office']), held('ended', ['office'], { expires: 100 })],
      'user:bob': [held('other', ['vpn']), { id: 'office', operations: ['get'] }],
    },
  };
  const of = (networks: Record<string, string[]>) => bytes({ grants, principals: {}, networks });
  const [before, after] = [of({ office: ['192.0.2.0/25'], vpn: [] }), of({ office: ['0.0.0.0/0'], vpn: [] })];
  const asking = (at: number | null) =>
    diffData(before, after, { at }).heads.networks.map((one) => one.grants);
  assert.deepEqual(asking(100), [['a-one', 'b-two']]);
  assert.deepEqual(asking(null), [['a-one', 'b-two', 'ended']]);
});

test('names that every object of JavaScript has are names like others', () => {
  const of = (operations: Record<string, string>, networks: Record<string, string[]>) =>
    Buffer.from(
      lineForm({
        ...{ apis: { orders: { ...apiEntry('orders'), operations } }, grants: {}, principals: {} },
        networks,
      }),
    );
  const { heads } = diffData(
    of({ get: 'GET /a' }, {}),
    of({ toString: 'GET /b' }, { constructor: ['::/0'] }),
    {
      at: null,
    },
  );
  assert.deepEqual(heads.operations, []);
  assert.deepEqual(heads.networks, [{ network: 'constructor', before: null, after: ['::/0'], grants: [] }]);
});
