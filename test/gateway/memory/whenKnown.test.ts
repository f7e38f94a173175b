import * as assert from 'node:assert/strict';
import { whenKnown } from '../../../gateway/memory/whenKnown.ts';
import { suite } from '../../_suite.ts';

const test = suite('whenKnown');
const refused = new Error('refused');
const refuse = () => {
  throw refused;
};

test('what is known is gone on with before anything else is, and refused as soon', () => {
  assert.equal(
    whenKnown(1, (known) => known + 1),
    2,
  );
  assert.throws(() => whenKnown(1, refuse), refused);
});

test('what is not known yet is waited for, and its failure told by whoever asked', async () => {
  const later = whenKnown(Promise.resolve(1), (known) => known + 1);
  assert.ok(later instanceof Promise);
  assert.equal(await later, 2);
  const failing = whenKnown(Promise.reject<number>(new Error('unreachable')), (known) => known, refuse);
  await assert.rejects(async () => failing, refused);
});
