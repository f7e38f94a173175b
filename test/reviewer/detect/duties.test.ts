import * as assert from 'node:assert/strict';
import { dutiesOf } from '../../../reviewer/detect/duties.ts';
import { suite } from '../../_suite.ts';

const test = suite('pairs of duties');
type Known = Parameters<typeof dutiesOf>[0];

test('are held by whoever is active and has both sides by live grants, and the later one is to go', () => {
  const sides = { create: 'left', void: 'right' } as const;
  const grant = (operation: keyof typeof sides, principal: string, more: object = {}) => ({
    ...{ id: sides[operation], principal, api: 'payments', covers: ['get', operation] },
    ...{ grantedAt: 10, expiresAt: null, state: 'active', ...more },
  });
  const found = (...grants: object[]) => {
    const organisation = {
      ...{ grants, services: new Map(), memberships: new Map([['user:ann', ['group:desk']]]) },
      people: new Map([
        ['ann', { login: 'ann', status: 'active' }],
        ['bob', { login: 'bob', status: 'suspended' }],
      ]),
      review: {
        separation_of_duties: [
          {
            name: 'pay-and-void',
            left: { api: 'payments', operations: ['create'] },
            right: { api: 'payments', operations: ['void'] },
          },
        ],
      },
    } as unknown as Known;
    return [...dutiesOf(organisation, 100)].map(
      ([id, [duty]]) => `${id} ${duty?.operations} ${duty?.holders}`,
    );
  };
  const [ann, bob, desk] = ['user:ann', 'user:bob', 'group:desk'];
  assert.deepEqual(found(grant('create', ann, { grantedAt: 11 }), grant('void', ann)), [
    'left create user:ann',
  ]);
  assert.deepEqual(found(grant('create', ann), grant('void', ann, { grantedAt: 11 })), [
    'right void user:ann',
  ]);
  assert.deepEqual(
    found(grant('create', ann), grant('void', ann)),
    ['right void user:ann'],
    'of two at once',
  );
  assert.deepEqual(found(grant('create', ann), grant('void', desk)), ['right void user:ann']);
  assert.deepEqual(found(grant('create', bob), grant('void', bob)), []);
  assert.deepEqual(found(grant('create', ann), grant('void', bob)), []);
  for (const more of [{ cadence: 'break-glass' }, { state: 'suspended' }, { expiresAt: 100 }])
    assert.deepEqual(found(grant('create', ann), grant('void', ann, more)), [], JSON.stringify(more));
});
