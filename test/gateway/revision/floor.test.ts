import * as assert from 'node:assert/strict';
import { type Floor, isSame } from '../../../gateway/revision/floor.ts';
import { suite } from '../../_suite.ts';

const test = suite('floor');
const floor = {
  ...{ revision: 'a'.repeat(40), digest: 'sha256:1', policy: 'sha256:2', counter: 7, grants: 3 },
  validUntil: '2026-12-01T00:00:00Z',
} as unknown as Floor;

test('the same bundle on the same terms is the same, and any other is not', () => {
  assert.equal(isSame(floor, { ...floor }), true);
  const others: Partial<Floor>[] = [
    { revision: 'b'.repeat(40) },
    { digest: 'sha256:3' },
    { policy: 'sha256:3' },
    { counter: 8 },
    { validUntil: '2027-01-01T00:00:00Z' },
  ];
  for (const other of others) {
    assert.equal(isSame(floor, { ...floor, ...other }), false, JSON.stringify(other));
    assert.equal(isSame({ ...floor, ...other }, floor), false, JSON.stringify(other));
  }
  const { validUntil: _, ...endless } = floor;
  assert.equal(isSame(floor, endless as Floor), false);
  assert.equal(isSame(endless as Floor, floor), false);
});
