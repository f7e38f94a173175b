import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { Admission } from '../../../gateway/decision/admission.ts';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { createAssertionOf } from '../../../gateway/upstream/assertion.ts';
import type { AssertionKeys } from '../../../gateway/upstream/assertionKeys.ts';
import { truncate } from '../../../gateway/upstream/truncate.ts';
import { identityHeaders } from '../../../gateway/upstream/upstreamRequest.ts';
import { suite } from '../../_suite.ts';

const test = suite('lists that an upstream is told');

const many = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const decided = (groups: readonly string[], grants: readonly string[]) => {
  const decision = {
    input: { groups, subject: 'user:ann' },
    result: { allow: true, grants, reason: 'granted' },
    bounds: new Map(),
    memory: newMemory(),
  };
  const identity = { subject: 'user:ann', expiresAt: null };
  return { decision, identity, id: '01J', route: { api: 'orders' } } as unknown as Admission;
};
const headersOf = (groups: readonly string[], grants: readonly string[]): Record<string, string> => {
  const flat = identityHeaders(decided(groups, grants));
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
};

test('names stand whole up to the bound, and none behind the first that does not fit', () => {
  assert.deepEqual(truncate(['ab', 'cd'], 6), { names: ['ab', 'cd'], isWhole: true });
  assert.deepEqual(truncate(['ab', 'cd'], 5), { names: ['ab'], isWhole: false });
  assert.deepEqual(truncate(['abcdef', 'a'], 5), { names: [], isWhole: false });
  assert.deepEqual(truncate([], 0), { names: [], isWhole: true });
});

test('a caller with thousands of grants in hundreds of groups comes with headers that a server takes', () => {
  const headers = headersOf(many('group:team', 900), many('orders-read', 20_000));
  assert.equal(headers['x-grantgate-truncated'], 'groups,grants');
  assert.match(headers['x-grantgate-groups'] ?? '', /^group:team-0,.*,group:team-\d+$/);
  assert.match(headers['x-grantgate-grants'] ?? '', /^orders-read-0,.*,orders-read-\d+$/);
  const bytes = Object.entries(headers).reduce(
    (sum, [name, value]) => sum + name.length + value.length + 4,
    0,
  );
  assert.ok(bytes < 6500, String(bytes));
});

test('what is whole is not called cut', () => {
  assert.equal(headersOf(['group:a'], ['g'])['x-grantgate-truncated'], undefined);
  assert.equal(headersOf(['group:a'], many('orders-read', 2000))['x-grantgate-truncated'], 'grants');
});

test('an assertion says the same, and what it leaves out', () => {
  const key = { kid: 'k', alg: 'EdDSA', key: generateKeyPairSync('ed25519').privateKey };
  const of = createAssertionOf({
    keys: { signing: () => key } as unknown as AssertionKeys,
    ...{ per: 'caller', issuer: 'gw', lifetimeMs: 60_000, now: () => 0 },
  });
  const told = decodeJwt(of(decided(many('group:team', 900), many('orders-read', 20_000))));
  assert.deepEqual(told.truncated, ['groups', 'grants']);
  assert.ok(JSON.stringify(told).length < 8000);
  assert.equal(decodeJwt(of(decided(['group:a'], ['g']))).truncated, undefined);
});
