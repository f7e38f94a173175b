import * as assert from 'node:assert/strict';
import { createCallers } from '../../../gateway/decision/caller.ts';
import { type Decision, newMemory, type Question } from '../../../gateway/decision/decision.ts';
import { EvaluationError } from '../../../gateway/decision/evaluator.ts';
import type { Identity } from '../../../gateway/identity/authenticate.ts';
import { suite } from '../../_suite.ts';

const test = suite('caller');

const blank: Decision['input'] = {
  ...{ subject: '', groups: [], api: 'orders', operation: 'getOrder', method: 'GET', path: '/o' },
  ...{ networks: [], mfa: false, time: 0 },
};

function world({ failure = null, ...bounds }: { failure?: unknown; maxBytes?: number } = {}) {
  let asked = 0;
  const callers = createCallers(
    (question): Decision => {
      asked += 1;
      return {
        input: { ...blank, subject: question.identity.subject, time: question.time },
        result: { allow: true, grants: ['g'], reason: 'granted' },
        nanoseconds: 1,
        bounds: new Map(),
        failure,
        holds: { from: question.time, until: question.time + 1 },
        memory: newMemory(),
      };
    },
    null,
    bounds,
  );
  return { decide: callers.decide, callers, asked: () => asked };
}
const ann: Identity = { subject: 'user:ann', groups: null, mfa: false, expiresAt: null };
const question = (changes: Partial<Question> = {}, identity: Partial<Identity> = {}): Question => ({
  identity: Object.keys(identity).length === 0 ? ann : { ...ann, ...identity },
  route: { api: 'orders', operation: 'getOrder', template: '/o', upstream: 'http://o', base: '', strip: 0 },
  method: 'GET',
  networks: [],
  time: 100,
  ...changes,
});

test('asks once for the same question in the same second, and again in the next', () => {
  const { decide, asked } = world();
  const [first, second] = [decide(question()), decide(question())];
  assert.equal(first.result, second.result);
  assert.equal(first.memory, second.memory, 'what was made of the first serves the second');
  assert.equal(asked(), 1);
  decide(question({ time: 101 }));
  decide(question({ time: 100 }));
  assert.equal(asked(), 3);
});

const others: [string, Question][] = [
  ['subject', question({}, { subject: 'user:bob' })],
  ['second factor', question({}, { mfa: true })],
  ['groups of a token', question({}, { groups: ['group:a'] })],
  ['no groups of a token', question({}, { groups: [] })],
  ['network', question({ networks: ['office'] })],
  ['two networks', question({ networks: ['a', 'b'] })],
  ['one network with a space', question({ networks: ['a b'] })],
  ['method', question({ method: 'HEAD' })],
  ['operation', question({ route: { ...question().route, operation: 'listOrders' } })],
  ['api', question({ route: { ...question().route, api: 'payments' } })],
  ['same caller with another credential', question({}, { expiresAt: 200 })],
];
test('never takes one question for another', () => {
  const { decide, asked } = world();
  decide(question());
  for (const [index, [what, other]] of others.entries()) {
    assert.equal(decide(other).input.subject, other.identity.subject);
    assert.equal(asked(), index + 2, what);
  }
});

test('does not remember what went wrong', () => {
  const { decide, asked } = world({ failure: new Error('broken') });
  decide(question());
  decide(question());
  assert.equal(asked(), 2);
});

test('remembers what cost too much: whoever asks it over and over takes no more time', () => {
  const { decide, asked } = world({ failure: new EvaluationError('unreachable', 0) });
  decide(question());
  assert.ok(decide(question()).failure instanceof EvaluationError);
  assert.equal(asked(), 1);
  decide(question({ networks: ['office'] }));
  assert.equal(asked(), 2);
});

test('an identity is known by what it says: a copy finds what was remembered, and no other credential does', () => {
  const { decide, asked } = world();
  const token = { ...ann, credential: 'a', groups: ['group:a'], expiresAt: 500 };
  const ask = (changes: Partial<Identity>) => decide(question({}, { ...token, ...changes }));
  ask({});
  ask({ groups: ['group:a'] });
  assert.equal(asked(), 1);
  // The issuer says something else of the same token.
  assert.equal(ask({ subject: 'user:bob' }).input.subject, 'user:bob');
  for (const changes of [
    { credential: 'b' },
    { groups: [] },
    { groups: null },
    { mfa: true },
    { expiresAt: 9 },
  ]) {
    const before = asked();
    ask({});
    ask(changes);
    assert.ok(asked() > before, JSON.stringify(changes));
  }
});

test('a decision that holds longer is the same one at each time, asked at that time', () => {
  let asked = 0;
  const { decide } = createCallers(({ time }): Decision => {
    asked += 1;
    const input = { ...blank, time };
    const result = { allow: true, grants: ['g'], reason: 'granted' };
    const holds = { from: 100, until: 200 };
    return { input, result, nanoseconds: 1, bounds: new Map(), failure: null, holds, memory: newMemory() };
  }, null);
  const first = decide(question({ time: 150 }));
  for (const time of [150, 199, 100]) {
    const { input, memory } = decide(question({ time }));
    assert.deepEqual([input.time, asked], [time, 1]);
    assert.equal(memory, first.memory);
  }
  assert.equal(first.input.time, 150, 'what was answered does not change');
  const [one, two, three] = [160, 160, 160].map((time) => decide(question({ time })));
  assert.notEqual(one, two, 'nothing is kept of a time until it is asked for again');
  assert.equal(two, three);
  decide(question({ time: 161 }));
  assert.equal(decide(question({ time: 160 })), two, 'one request of another time takes nothing away');
  assert.equal(decide(question({ time: 161 })).input.time, 161);
  decide(question({ time: 200 }));
  decide(question({ time: 99 }));
  assert.equal(asked, 3);
});

test('remembers callers in a bound of bytes, and a bounded number of their questions: the latest of them', () => {
  const { decide, callers, asked } = world({ maxBytes: 1_000_000 });
  for (let at = 0; at < 2000; at += 1) decide(question({}, { credential: `c${at}` }));
  assert.ok(callers.bytes <= 1_000_000 && callers.bytes > 990_000);
  assert.ok(callers.size > 100 && callers.size < 1000);
  for (let at = 0; at < 40; at += 1) decide(question({ method: `M${at}` }));
  const before = asked();
  decide(question({ method: 'M39' }));
  decide(question({}, { credential: 'c1999' }));
  assert.equal(asked(), before);
  decide(question({ method: 'M0' }));
  decide(question({}, { credential: 'c0' }));
  assert.equal(asked(), before + 2);
});

test('what tokens carry counts too', () => {
  const { decide, callers } = world({ maxBytes: 1_000_000 });
  const proof = { ...({ id: '', method: 'jwt', issuer: '', sub: 'x', login: 'x' } as const) };
  const says = { payload: { about: 'x'.repeat(20_000) }, bytes: 30_600 };
  for (let at = 0; at < 200; at += 1)
    decide(
      question(
        {},
        {
          credential: `c${at}`,
          proof: { ...proof, groups: null, mfa: false, expiresAt: null, ...says },
        },
      ),
    );
  assert.ok(callers.size > 5 && callers.size < 50, String(callers.size));
});
