import * as assert from 'node:assert/strict';
import { rateOf } from '../../../bundle/format/rate.ts';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { createAddressGate } from '../../../gateway/limits/addressGate.ts';
import { suite } from '../../_suite.ts';

const test = suite('addressGate');
const [from, hour, day] = ['192.0.2.9', 3_600_000, 86_400_000];
const begun = 10 * day;

/** A gate whose limits say so of guesses, by the unit; and how it meets who comes then. */
function gateOf(waits: Record<string, number>) {
  const gate = createAddressGate({
    limit: (key) => waits[key.split(' ').at(-1) ?? ''] ?? 0,
    bounds: () => ({ rate: rateOf(600, 60_000), failedLogins: 3 }),
  });
  const at = (now: number, address = from) => {
    try {
      gate.arrive(address, now);
      return 'comes in';
    } catch (error) {
      assert.ok(error instanceof Refusal);
      return `${error.status} ${error.code} ${error.headers['retry-after']}`;
    }
  };
  return { gate, at };
}

test('of the waits of one guess the longest counts, in whichever order they are told', () => {
  for (const waits of [
    { min: 30_000, h: hour },
    { min: hour, h: 30_000 },
  ]) {
    const { gate, at } = gateOf(waits);
    gate.failed(from, ['X-Api-Key', 'wrong'], begun);
    assert.equal(at(begun + 31_000), '429 logins-exceeded 3569');
    assert.equal(at(begun + hour - 1), '429 logins-exceeded 1');
    assert.equal(at(begun, '192.0.2.10'), 'comes in');
    assert.equal(at(begun + hour), 'comes in');
  }
});

test('a clock that is set back keeps nobody out for longer than a day', () => {
  const { gate, at } = gateOf({ min: hour });
  gate.failed(from, ['X-Api-Key', 'wrong'], begun);
  assert.match(at(begun + hour - day + 1), /^429 /);
  assert.equal(at(begun + hour - day), 'comes in');
  assert.equal(at(begun), 'comes in', 'what was let in once is forgotten');
});

test('a credential that is no guess any more shuts nobody out, and neither does this machine', () => {
  const { gate, at } = gateOf({ min: hour });
  gate.failed('127.0.0.1', ['X-Api-Key', 'wrong'], begun);
  assert.equal(at(begun, '127.0.0.1'), 'comes in');
  gate.failed(from, ['Authorization', 'wrong'], begun);
  assert.equal(at(begun + hour), 'comes in');
  gate.failed(from, ['authorization', 'wrong'], begun + hour);
  assert.equal(at(begun + hour), 'comes in', 'the same again');
  gate.failed(from, ['authorization', 'another'], begun + hour);
  assert.match(at(begun + hour), /^429 /);
});
