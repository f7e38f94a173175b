import * as assert from 'node:assert/strict';
import { createUpstreamPool } from '../../../gateway/upstream/upstreamPool.ts';
import { suite } from '../../_suite.ts';

const test = suite('upstreamPool');

test('what was given back last is taken next, and a new connection only where none is free', async () => {
  const pool = createUpstreamPool('http://127.0.0.1:9', 1000, 16_384);
  const [one, two] = [pool.take(), pool.take()];
  assert.notEqual(one, two);
  pool.release(one);
  pool.release(two);
  const single = pool.single();
  assert.equal(pool.take(), two);
  assert.equal(pool.take(), one);
  const three = pool.take();
  for (const known of [one, two]) assert.notEqual(three, known);
  assert.ok([one, two, three].every(({ client }) => client !== single));
  await pool.destroy();
  assert.deepEqual(
    [one.client, two.client, three.client, single].map(({ destroyed }) => destroyed),
    [true, true, true, false],
  );
  await single.destroy();
});
