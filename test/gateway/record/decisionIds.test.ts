import * as assert from 'node:assert/strict';
import { createDecisionIds } from '../../../gateway/record/decisionIds.ts';
import { suite } from '../../_suite.ts';

const test = suite('decisionIds');
const start = Date.parse('2026-11-23T10:00:00Z');

test('ids only grow, however many are given out in a millisecond, and when a clock is set back', () => {
  const idOf = createDecisionIds();
  const ids = Array.from({ length: 2000 }, (_, at) => idOf(start + Math.floor(at / 100)));
  ids.push(idOf(start - 60_000), idOf(start));
  for (const id of ids) assert.match(id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.deepEqual(ids, [...new Set(ids)].sort());
});

test('ids go on growing over the ends of their last digits', () => {
  const idOf = createDecisionIds();
  let before = idOf(start);
  let carried = 0;
  // More than the last four digits can count.
  for (let count = 0; count < 1_050_000; count += 1) {
    const id = idOf(start);
    if (!(id > before)) assert.fail(`${id} after ${before}`);
    if (id.slice(0, 22) !== before.slice(0, 22)) carried += 1;
    before = id;
  }
  assert.ok(carried >= 1 && carried <= 2, `${carried}`);
});

test('two processes in the same millisecond give out others, and what comes next cannot be told', () => {
  const [one, other] = [createDecisionIds(), createDecisionIds()];
  const drawn = Array.from({ length: 600 }, (_, at) => [one(start + at), other(start + at)])
    .flat()
    .map((id) => id.slice(10));
  assert.equal(new Set(drawn).size, drawn.length);
  // 80 bits each: of the characters at one place, none is rare.
  for (let place = 0; place < 16; place += 1)
    assert.equal(new Set(drawn.map((random) => random[place])).size, 32, `place ${place}`);
});

test('already the first id of a process is one that nobody else has', () => {
  const firsts = Array.from({ length: 200 }, () => createDecisionIds()(start).slice(10));
  assert.equal(new Set(firsts).size, firsts.length);
  for (let place = 0; place < 16; place += 1)
    assert.ok(new Set(firsts.map((random) => random[place])).size > 16, `place ${place}`);
});
