import * as assert from 'node:assert/strict';
import { dayOf, instantOf, isDay } from '../../../bundle/format/instant.ts';
import { suite } from '../../_suite.ts';

const test = suite('instants');

test('are written in whole seconds, and a fraction is in the second that it began in', () => {
  const at = Date.parse('2026-11-23T12:00:00Z') / 1000;
  for (const fraction of [0, 0.001, 0.999]) assert.equal(instantOf(at + fraction), '2026-11-23T12:00:00Z');
  assert.equal(instantOf(-0.5), '1969-12-31T23:59:59Z');
  assert.equal(dayOf(at + 12 * 3600 - 0.5), '2026-11-23');
});

test('a day is one that the calendar has', () => {
  for (const day of ['2024-02-29', '2026-12-31']) assert.equal(isDay(day), true);
  for (const other of ['2026-02-29', '2026-02-31', '2026-13-01', '2026-1-1', '2026-11-23T00:00:00Z', ''])
    assert.equal(isDay(other), false);
});
