import * as assert from 'node:assert/strict';
import { mock } from 'node:test';
import { createAnswerTimeout } from '../../../gateway/upstream/answerTimeout.ts';
import { suite } from '../../_suite.ts';

const test = suite('answerTimeout');
test.before.each(() => mock.timers.enable({ apis: ['setInterval'] }));
test.after.each(() => mock.timers.reset());

for (const [milliseconds, most] of [
  [20, 30],
  [1000, 1250],
  [60_000, 61_000],
] as const)
  test(`who waits for ${milliseconds} ms is told then, not before, and once; whose answer began is not`, () => {
    const answers = createAnswerTimeout(milliseconds);
    const told: string[] = [];
    // Some looks later, in the middle of the time between two of them.
    mock.timers.tick(7 * (most - milliseconds) + 5);
    const late = answers.await(() => {
      told.push('late');
      late();
    });
    answers.await(() => told.push('answered'))();
    mock.timers.tick(milliseconds - 1);
    assert.deepEqual(told, []);
    mock.timers.tick(most - milliseconds + 1);
    assert.deepEqual(told, ['late']);
    mock.timers.tick(most);
    assert.deepEqual(told, ['late']);
    answers.close();
  });

test('nobody is told once it is closed', () => {
  const answers = createAnswerTimeout(1000);
  answers.await(() => assert.fail());
  answers.close();
  mock.timers.tick(10_000);
});
