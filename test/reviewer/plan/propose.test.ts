import * as assert from 'node:assert/strict';
import { editOf, fingerprint } from '../../../reviewer/plan/propose.ts';
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

test('whatever is decided about has a part in the fingerprint, and nothing else', () => {
  type Judged = Parameters<typeof fingerprint>[0];
  const judged = (more: object = {}) =>
    ({
      id: 'g',
      principal: 'user:ann',
      covers: ['get'],
      expiresAt: null,
      state: 'active',
      ...more,
    }) as Judged;
  const print = fingerprint(judged(), { detector: 'dormant', action: 'suspend', severity: 'high' });
  const others = [
    ...[{ id: 'h' }, { principal: 'user:bob' }, { covers: ['get', 'list'] }, { expiresAt: 1 }].map(judged),
    ...[{ conditions: { mfa: true } }, { state: 'suspended' }].map(judged),
  ].map((grant) => fingerprint(grant, { detector: 'dormant', action: 'suspend', severity: 'high' }));
  others.push(
    fingerprint(judged(), { detector: 'never-used', action: 'suspend', severity: 'high' }),
    fingerprint(judged(), { detector: 'dormant', action: 'revoke', severity: 'high' }),
    fingerprint(judged(), { detector: 'dormant', action: 'suspend', severity: 'low' }),
    fingerprint(judged(), {
      detector: 'dormant',
      action: 'suspend',
      severity: 'high',
      to: { role: 'reader' },
    }),
  );
  assert.match(print, /^[0-9a-f]{32}$/);
  assert.equal(new Set([print, ...others]).size, others.length + 1);
  assert.equal(
    fingerprint(judged({ reason: 'Other', owner: 'user:eve' }), {
      detector: 'dormant',
      action: 'suspend',
      severity: 'high',
    }),
    print,
  );
});
