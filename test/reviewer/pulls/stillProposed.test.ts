import * as assert from 'node:assert/strict';
import { stillProposed } from '../../../reviewer/pulls/stillProposed.ts';
import { suite } from '../../_suite.ts';

const test = suite('what is still proposed');

type Findings = Parameters<typeof stillProposed>[0];
type Entries = Parameters<typeof stillProposed>[1]['entries'];

const one = (set: object, detector = 'one-off') => ({
  ...{ fingerprint: 'f', grant: 'orders-one', api: 'orders', detector, action: 'tighten', set },
});
/** What is compared with a branch, where the text says `said` and today `now` is proposed. */
const compared = (said: object, now: object, { days = 30, detector = 'one-off' } = {}) =>
  stillProposed(
    [one(now, detector)] as unknown as Findings,
    { entries: [one(said, detector)] as unknown as Entries },
    days,
  )[0]?.set;

const today = { expires: '2026-12-23' };

test('an end of some days ago is, so that what waits for its checks can be merged', () => {
  for (const expires of ['2026-12-23', '2026-12-22', '2026-12-16'])
    assert.deepEqual(compared({ expires }, today), { expires });
  assert.deepEqual(compared({ expires: '2026-12-22' }, today, { days: 2 }), { expires: '2026-12-22' });
});

test('an end that is earlier, later or no day is not, nor anything else that a text says', () => {
  for (const expires of ['2026-12-15', '2026-12-24', '2026-11-23', '2026-12-22T00:00:00Z', '2026-99-99'])
    assert.deepEqual(compared({ expires }, today), today, expires);
  assert.deepEqual(compared({ expires: '2026-12-21' }, today, { days: 2 }), today);
  assert.deepEqual(compared({ expires: '2026-12-22' }, today, { days: 1 }), today);
  assert.deepEqual(compared({ principal: 'user:eve@example.com' }, today), today);
  assert.deepEqual(compared({ expires: '2026-12-22' }, today, { detector: 'expiring' }), today);
  const rate = { limits: { rate: '3/min' } };
  assert.deepEqual(compared({ limits: { rate: '9/min' } }, rate, { detector: 'rate-limit' }), rate);
  assert.deepEqual(stillProposed([one(today)] as unknown as Findings, { entries: [] }, 30)[0]?.set, today);
});
