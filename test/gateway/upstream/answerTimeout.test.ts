import * as assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAnswerTimeout } from '../../../gateway/upstream/answerTimeout.ts';
import { suite } from '../../_suite.ts';

const test = suite('answerTimeout');

test('who waits is told after the time, and once; whose answer began is not', async () => {
  const answers = createAnswerTimeout(200);
  const began = performance.now();
  const told: string[] = [];
  let at = 0;
  const late = answers.await(() => {
    told.push('late');
    at = performance.now() - began;
    late();
  });
  answers.await(() => told.push('answered'))();
  for (let waited = 0; told.length === 0 && waited < 5000; waited += 20) await sleep(20);
  await sleep(200);
  assert.deepEqual(told, ['late']);
  assert.ok(at >= 200, `not before its time: ${at} ms`);
  answers.close();
});
