import * as assert from 'node:assert/strict';
import { createDecide } from '../../../gateway/decision/decide.ts';
import { EvaluationError } from '../../../gateway/decision/evaluator.ts';
import type { Slices } from '../../../gateway/revision/slices.ts';
import { suite } from '../../_suite.ts';

const test = suite('decide');
const bytes = (text: string) => new TextEncoder().encode(text);
/** Ann's own line of grants, as the document and as a line. */
function holding(entries: string): Slices {
  const line = `"user:ann":[${entries}]`;
  const document = bytes(`{"grants":{"orders":{${line}}},"principals":{}}`).buffer;
  const cut = { document, lines: [{ name: 'user:ann', line: bytes(line) }], key: '' };
  return {
    principal: () => ({ active: true, groups: [] }),
    slice: () => document,
    cut: () => cut,
    given: () => document,
    entries: () => [],
  };
}
const slices = holding('{"expires":200,"id":"g","operations":["x"]}');

const question: Parameters<ReturnType<typeof createDecide>>[0] = {
  identity: { subject: 'user:ann', groups: null, mfa: false, expiresAt: null },
  route: {
    api: 'orders',
    operation: 'x',
    template: '/x',
    upstream: 'http://127.0.0.1:1',
    base: '',
    strip: 0,
  },
  method: 'GET',
  networks: [],
  time: 100,
};

function answer(evaluate: () => unknown, from: Slices = slices) {
  const { result, failure, bounds } = createDecide(from, { evaluate }, null)(question);
  return { ...result, failed: failure !== null, bounds: [...bounds] };
}
const denied = (reason: string, failed = false) => ({ allow: false, grants: [], reason, failed, bounds: [] });

test('an answer holds for its second, until an examination of the policy says that only ends of grants change it', () => {
  const evaluate = () => ({ allow: true, grants: ['g'], reason: 'granted' });
  assert.deepEqual(createDecide(slices, { evaluate }, null)(question).holds, { from: 100, until: 101 });
  assert.deepEqual(createDecide(slices, { evaluate }, null, true)(question).holds, { from: 100, until: 101 });
  assert.deepEqual(createDecide(slices, { evaluate }, null, false)(question).holds, {
    from: Number.NEGATIVE_INFINITY,
    until: 200,
  });
});

test('what cost too much is not tried again for a while, and any other failure in the next second', () => {
  const holds = (failure: unknown) =>
    createDecide(
      slices,
      {
        evaluate: () => {
          throw failure;
        },
      },
      null,
    )(question).holds;
  assert.deepEqual(holds(new EvaluationError('unreachable', 0)), { from: 100, until: 110 });
  assert.deepEqual(holds(new EvaluationError('broken', 7)), { from: 100, until: 101 });
});

test('an allow that names its grants is one', () => {
  assert.deepEqual(
    answer(() => ({ allow: true, grants: ['g'], reason: 'granted' })),
    {
      allow: true,
      grants: ['g'],
      reason: 'granted',
      failed: false,
      bounds: [['g', { rate: null, expires: 200 }]],
    },
  );
});

for (const entry of [
  '{"expires":200,"id":"g","operations":["x"],"rate":"600/fortnight"}',
  '{"expires":"soon","id":"g","operations":["x"]}',
  '{"id":"g"}',
  '{"id":"g","operations":["x"],"hours":"9-17"}',
  'null',
])
  test(`an allow beside the malformed grant ${entry} is a denial`, () => {
    const from = holding(`{"id":"g","operations":["x"]},${entry}`);
    assert.deepEqual(
      answer(() => ({ allow: true, grants: ['g'], reason: 'granted' }), from),
      denied('evaluation-error', true),
    );
  });

test('a denial keeps its reason and names no grant', () => {
  assert.deepEqual(
    answer(() => ({ allow: false, grants: ['g'], reason: 'expired' })),
    denied('expired'),
  );
});

test('the grants of an allow come in order, for a policy may answer with a set', () => {
  const { grants } = answer(() => ({ allow: true, grants: ['h', 'g', 'i'], reason: 'granted' }));
  assert.deepEqual(grants, ['g', 'h', 'i']);
});

test('no answer is a denial that says so', () => {
  assert.deepEqual(
    answer(() => undefined),
    denied('decision-undefined'),
  );
});

for (const value of [
  { allow: true, grants: [], reason: 'granted' },
  { allow: true, grants: [1], reason: 'granted' },
  { allow: true, grants: ['g', null], reason: 'granted' },
  { allow: true, grants: 'g', reason: 'granted' },
  { allow: true, reason: 'granted' },
  { allow: true, grants: ['g'] },
  { allow: true, grants: ['g'], reason: 7 },
  { allow: 'true', grants: ['g'], reason: 'granted' },
  { allow: 1, grants: ['g'], reason: 'granted' },
  { grants: ['g'], reason: 'granted' },
  null,
  true,
  'allow',
  [],
])
  test(`${JSON.stringify(value)} is no answer, so a denial`, () => {
    assert.deepEqual(
      answer(() => value),
      denied('decision-malformed'),
    );
  });

test('what is thrown, by the policy or by the lines, is a denial that holds what it was', () => {
  const fail = () => {
    throw new Error('no');
  };
  assert.deepEqual(answer(fail), denied('evaluation-error', true));
  const granted = () => ({ allow: true, grants: ['g'], reason: 'granted' });
  assert.deepEqual(answer(granted, { ...slices, cut: fail }), denied('evaluation-error', true));
  assert.deepEqual(answer(granted, { ...slices, principal: fail }), denied('evaluation-error', true));
});
