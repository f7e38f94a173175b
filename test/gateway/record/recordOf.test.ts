import * as assert from 'node:assert/strict';
import { type Decision, newMemory, type Question } from '../../../gateway/decision/decision.ts';
import type { Enforcement } from '../../../gateway/decision/enforcement.ts';
import { createRecordOf, type Recordable } from '../../../gateway/record/recordOf.ts';
import { suite } from '../../_suite.ts';

const test = suite('recordOf');
const at = Date.parse('2026-11-23T10:00:00.123Z');
const identity = { subject: 'user:ann', groups: null, mfa: true, expiresAt: null };
const route = {
  ...{ api: 'orders', operation: 'getOrder', template: '/v1/{id}' },
  ...{ upstream: 'http://a', base: '', strip: 7 },
};
const input = {
  ...{ subject: 'user:ann', groups: ['group:a'], api: 'orders', operation: 'getOrder', method: 'HEAD' },
  ...{ path: '/v1/{id}', networks: ['office'], mfa: true, time: 1_795_428_000 },
};
const granted = { allow: true, grants: ['a', 'b'], reason: 'granted' };
const denied = { allow: false, grants: [], reason: 'no-grant' };
const decisionOf = (result: Decision['result']): Decision => ({
  ...{ input, result, nanoseconds: 13_100, bounds: new Map(), failure: null },
  ...{ holds: { from: 0, until: 1 }, memory: newMemory() },
});

const asked: Question[] = [];
/** A revision, and what the one before it would have said. */
const revision = (before: Decision['result'] | null) =>
  ({
    snapshot: { revision: 'new' },
    previous: before && {
      snapshot: { revision: 'old' },
      networksOf: (address: string) => [`network of ${address}`],
      decide: (question: Question) => {
        asked.push(question);
        return decisionOf(before);
      },
    },
  }) as unknown as Enforcement;
const decided = (
  result: Decision['result'],
  before: Decision['result'] | null = null,
  more: Partial<Recordable> = {},
): Recordable => ({
  ...{ id: 'id', decision: decisionOf(result), enforcement: revision(before), identity, route },
  ...more,
});
test.before.each(() => void asked.splice(0));

test('says when, what was asked and answered, by which revision, and no more than is known', () => {
  const one = decided(granted);
  const told = {
    timestamp: '2026-11-23T10:00:00.123Z',
    decision_id: 'id',
    path: 'grantgate/authz/decision',
    bundles: { grantgate: { revision: 'new' } },
    ...{ input, result: granted, metrics: { timer_rego_wasm_eval_ns: 13_100 }, memory: one.decision.memory },
  };
  const recordOf = createRecordOf();
  assert.deepEqual(recordOf(one, at, null), told);
  assert.deepEqual(recordOf({ ...one, trace: null }, at, null), told);
  assert.deepEqual(recordOf({ ...one, trace: { id: null, malformed: new Set() } }, at, null), told);
  assert.deepEqual(recordOf({ ...one, trace: { id: 'ab', malformed: new Set() } }, at, 429), {
    ...told,
    ...{ status: 429, trace_id: 'ab' },
  });
});

test('each millisecond has its own time, in whichever order they come', () => {
  const recordOf = createRecordOf();
  const times = [0, 0, 1, 2, 1].map((more) => recordOf(decided(granted), at + more, null).timestamp);
  assert.deepEqual(
    times.map((text) => text.slice(-4)),
    ['123Z', '123Z', '124Z', '125Z', '124Z'],
  );
});

test('a denial that the revision before would have allowed says so, and only such a one', () => {
  const regressed = (...of: Parameters<typeof decided>) =>
    createRecordOf()(decided(...of), at, 403).regressed;
  assert.deepEqual(regressed(denied, granted), { revision: 'old', grants: ['a', 'b'] });
  assert.equal(asked.length, 1);
  assert.equal(regressed(denied, denied), undefined);
  assert.equal(regressed(denied, null), undefined);
  asked.splice(0);
  assert.equal(regressed(granted, granted), undefined);
  assert.equal(asked.length, 0, 'allowed requests do not pay for it');
});

test('the revision before is asked the same, with its own networks where the address is known', () => {
  const recordOf = createRecordOf();
  recordOf(decided(denied, granted), at, 403);
  recordOf(decided(denied, granted, { address: '192.0.2.1' }), at, 403);
  const { method, time } = input;
  assert.deepEqual(asked, [
    { identity, route, method, networks: ['office'], time },
    { identity, route, method, networks: ['network of 192.0.2.1'], time },
  ]);
});
