import * as assert from 'node:assert/strict';
import { membersOf } from '../../../bundle/grants/memberships.ts';
import { groupFacts } from '../../../reviewer/detect/groupFacts.ts';
import { usageInput } from '../../../reviewer/detect/usageInput.ts';
import { suite } from '../../_suite.ts';

const test = suite('groupFacts');
type Given = Parameters<typeof groupFacts>;

test('tells how many a group reached at the last answer, nothing where nobody knows, and none apart from nobody', () => {
  const memberships = new Map([
    ['user:ann', ['group:a']],
    ['user:bob', ['group:a', 'group:b']],
  ]);
  const facts = (principal: string, members: number | null) =>
    groupFacts(
      { principal } as Given[0],
      {
        members: membersOf({ memberships }),
        history: { directories: { members: () => members } },
      } as unknown as Given[1],
    );
  assert.deepEqual(facts('group:a', 1), { members: 2, certified_members: 1 });
  assert.deepEqual(facts('group:b', 0), { members: 1, certified_members: 0 });
  assert.deepEqual(facts('group:b', null), { members: 1 });
  assert.deepEqual(facts('group:c', null), { members: 0 });
});

test('another grant stands in for one only where everybody whom that reaches has theirs by it, all the time', () => {
  const memberships = new Map([
    ['user:ann', ['group:a', 'group:all']],
    ['user:bob', ['group:a', 'group:b', 'group:all']],
  ]);
  const reaches = (principal: string, other: string, grownAt: number | null = null) => {
    type Asked = Parameters<typeof usageInput>;
    const facts = { ...{ from: 100, coverage: 1, lostMinutes: 0, allows: 0, daysUsed: 0 } };
    const seen = { facts: { ...facts, lastUsedAt: null, operations: [] }, companions: ['other'] };
    const evidence = {
      ...{ organisation: { memberships }, members: membersOf({ memberships }) },
      history: { of: () => (grownAt === null ? null : { grownAt }) },
    };
    const byId = new Map([['other', { id: 'other', principal: other, expiresAt: null }]]);
    const others = { evidence, byId, going: new Set() } as unknown as Asked[2];
    return usageInput({ principal } as Asked[0], seen, others).companions[0]?.reaches;
  };
  assert.equal(reaches('group:a', 'group:all'), true);
  assert.equal(reaches('group:a', 'group:b'), false, 'ann is in one only');
  assert.equal(reaches('group:nobody', 'group:all'), false, 'who it was nobody tells');
  assert.equal(reaches('user:bob', 'group:b'), true);
  assert.equal(reaches('user:ann', 'group:b'), false);
  assert.equal(reaches('user:ann', 'user:ann'), true);
  assert.deepEqual([reaches('group:a', 'user:ann', 99), reaches('group:a', 'user:ann', 100)], [true, false]);
  assert.equal(reaches('user:bob', 'user:ann', 99), false);
});
