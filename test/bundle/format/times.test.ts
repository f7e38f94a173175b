import * as assert from 'node:assert/strict';
import { isLoopback } from '../../../bundle/format/isLoopback.ts';
import { dayOf, durationMs, instantOf, isDay } from '../../../bundle/format/times.ts';
import { durationOf } from '../../../commands/arguments/duration.ts';
import { validUntil } from '../../../commands/arguments/validUntil.ts';
import { parseConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';

const test = suite('times');
const source = 'git+file:///x';

test('a time is written the same everywhere', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['30s', 30_000],
    ['5min', 300_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ] as const) {
    assert.equal(durationMs(text), ms);
    assert.equal(durationOf(text, '--wait'), ms);
    assert.equal(parseConfig({ bundle: { source, poll: text } }, '/g.yaml').bundle.poll, ms);
    const end = Date.parse(validUntil({ validFor: text }, 1_000_000_000_000) ?? '');
    assert.equal(end, 1_000_000_000_000 + Math.floor(ms / 1000) * 1000);
  }
});

test('what is no time is refused everywhere', () => {
  for (const text of ['', '0s', '7', '7 d', '1.5h', '-1s', '7days', '1w', '9999999s', '30S']) {
    assert.equal(durationMs(text), null, text);
    assert.throws(() => durationOf(text, '--wait'), /--wait must be a time/);
    assert.throws(() => parseConfig({ bundle: { source, poll: text } }, '/g.yaml'), /poll.* must be a time/);
    assert.throws(() => validUntil({ validFor: text }, 0), /--valid-for must be a time/);
  }
});

test('a time that is longer than a timer can wait is refused where one waits for it', () => {
  assert.equal(durationOf('24d', '--poll'), 24 * 86_400_000);
  assert.throws(() => durationOf('25d', '--poll'), /--poll must be 24d at most/);
  parseConfig({ bundle: { source, poll: '24d', max_staleness: '365d' } }, '/g.yaml');
  assert.throws(
    () => parseConfig({ bundle: { source, poll: '25d' } }, '/g.yaml'),
    /poll.* must be 24d at most/,
  );
  assert.ok(validUntil({ validFor: '365d' }, 0));
});

test('only what is this machine is loopback', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', '::1'])
    assert.ok(isLoopback(host), host);
  for (const host of [
    '127.0.0.1.example.com',
    'localhost.example.com',
    '128.0.0.1',
    '0.0.0.0',
    '[::]',
    '::1.example',
    '',
    '127.',
    '1127.0.0.1',
  ])
    assert.ok(!isLoopback(host), host);
});
test('instants are written in whole seconds, and a fraction is in the second that it began in', () => {
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
