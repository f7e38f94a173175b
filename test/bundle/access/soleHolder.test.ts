import * as assert from 'node:assert/strict';
import { soleHolder } from '../../../bundle/access/soleHolder.ts';
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
