import * as assert from 'node:assert/strict';
import { parseRate } from '../../../bundle/format/rate.ts';
import { createWorkerLimit } from '../../../gateway/workers/workerLimit.ts';
import type { Take } from '../../../gateway/workers/workerMessages.ts';
import { suite } from '../../_suite.ts';
import { turn } from './_commonLimits.ts';

const test = suite('worker limit');

test('asks once per turn for all of its questions, and gives each its answer', async () => {
  const asked: Take[][] = [];
  const { limit, taken } = createWorkerLimit(2, (takes) => asked.push(takes));
  const answers = [limit('a', parseRate('1/s'), 10), limit('b', parseRate('2/s'), 10)];
  assert.deepEqual(asked, []);
  await turn();
  const later = limit('c', parseRate('1/s'), 20);
  await turn();
  assert.deepEqual(asked, [
    [
      { id: 1, key: 'a', rate: parseRate('1/s'), owedMs: null },
      { id: 2, key: 'b', rate: parseRate('2/s'), owedMs: null },
    ],
    [{ id: 3, key: 'c', rate: parseRate('1/s'), owedMs: null }],
  ]);
  taken([{ id: 3, waitMs: 0 }], 30);
  taken(
    [
      { id: 2, waitMs: 700 },
      { id: 1, waitMs: -3 },
    ],
    30,
  );
  assert.deepEqual(await Promise.all([...answers, later]), [-3, 700, 0]);
});

test('a key over its limit is not asked about until its wait is over', async () => {
  let asked = 0;
  let now = 1000;
  const { limit, taken } = createWorkerLimit(2, (takes) => {
    asked += takes.length;
    taken(
      takes.map(({ id }) => ({ id, waitMs: 500 })),
      now,
    );
  });
  assert.equal(await limit('a', parseRate('1/s'), 1000), 500);
  assert.equal(limit('a', parseRate('1/s'), 1100), 400);
  assert.equal(limit('a', parseRate('1/s'), 1499), 1);
  assert.equal(asked, 1);
  now = 1500;
  assert.equal(await limit('a', parseRate('1/s'), 1500), 500);
  now = 1100;
  assert.equal(await limit('a', parseRate('2/s'), 1100), 500, 'another rate is another question');
  assert.equal(await limit('b', parseRate('1/s'), 1100), 500);
  assert.equal(asked, 4);
});

test('what comes while a key is asked about for the first time waits for the answer, and then for the part', async () => {
  const asked: Take[] = [];
  const { limit, taken } = createWorkerLimit(2, (takes) => asked.push(...takes));
  const rate = parseRate('10/s');
  const all = Promise.all([1, 2, 3].map(() => limit('a', rate, 1000)));
  await turn();
  assert.equal(asked.length, 1);
  taken([{ id: 1, owedMs: 1200 }], 1000);
  assert.deepEqual(await all, [-8, -6, -4]);
  assert.equal(limit('a', rate, 1000), -2);
});
