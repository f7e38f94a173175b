import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { readGrantLine } from '../../../bundle/data/grantLine.ts';
import { readRate } from '../../../bundle/format/rate.ts';
import { suite } from '../../_suite.ts';

const test = suite('grantLine');

const whole = {
  conditions: { mfa: true, networks: ['office'] },
  expires: 200,
  id: 'g',
  operations: ['x'],
  rate: '600/min',
  state: 'suspended',
};

test('reads what compilers write, the shortest and the longest', () => {
  for (const line of [[], [{ id: 'g', operations: [] }], [whole, { ...whole, conditions: {} }]])
    assert.deepEqual(readGrantLine(line), line);
});

for (const wrong of [
  ...[null, 'g', {}, { ...whole, id: '' }, { ...whole, id: 7 }, { operations: ['x'] }, { id: 'g' }],
  ...['x', [1], null].map((operations) => ({ ...whole, operations })),
  ...['soon', 1.5, null, Number.MAX_VALUE].map((expires) => ({ ...whole, expires })),
  ...['600/fortnight', 'abc', '', '0/s', '1e3/s', '-1/s', ' 1/s', 600, null].map((rate) => ({
    ...whole,
    rate,
  })),
  ...['active', 'Suspended', true, null].map((state) => ({ ...whole, state })),
  ...[null, [], 'mfa', { mfa: false }, { mfa: 'true' }, { networks: 'office' }, { hours: '9-17' }].map(
    (conditions) => ({ ...whole, conditions }),
  ),
  { ...whole, hours: '9-17' },
  JSON.parse('{"id":"g","operations":[],"__proto__":{}}'),
])
  test(`refuses ${JSON.stringify(wrong)}, also beside a grant that is right`, () => {
    for (const line of [[wrong], [whole, wrong]])
      assert.throws(() => readGrantLine(line), { code: 'data-malformed' });
  });

test('refuses a line that is no list', () => {
  for (const line of [whole, null, 'g', 7])
    assert.throws(() => readGrantLine(line), { code: 'data-malformed' });
});

test('no text becomes a rate that is no number', () => {
  const near = fc.stringMatching(/^[0-9./a-z -]{0,8}(?:s|min|h|day|fortnight)?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      const rate = readRate(text);
      for (const number of Object.values(rate ?? {})) assert.ok(Number.isFinite(number) && number > 0, text);
      assert.equal(rate !== null, /^[1-9][0-9]{0,8}\/(?:s|min|h|day)$/.test(text));
    }),
    { numRuns: 2000 },
  );
  assert.deepEqual(readRate('600/min'), { count: 600, intervalMs: 100, periodMs: 60_000 });
});
