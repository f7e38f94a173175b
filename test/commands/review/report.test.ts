import * as assert from 'node:assert/strict';
import { periodOf } from '../../../commands/review/report.ts';
import { suite } from '../../_suite.ts';

const test = suite('the period of a report');
const now = Date.parse('2026-11-27T12:00:00Z');
const said = (since: string | undefined, until: string | undefined) => {
  const { from, to } = periodOf({ ...(since && { since }), ...(until && { until }) }, now);
  return [from, to].map((at) => new Date(at * 1000).toISOString().slice(0, 19));
};

test('ends with its last day, and never after now: what is to come is not missing', () => {
  assert.deepEqual(said('2026-07-01', '2026-09-30'), ['2026-07-01T00:00:00', '2026-10-01T00:00:00']);
  for (const until of ['2026-11-27', '2027-01-31', undefined])
    assert.deepEqual(said('2026-11-01', until), ['2026-11-01T00:00:00', '2026-11-27T12:00:00']);
  assert.deepEqual(said('2d', '2026-11-27'), ['2026-11-25T12:00:00', '2026-11-27T12:00:00']);
  for (const [since, until] of [
    ['2026-12-01', '2026-12-31'],
    ['2026-09-01', '2026-08-31'],
  ])
    assert.throws(() => said(since, until), { message: '--since must be before --until, and before now' });
});
