import * as assert from 'node:assert/strict';
import { spansOf } from '../../../gateway/record/spansOf.ts';
import { suite } from '../../_suite.ts';

const test = suite('spansOf');

test('minutes that follow each other are one span from midnight, a gap parts two', () => {
  assert.deepEqual(spansOf(new Set(), 1000), []);
  assert.deepEqual(spansOf(new Set([1005, 1003, 1004, 1000, 1010, 999]), 1000), [
    [-1, 1],
    [3, 6],
    [10, 11],
  ]);
});
