import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  coverageOf,
  type Expected,
  type InstanceSigns,
  type Span,
} from '../../../reviewer/evidence/coverage.ts';
import { suite } from '../../_suite.ts';

const test = suite('coverage');

const signs = (first: number, last: number, beats: Span[], gaps: Span[] = []): InstanceSigns => ({
  instance: `gw-${first}`,
  first,
  last,
  whole: true,
  seen: [{ from: first, to: last + 1 }],
  ends: [last],
  beats,
  gaps,
  repeated: 0,
  copies: false,
  ahead: 0,
});
const whole = (first: number, last: number, gaps: Span[] = []) =>
  signs(first, last, [{ from: first, to: last + 1 }], gaps);
const minutes = (count: number) => count * 60;

test('is full while every instance beats and misses nothing', () => {
  const coverage = coverageOf([whole(0, 200), whole(50, 99)]);
  assert.equal(coverage.share(minutes(10), minutes(110)), 1);
  assert.equal(coverage.lost(minutes(10), minutes(110)), 0);
  assert.equal(coverage.instances(minutes(10), minutes(110)), 2);
  assert.equal(coverage.instances(minutes(110), minutes(120)), 1);
});

test('loses the minutes in which one living instance is silent', () => {
  const silent = signs(0, 199, [
    { from: 0, to: 100 },
    { from: 105, to: 200 },
  ]);
  assert.equal(coverageOf([whole(0, 199), silent]).share(0, minutes(200)), 0.975);
  assert.equal(coverageOf([whole(0, 199), silent]).lost(0, minutes(200)), 5);
});

test('loses the minutes around a missing record', () => {
  assert.equal(coverageOf([whole(0, 99, [{ from: 10, to: 12 }])]).share(0, minutes(100)), 0.98);
});

test('counts an instance only between its first and last sign of life', () => {
  assert.equal(coverageOf([whole(0, 99), whole(20, 29)]).share(0, minutes(100)), 1);
});

test('does not cover minutes in which nobody lived', () => {
  assert.equal(coverageOf([]).share(0, minutes(100)), 0);
  assert.equal(coverageOf([whole(50, 99)]).share(0, minutes(100)), 0.5);
  assert.equal(coverageOf([whole(0, 49)]).share(0, minutes(100)), 0.5);
});

test('leaves out the minute that is not over, and covers no window shorter than one', () => {
  assert.equal(coverageOf([whole(0, 99)]).share(0, minutes(100) + 59), 1);
  assert.equal(coverageOf([whole(0, 99)]).share(minutes(5), minutes(5) + 59), 0);
});

const span = fc
  .tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]): Span => ({ from, to: from + length }));

test('agrees with counting minute by minute', () => {
  const instance = fc.record({
    first: fc.nat(40),
    length: fc.nat(50),
    beats: fc.array(span, { maxLength: 5 }),
    gaps: fc.array(span, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(instance, { maxLength: 4 }), fc.nat(80), fc.nat(80), (made, from, length) => {
      const instances = made.map(({ first, length, beats, gaps }) => {
        const set = new Set(beats.flatMap((one) => range(one)));
        return { ...signs(first, first + length, runs(set), gaps), instance: 'x' };
      });
      const counted = range({ from, to: from + length }).filter((minute) => {
        const alive = instances.filter(({ first, last }) => first <= minute && minute <= last);
        return (
          alive.length > 0 &&
          alive.every(({ beats }) => within(beats, minute)) &&
          !instances.some(({ gaps }) => within(gaps, minute))
        );
      }).length;
      assert.equal(coverageOf(instances).lost(minutes(from), minutes(from + length)), length - counted);
    }),
    { seed: 11, numRuns: 500 },
  );
});

const range = ({ from, to }: Span) => Array.from({ length: to - from }, (_, i) => from + i);
const within = (spans: readonly Span[], minute: number) =>
  spans.some(({ from, to }) => from <= minute && minute < to);
function runs(set: ReadonlySet<number>): Span[] {
  const spans: Span[] = [];
  for (const minute of [...set].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last?.to === minute) last.to += 1;
    else spans.push({ from: minute, to: minute + 1 });
  }
  return spans;
}

const at = (days: number) => days * 1440;
const living = (from: number, to: number, more: Partial<InstanceSigns> = {}): InstanceSigns => ({
  ...whole(from, to - 1),
  instance: 'gw-2',
  ends: [],
  ...more,
});
const other = whole(0, at(100));
const known: Expected = { presumedGoneDays: 7, instances: [], retired: [], unreadable: [] };
const lostIn = (signs: InstanceSigns, more: Partial<Expected> = {}) =>
  coverageOf([other, signs], { ...known, ...more }).lost(0, minutes(at(100)));

test('silence after the last sign is a gap for as many days as an instance is waited for', () => {
  assert.equal(lostIn(living(0, at(10))), at(7));
  assert.equal(lostIn(living(0, at(10)), { presumedGoneDays: 2 }), at(2));
  assert.equal(lostIn(living(0, at(98))), at(2));
});

test('an orderly end, and retirement, end the silence', () => {
  assert.equal(lostIn(living(0, at(10), { ends: [at(10) - 1] })), 0);
  assert.equal(lostIn(living(0, at(10), { ends: [at(9)] })), at(7));
  const retired = (day: number) => ({ retired: [{ instance: 'gw-2', at: minutes(at(day)) }] });
  assert.equal(lostIn(living(0, at(10)), retired(12)), at(2));
  assert.equal(
    lostIn(living(0, at(10)), retired(5)),
    at(7),
    'signs after it say that it was not retired then',
  );
  assert.equal(lostIn(living(0, at(10)), { retired: [{ instance: 'gw-3', at: minutes(at(12)) }] }), at(7));
});

test('a restart after silence is a gap, after an orderly end none', () => {
  const twice = (ends: number[]) =>
    living(0, at(100), {
      ends,
      seen: [
        { from: 0, to: at(10) },
        { from: at(12), to: at(100) },
      ],
      beats: [
        { from: 0, to: at(10) },
        { from: at(12), to: at(100) },
      ],
    });
  assert.equal(lostIn(twice([])), at(2));
  assert.equal(lostIn(twice([at(10) - 1])), 0);
});

test('where the first numbers are missing the instance lived before, unseen', () => {
  assert.equal(lostIn(living(at(20), at(100), { whole: false })), at(20));
  assert.equal(lostIn(living(at(20), at(100))), 0);
});

test('an instance that must be there is waited for without end, and missed when it never came', () => {
  assert.equal(lostIn(living(0, at(10)), { instances: ['gw-2'] }), at(90));
  assert.equal(lostIn(living(0, at(100)), { instances: ['gw-9'] }), at(100));
});

test('time whose file cannot be read is not covered', () => {
  assert.equal(lostIn(living(0, at(100)), { unreadable: [{ from: at(3), to: at(4) }] }), at(1));
  const all = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  assert.equal(lostIn(living(0, at(100)), { unreadable: [all] }), at(100));
});
