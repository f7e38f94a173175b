import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  compareReleases,
  formatRelease,
  isOlder,
  type Release,
  rollbackFrom,
} from '../../../bundle/archive/release.ts';
import { suite } from '../../_suite.ts';

const test = suite('release');

const back = (counter: number, from: number, nth = 1): Release => ({ counter, rollback: { from, nth } });
const at = (counter: number): Release => ({ counter });

test('a way back comes after all it undoes and before whatever is released next', () => {
  const order = [at(1), at(6), at(7), back(3, 7), back(5, 7, 2), back(1, 7, 3), at(8), back(7, 8), at(9)];
  for (const [first, earlier] of order.entries())
    for (const [second, later] of order.entries())
      assert.equal(
        Math.sign(compareReleases(earlier, later)),
        Math.sign(first - second),
        `${formatRelease(earlier)} and ${formatRelease(later)}`,
      );
});

test('the same release with an end that is earlier, or gone, is older', () => {
  const ends = [undefined, '2026-11-23T11:00:00Z', '2026-11-23T11:30:00+00:00', '2026-11-24T00:00:00Z'];
  const terms = ends.map((validUntil) => ({ ...at(7), ...(validUntil && { validUntil }) }));
  for (const [first, next] of terms.entries())
    for (const [second, inForce] of terms.entries())
      assert.equal(isOlder(next, inForce), first < second, `${next.validUntil} after ${inForce.validUntil}`);
  assert.equal(isOlder(at(8), { ...at(7), validUntil: '2026-11-24T00:00:00Z' }), false);
  assert.equal(isOlder({ ...at(6), validUntil: '2026-11-24T00:00:00Z' }, at(7)), true);
});

test('orders all releases, each against each', () => {
  const plain = fc.record({ counter: fc.integer({ min: 1, max: 6 }) });
  const rollback = fc.record({ from: fc.integer({ min: 2, max: 6 }), nth: fc.integer({ min: 1, max: 3 }) });
  const release: fc.Arbitrary<Release> = fc.oneof(
    plain,
    fc.record({ counter: fc.integer({ min: 1, max: 6 }), rollback }),
  );
  fc.assert(
    fc.property(release, release, release, (a, b, c) => {
      assert.equal(Math.sign(compareReleases(a, b)) + Math.sign(compareReleases(b, a)), 0);
      if (compareReleases(a, b) <= 0 && compareReleases(b, c) <= 0) assert.ok(compareReleases(a, c) <= 0);
    }),
  );
});

test('the number of a release names the way back from it', () => {
  for (const release of [at(1), at(7), back(3, 7), back(3, 7, 9)]) {
    const next = rollbackFrom(formatRelease(release));
    assert.ok(next);
    assert.ok(compareReleases({ counter: 1, rollback: next }, release) > 0);
    assert.ok(compareReleases({ counter: 1, rollback: next }, at(8)) < 0);
  }
  for (const text of ['', '0', '07', '7.', '7.0', '7.1.1', '-7', 'v7', '1e3', ' 7', '9'.repeat(16)])
    assert.equal(rollbackFrom(text), null, text);
});
