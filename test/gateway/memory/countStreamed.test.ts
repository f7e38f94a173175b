import * as assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCountStreamed } from '../../../gateway/memory/countStreamed.ts';
import { suite } from '../../_suite.ts';

const test = suite('countStreamed');
const piece = 64 * 1024;
const pieces = 8000;

/** The most memory, in MB, that buffers took while half a gigabyte of them passed. */
async function most(passed: (bytes: number) => void): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let highest = before;
  for (let index = 0; index < pieces; index += 1) {
    passed(Buffer.alloc(piece, index).length);
    if (index % 16 === 0) await nextTurn();
    highest = Math.max(highest, process.memoryUsage().arrayBuffers);
  }
  return (highest - before) / 1024 / 1024;
}

test('what has passed is not kept', async () => {
  const counted = await most(createCountStreamed());
  assert.ok(counted < 40, `${counted.toFixed(0)} MB`);
});

test('nobody else is given the collector', () => {
  assert.equal('gc' in globalThis, false);
});
