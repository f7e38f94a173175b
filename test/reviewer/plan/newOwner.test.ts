import * as assert from 'node:assert/strict';
import { accountStatus } from '../../../bundle/access/accountStatus.ts';
import { answererOf } from '../../../reviewer/plan/newOwner.ts';
import { suite } from '../../_suite.ts';

const test = suite('who answers');
type Asked = Parameters<typeof answererOf>;

const organisation = {
  people: new Map([
    ['ann', { status: 'active', manager: 'bob' }],
    ['bob', { status: 'active' }],
    ['cleo', { status: 'suspended' }],
    ['group:night', { status: 'active', manager: 'bob' }],
  ]),
  services: new Map([
    ['invoicer', { state: 'active' }],
    ['desk', { state: 'retired' }],
  ]),
  apis: new Map([['orders', { owner: 'group:desk' }]]),
  memberships: new Map([['user:bob', ['group:desk']]]),
};
const answerer = (owner: string, ownerlessSince: number | null, principal = 'user:ann') =>
  answererOf(
    { api: 'orders', owner, principal } as Asked[0],
    {
      organisation,
      history: { directories: { ownerlessSince: () => ownerlessSince } },
    } as unknown as Asked[1],
  );

test('people and services have an account each by their own name, and groups have none', () => {
  const status = (principal: string) =>
    accountStatus(principal, organisation as unknown as Asked[1]['organisation']);
  assert.deepEqual(
    ['user:cleo', 'service:desk', 'service:ann', 'user:invoicer', 'group:desk', 'group:ann'].map(status),
    ['suspended', 'retired', null, null, null, null],
  );
});

test('an owner with somebody behind it is asked, and one with nobody has an heir', () => {
  assert.equal(answerer('user:dora', null), 'user:dora');
  assert.equal(answerer('user:dora', 1), 'group:desk');
  assert.equal(answerer('group:desk', 1), 'user:bob');
  assert.equal(answerer('group:desk', 1, 'service:invoicer'), 'group:desk');
  // Somebody's login is that, and no manager of theirs answers for a group that is called so.
  assert.equal(answerer('group:desk', 1, 'user:group:night'), 'user:bob');
  assert.equal(answerer('group:desk', 1, 'group:night'), 'group:desk');
});
