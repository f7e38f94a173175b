import * as assert from 'node:assert/strict';
import { soleHolder, soleHolders } from '../../../bundle/access/soleHolder.ts';
import { suite } from '../../_suite.ts';

const test = suite('soleHolder');

test('a person holds alone what is theirs, and what their group of one has; nobody what several or none have', () => {
  const memberships = new Map([
    ['user:ann@example.com', ['group:desk', 'group:night']],
    ['user:dana@example.com', ['group:desk']],
  ]);
  assert.equal(soleHolder('user:ann@example.com', { memberships }), 'user:ann@example.com');
  assert.equal(soleHolder('group:night', { memberships }), 'user:ann@example.com');
  assert.equal(soleHolder('group:desk', { memberships }), null);
  assert.equal(soleHolder('group:empty', { memberships }), null);
});

test('of many it is found in one pass through the memberships', () => {
  let passes = 0;
  class Counting extends Map<string, readonly string[]> {
    override [Symbol.iterator]() {
      passes += 1;
      return super[Symbol.iterator]();
    }
  }
  const memberships = new Counting(
    ['zoe', 'ann'].map((name, at) => [`user:${name}`, ['group:both', `group:of-${at}`]]),
  );
  const asked = ['group:both', 'group:of-0', 'group:empty', 'service:billing', 'group:of-0'];
  assert.deepEqual(soleHolders(asked, { memberships }), new Set(['service:billing', 'user:zoe']));
  assert.equal(passes, 1);
});
