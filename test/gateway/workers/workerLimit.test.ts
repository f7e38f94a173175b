import * as assert from 'node:assert/strict';
import { parseRate } from '../../../bundle/format/rate.ts';
import { createWorkerLimit } from '../../../gateway/workers/workerLimit.ts';
import { suite } from '../../_suite.ts';

const test = suite('worker limit');

const turn = () => new Promise((done) => setImmediate(done));

test('asks once per turn for all of its questions, and gives each its answer', async () => {
  const asked: [number, unknown][] = [];
  const { limit, taken } = createWorkerLimit((id, takes) => asked.push([id, takes]));
  const answers = [limit('a', parseRate('1/s'), 10), limit('b', parseRate('2/s'), 10)];
  assert.deepEqual(asked, []);
  await turn();
  const later = limit('c', parseRate('1/s'), 20);
  await turn();
  assert.deepEqual(asked, [
    [
      1,
      [
        ['a', parseRate('1/s'), 10],
        ['b', parseRate('2/s'), 10],
      ],
    ],
    [2, [['c', parseRate('1/s'), 20]]],
  ]);
  taken(2, [0]);
  taken(1, [-3, 700]);
  assert.deepEqual(await Promise.all([...answers, later]), [-3, 700, 0]);
});

test('a key over its limit is not asked about until its wait is over', async () => {
  let asked = 0;
  const { limit, taken } = createWorkerLimit((id, takes) => {
    asked += takes.length;
    taken(
      id,
      takes.map(() => 500),
    );
  });
  assert.equal(await limit('a', parseRate('1/s'), 1000), 500);
  assert.equal(limit('a', parseRate('1/s'), 1100), 400);
  assert.equal(limit('a', parseRate('1/s'), 1499), 1);
  assert.equal(asked, 1);
  assert.equal(await limit('a', parseRate('1/s'), 1500), 500);
  assert.equal(await limit('a', parseRate('2/s'), 1100), 500, 'another rate is another question');
  assert.equal(await limit('b', parseRate('1/s'), 1100), 500);
  assert.equal(asked, 4);
});
