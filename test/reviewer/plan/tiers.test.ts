import * as assert from 'node:assert/strict';
import { detector, ownDetector } from '../../../bundle/grants/names.ts';
import { type DetectorTier, detectorTierNames, riskOf, tierOf } from '../../../reviewer/plan/tiers.ts';
import { worstFirst } from '../../../reviewer/plan/worstFirst.ts';
import { suite } from '../../_suite.ts';

const test = suite('tiers');

const known: Readonly<Partial<Record<DetectorTier, readonly string[]>>> = {
  urgent: ['orphan-disabled', 'orphan-missing'],
  removal: ['dormant', 'never-used'],
  narrowing: ['over-privileged', 'separation-of-duties'],
  certification: ['expiring', 'growth', 'high-access', 'mover', 'ownerless'],
  controls: ['known-networks', 'one-off', 'rate-limit', 'second-factor', 'smaller-group'],
  tidying: ['expired', 'redundant'],
};

test('findings are grouped by what found them, and what may be merged by itself stands apart', () => {
  const found = Object.groupBy(detector.options, (name) => tierOf({ detector: name, action: 'revoke' }));
  assert.deepEqual(
    Object.fromEntries(Object.entries(found).map(([tier, names]) => [tier, names.toSorted()])),
    known,
  );
  for (const name of detector.options)
    assert.equal(tierOf({ detector: name, action: 'revoke', merges: true }), 'automatic');
  assert.deepEqual([...detectorTierNames].sort(), [...Object.keys(known), 'automatic'].sort());
});

test('a question is no removal, however urgent one for the same reason would be', () => {
  for (const detector of ['orphan-missing', 'high-access'] as const)
    assert.equal(tierOf({ detector, action: 'recertify' }), 'certification');
});

const own = ownDetector.parse('odd-rule');

test('those of a repository’s own are grouped by what they ask for', () => {
  const asked = {
    narrow: 'narrowing',
    revoke: 'removal',
    suspend: 'removal',
    recertify: 'certification',
  } as const;
  for (const [action, tier] of Object.entries(asked))
    assert.equal(tierOf({ detector: own, action: action as keyof typeof asked }), tier);
});

test('what is high or critical is a risk, and nothing else', () => {
  const risks = (['low', 'medium', 'high', 'critical'] as const).map(riskOf);
  assert.deepEqual(risks, ['routine', 'routine', 'high', 'high']);
});

test('people read the most severe first, and what is alike as it was', () => {
  const found = (['low', 'high', 'critical', 'medium', 'high'] as const).map((severity, at) => ({
    severity,
    at,
  }));
  assert.deepEqual(
    worstFirst(found).map(({ at }) => at),
    [2, 1, 4, 3, 0],
  );
});
