import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { cadenceDays, endOf, startOf } from '../../../bundle/grants/dates.ts';
import { suite } from '../../_suite.ts';

const test = suite('dates');

test('a day begins at its first instant and ends at the next midnight, UTC', () => {
  assert.is(startOf('2027-02-28'), Date.UTC(2027, 1, 28) / 1000);
  assert.is(endOf('2027-02-28'), Date.UTC(2027, 2, 1) / 1000);
  assert.is(endOf('2028-02-28'), Date.UTC(2028, 1, 29) / 1000);
});

test('an instant begins and ends at itself, whatever its offset', () => {
  assert.is(startOf('2026-03-01T09:00:00Z'), Date.UTC(2026, 2, 1, 9) / 1000);
  assert.is(endOf('2026-03-01T10:00:00+01:00'), Date.UTC(2026, 2, 1, 9) / 1000);
});

test('a fraction of a second ends early rather than late', () => {
  assert.is(endOf('2026-03-01T09:00:00.999Z'), Date.UTC(2026, 2, 1, 9) / 1000);
});

test('refuses what is no date', () => {
  assert.throws(() => startOf('soon'), /not a date or instant: "soon"/);
  assert.throws(() => endOf(''), /not a date/);
});

test('a cadence lasts as long here as in the policies of the review', () => {
  const facts = readFileSync(new URL('../../../policies/review/facts.rego', import.meta.url), 'utf8');
  assert.equal(JSON.parse(/^cadence_days := (\{.*\})$/m.exec(facts)?.[1] ?? '{}'), cadenceDays);
});
