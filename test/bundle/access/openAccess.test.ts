import * as assert from 'node:assert/strict';
import { openAccess } from '../../../bundle/access/openAccess.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { suite } from '../../_suite.ts';
import { generatedOrganisation, now } from '../../policies/_organisation.ts';

const test = suite('openAccess');

const generated = generatedOrganisation('access');
const model = generated.grants[0] as Grant;
const { grants: _, ...rest } = generated;

const person = (login: string, status: 'active' | 'suspended' = 'active') =>
  [login, { login, id: login, status, provider: 'okta' }] as const;
const group = (name: string, ...members: string[]) => [name, { name, members }] as const;

const grant = (id: string, principal: string, more: Partial<Grant> = {}): Grant => ({
  ...model,
  id,
  principal,
  covers: ['operation0'],
  state: 'active',
  expiresAt: null,
  ...more,
});

// ann is in the team; the team and the night shift are in the department, the night shift's cleo is suspended.
const access = openAccess(
  {
    ...rest,
    people: new Map([person('ann'), person('bob'), person('cleo', 'suspended')]),
    services: new Map(),
    groups: new Map([
      group('department', 'group:team', 'group:night', 'user:bob'),
      group('team', 'user:ann'),
      group('night', 'user:cleo', 'user:ann'),
    ]),
    memberships: new Map([
      ['user:ann', ['group:department', 'group:night', 'group:team']],
      ['user:bob', ['group:department']],
      ['user:cleo', ['group:department', 'group:night']],
    ]),
    grants: [
      grant('for-all', 'group:department'),
      grant('for-ann', 'user:ann'),
      grant('for-cleo', 'user:cleo'),
      grant('for-night', 'group:night', { api: 'api-1' }),
      grant('past', 'group:team', { expiresAt: now }),
      grant('both', 'user:ann', { state: 'suspended', expiresAt: now }),
      grant('paused', 'user:bob', { state: 'suspended' }),
      grant('strange', 'user:stranger'),
    ],
  },
  now,
);

const told = (holdings: ReturnType<typeof access.byApi>) =>
  holdings.map((one) => [one.grant.id, one.subject, ...one.chain].join(' '));

test('by grant: the active people it reaches, each with a shortest chain of groups', () => {
  assert.deepEqual(told(access.byGrant('for-all')), [
    'for-all user:ann group:team group:department',
    'for-all user:bob group:department',
  ]);
  assert.deepEqual(told(access.byGrant('for-ann')), ['for-ann user:ann']);
  assert.deepEqual(told(access.byGrant('nosuch')), []);
});

test('what gives nobody anything is not held, and the reason is told', () => {
  const idle = Object.fromEntries(access.grants.map((one) => [one.id, access.idle(one)]));
  assert.deepEqual(idle, {
    // As a gateway says of it.
    both: 'expired',
    'for-all': null,
    'for-ann': null,
    'for-cleo': 'nobody',
    'for-night': null,
    past: 'expired',
    paused: 'suspended',
    strange: 'nobody',
  });
  for (const id of ['both', 'for-cleo', 'past', 'paused', 'strange'])
    assert.deepEqual(access.byGrant(id), []);
});

test('by person: by grants of its own and of every group it is in', () => {
  assert.deepEqual(told(access.byPerson('user:ann')), [
    'for-all user:ann group:team group:department',
    'for-ann user:ann',
    'for-night user:ann group:night',
  ]);
  assert.deepEqual(access.byPerson('user:cleo'), []);
  assert.deepEqual(access.byPerson('user:stranger'), []);
});

test('by group: what its members hold by being in it, also from groups above', () => {
  assert.deepEqual(told(access.byGroup('group:night')), [
    'for-all user:ann group:night group:department',
    'for-night user:ann group:night',
  ]);
});

test('by API: all that is held on it', () => {
  assert.deepEqual(told(access.byApi('api-1')), ['for-night user:ann group:night']);
});

test('without an instant nothing has ended', () => {
  const all = generatedOrganisation('access');
  const ever = openAccess(all, null);
  assert.ok(ever.grants.every((one) => ever.idle(one) !== 'expired'));
  assert.ok(openAccess(all, now).grants.some((one) => openAccess(all, now).idle(one) === 'expired'));
});
