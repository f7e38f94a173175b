import * as assert from 'node:assert/strict';
import { membersOf } from '../../../bundle/grants/memberships.ts';
import { groupFacts } from '../../../reviewer/detect/groupFacts.ts';
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
