import * as assert from 'node:assert/strict';
import { membersOf } from '../../../bundle/grants/memberships.ts';
import { accountFacts } from '../../../reviewer/detect/accountFacts.ts';
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

test('whom tokens bring is absent from no directory, and a group that one knew once is, as of when it was brought last', () => {
  const run = { syncs: 2, from: 10, to: 20 };
  const facts = (principal: string) => {
    type Asked = Parameters<typeof accountFacts>;
    const none = () => null;
    const directories = {
      ...{ isSame: () => true, idChangedAt: none, position: none, unreadSince: none, awaited: () => [] },
      ...{ absences: () => [run], missing: new Map([[principal, 5]]) },
    };
    const evidence = {
      organisation: { people: new Map(), services: new Map(), memberships: new Map(), groups: new Map() },
      history: { of: none, directories },
      brought: new Map([[principal, 30]]),
    } as unknown as Asked[1];
    return accountFacts({ principal, id: 'x', grantedAt: 15 } as Asked[0], evidence);
  };
  assert.deepEqual(facts('user:eve'), { absences: [] });
  assert.deepEqual(facts('group:a'), { absences: [{ ...run, from: 15 }], by_tokens: true, brought_at: 30 });
});
