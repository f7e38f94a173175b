import * as assert from 'node:assert/strict';
import { type Decision, newDerived, type Question } from '../../../gateway/decision/decision.ts';
import { rememberDecisions } from '../../../gateway/decision/rememberDecisions.ts';
import type { Identity } from '../../../gateway/identity/authenticate.ts';
import { suite } from '../../_suite.ts';

const test = suite('rememberDecisions');

function world(failure: unknown = null) {
  let asked = 0;
  const decide = rememberDecisions((question): Decision => {
    asked += 1;
    return {
      input: { subject: question.identity.subject } as Decision['input'],
      result: { allow: true, grants: ['g'], reason: 'granted' },
      nanoseconds: 1,
      facts: new Map(),
      failure,
      derived: newDerived(),
    };
  });
  return { decide, asked: () => asked };
}
const ann: Identity = { subject: 'user:ann', groups: null, mfa: false, expiresAt: null };
const question = (changes: Partial<Question> = {}, identity: Partial<Identity> = {}): Question => ({
  identity: Object.keys(identity).length === 0 ? ann : { ...ann, ...identity },
  route: { api: 'orders', operation: 'getOrder', template: '/o', upstream: 'http://o', strip: 0 },
  method: 'GET',
  networks: [],
  time: 100,
  ...changes,
});

test('asks once for the same question in the same second, and again in the next', () => {
  const { decide, asked } = world();
  const [first, second] = [decide(question()), decide(question())];
  assert.equal(first.result, second.result);
  assert.equal(first.derived, second.derived, 'what was made of the first serves the second');
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
  const { decide, asked } = world(new Error('broken'));
  decide(question());
  decide(question());
  assert.equal(asked(), 2);
});
