import * as assert from 'node:assert/strict';
import { editOf } from '../../../reviewer/plan/propose.ts';
import { suite } from '../../_suite.ts';

const test = suite('propose');
type Asked = Parameters<typeof editOf>[0];
const asked = (action: string, more: object = {}) => ({ grant: 'g', action, ...more }) as Asked;

test('each action is carried out by its own edit, and by no other', () => {
  for (const action of ['delete', 'revoke'])
    assert.deepEqual(editOf(asked(action)), { kind: 'delete', grant: 'g' });
  assert.deepEqual(editOf(asked('suspend')), { kind: 'suspend', grant: 'g' });
  const to = { role: 'reader' };
  assert.deepEqual(editOf(asked('narrow', { to })), { kind: 'narrow', grant: 'g', to });
  const set = { expires: '2027-01-31' };
  assert.deepEqual(editOf(asked('renew', { set })), { kind: 'set', grant: 'g', to: set });
});

test('an action that no edit carries out is refused, not passed over', () => {
  for (const action of ['narrow', 'renew', 'reassign', 'recertify', 'Suspend', ''])
    assert.throws(() => editOf(asked(action)), { code: 'edit-failed' }, action);
});
