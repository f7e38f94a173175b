import * as assert from 'node:assert/strict';
import type { Golden } from '../../../bundle/archive/golden.ts';
import { checkGolden } from '../../../gateway/decision/checkGolden.ts';
import { type Decide, newMemory, type Question } from '../../../gateway/decision/decision.ts';
import { indexLines } from '../../../gateway/revision/lineIndex.ts';
import { readHead } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('checkGolden');
const { apis } = readHead(
  indexLines(
    lineForm({
      apis: { orders: { ...apiEntry('orders'), operations: { getOrder: 'GET /v1/{id}' } } },
      grants: {},
      principals: {},
    }),
  ),
);
const granted = { allow: true, grants: ['a', 'b'], reason: 'granted' };
const asked: Question[] = [];
const decide: Decide = (question) => {
  asked.push(question);
  const { identity, route, method, networks, time } = question;
  return {
    input: { subject: identity.subject, groups: [], ...route, method, path: '', networks, mfa: true, time },
    result: granted,
    ...{ nanoseconds: 0, bounds: new Map(), failure: null, holds: { from: 0, until: 1 } },
    memory: newMemory(),
  };
};
const golden = (expect: Golden['expect'], more: Partial<Golden> = {}): Golden => ({
  ...{ subject: 'user:ann', api: 'orders', operation: 'getOrder', mfa: true, networks: ['office'], time: 7 },
  ...more,
  expect,
});
const check = (...goldens: Golden[]) => checkGolden(goldens, apis, decide);

test('asks as requests are decided: by the declared method and template, with what the question says', () => {
  asked.splice(0);
  check(golden(granted));
  assert.equal(asked.length, 1);
  const [first] = asked;
  assert.ok(first);
  const { identity, route, method, networks, time } = first;
  assert.deepEqual(identity, { subject: 'user:ann', groups: null, mfa: true, expiresAt: null });
  assert.deepEqual([route.api, route.operation, route.template], ['orders', 'getOrder', '/v1/{id}']);
  assert.deepEqual([method, networks, time], ['GET', ['office'], 7]);
});

test('an answer that differs in anything is told with its place, subject and reasons', () => {
  for (const other of [
    { ...granted, allow: false },
    { ...granted, grants: ['a'] },
    { ...granted, grants: ['b', 'a'] },
    { ...granted, reason: 'no-grant' },
  ])
    assert.throws(
      () => check(golden(granted), golden(other)),
      ({ name, code, message }) =>
        name === 'GoldenError' &&
        code === 'golden-mismatch' &&
        message.includes('decision 2 of 2') &&
        message.includes(`(user:ann, orders, getOrder) should be ${other.reason}, and is granted here`),
    );
});

test('of an operation that is not there, nobody is asked, and it is no access', () => {
  asked.splice(0);
  const gone = { operation: 'deleteOrder' };
  check(golden({ allow: false, grants: [], reason: 'no-such-operation' }, gone));
  for (const allow of [true, false])
    assert.throws(() => check(golden({ ...granted, allow }, gone)), { code: 'golden-mismatch' });
  assert.throws(() => check(golden({ allow: true, grants: [], reason: 'no-such-operation' }, gone)));
  assert.equal(asked.length, 0);
});
