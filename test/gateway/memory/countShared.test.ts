import * as assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createCountShared } from '../../../gateway/memory/countShared.ts';
import type { SharedLines } from '../../../gateway/revision/lineIndex.ts';
import { suite } from '../../_suite.ts';

const test = suite('countShared');
const countShared = createCountShared();
const size = 128 * 2 ** 20;
const counted = () => process.memoryUsage().arrayBuffers;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (holds()) return;
    await pause(100);
  }
  assert.fail(`not ${what}`);
}

test('shared memory is in the accounts of V8 for as long as its holder lives', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  const lines = { data: new Uint8Array(new SharedArrayBuffer(size)) } as unknown as SharedLines;
  const before = counted();
  const holders: object[] = [{}];
  countShared(holders[0] ?? {}, lines);
  await until('counted', () => counted() - before > size / 2);
  holders.pop();
  await until('forgotten', () => {
    collect();
    return counted() - before < size / 2;
  });
});
