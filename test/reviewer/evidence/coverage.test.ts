import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { coverageOf, type InstanceSigns, type Span } from '../../../reviewer/evidence/coverage.ts';
import { suite } from '../../_suite.ts';

const test = suite('coverage');

const signs = (first: number, last: number, beats: Span[], gaps: Span[] = []): InstanceSigns => ({
  instance: `gw-${first}`,
  first,
  last,
  beats,
  gaps,
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
        return { instance: 'x', first, last: first + length, beats: runs(set), gaps };
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
