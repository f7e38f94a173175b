import * as assert from 'node:assert/strict';
import { elapsed } from '../../../gateway/memory/elapsed.ts';
import { suite } from '../../_suite.ts';

const test = suite('elapsed time');

test('is that of the clock which all processes of a machine share, and does not follow the one on the wall', () => {
  const shared = () => Number(process.hrtime.bigint()) / 1e6;
  const { now } = Date;
  try {
    for (const wall of [now(), now() + 86_400_000]) {
      Date.now = () => wall;
      const [before, told, after] = [shared(), elapsed(), shared()];
      // Where it begins is read once, which a busy machine may interrupt.
      assert.ok(before - 10_000 <= told && told <= after + 10_000, `${before} ${told} ${after}`);
    }
  } finally {
    Date.now = now;
  }
});
