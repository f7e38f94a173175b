import * as assert from 'node:assert/strict';
import { readCapped } from '../../../bundle/format/readCapped.ts';
import { suite } from '../../_suite.ts';

const test = suite('readCapped');

test('takes as much as is allowed, and closes what sends more', async () => {
  let closed = false;
  async function* chunks() {
    try {
      for (;;) yield Buffer.from('abc');
    } finally {
      closed = true;
    }
  }
  assert.equal((await readCapped([Buffer.from('abc'), Buffer.from('def')], 6))?.toString(), 'abcdef');
  assert.equal(await readCapped([Buffer.from('abc'), Buffer.from('def')], 5), null);
  assert.equal(await readCapped(chunks(), 100), null);
  assert.ok(closed);
});
