import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { reviewFile } from '../../../bundle/grants/reviewRules.ts';
import { isTimeZone, isWithin, parseSchedule } from '../../../bundle/grants/schedule.ts';
import { suite } from '../../_suite.ts';

const test = suite('schedule');
const within = (schedule: string, zone: string, at: string) => {
  const parsed = parseSchedule(schedule);
  assert.ok(parsed, schedule);
  return isWithin(parsed, zone, Date.parse(at));
};

test('holds working hours by the clocks of a time zone, over the change of the clocks', () => {
  const hours = '* 6-18 * * 1-5';
  assert.equal(within(hours, 'UTC', '2026-11-23T06:00:00Z'), true);
  assert.equal(within(hours, 'UTC', '2026-11-23T05:59:59Z'), false);
  assert.equal(within(hours, 'UTC', '2026-11-23T18:59:59Z'), true);
  assert.equal(within(hours, 'UTC', '2026-11-23T19:00:00Z'), false);
  assert.equal(within(hours, 'UTC', '2026-11-22T12:00:00Z'), false);
  // 05:30 in London is 06:30 in Berlin, in winter and in summer.
  assert.equal(within(hours, 'Europe/Berlin', '2026-11-23T05:30:00Z'), true);
  assert.equal(within(hours, 'Europe/Berlin', '2026-07-06T04:30:00Z'), true);
  assert.equal(within(hours, 'Europe/Berlin', '2026-07-06T03:59:00Z'), false);
  // Monday there, Sunday in UTC.
  assert.equal(within(hours, 'Asia/Tokyo', '2026-11-22T23:00:00Z'), true);
});

test('knows lists, steps, Sunday twice, and either of two restricted days', () => {
  assert.equal(within('*/15 * * * *', 'UTC', '2026-11-23T12:30:00Z'), true);
  assert.equal(within('*/15 * * * *', 'UTC', '2026-11-23T12:31:00Z'), false);
  assert.equal(within('0,30 9-17/4 * * *', 'UTC', '2026-11-23T13:30:00Z'), true);
  for (const sunday of ['0', '7'])
    assert.equal(within(`* * * * ${sunday}`, 'UTC', '2026-11-22T12:00:00Z'), true);
  assert.equal(within('* * 1 * 1', 'UTC', '2026-11-23T12:00:00Z'), true);
  assert.equal(within('* * 1 * 1', 'UTC', '2026-12-01T12:00:00Z'), true);
  assert.equal(within('* * 1 * 1', 'UTC', '2026-11-24T12:00:00Z'), false);
});

test('what is no schedule or no time zone is refused where it is written', () => {
  for (const wrong of [
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '5-1 * * * *',
    '* * * * mon',
    '*/0 * * * *',
    'a b c d e',
  ]) {
    assert.equal(parseSchedule(wrong), null, wrong);
    assert.equal(reviewFile.safeParse({ pull_requests: { schedule: wrong || 'x' } }).success, false);
  }
  assert.equal(isTimeZone('Europe/Atlantis'), false);
  assert.equal(reviewFile.safeParse({ pull_requests: { timezone: 'Mars' } }).success, false);
  assert.equal(
    reviewFile.safeParse({ pull_requests: { schedule: '0-30 8 1,15 */2 0-7', timezone: 'Asia/Kolkata' } })
      .success,
    true,
  );
});

test('a schedule of stars holds every moment', () => {
  const always = parseSchedule('* * * * *');
  assert.ok(always);
  fc.assert(
    fc.property(
      fc.date({ noInvalidDate: true, min: new Date('1990-01-01'), max: new Date('2090-01-01') }),
      fc.constantFrom('UTC', 'America/St_Johns', 'Pacific/Chatham'),
      (at, zone) => isWithin(always, zone, at.getTime()),
    ),
  );
});
