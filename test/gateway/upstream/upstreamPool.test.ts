import * as assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

test('an end waits until the connections have ended', async () => {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const pool = createUpstreamPool(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    10_000,
    16_384,
  );
  const connection = pool.take();
  const answer = await new Promise<string>((done, fail) => {
    let text = '';
    connection.client.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: (_, chunk) => {
          text += chunk.toString();
        },
        onResponseEnd: () => done(text),
        onResponseError: (_, error) => fail(error),
      },
    );
  });
  assert.equal(answer, 'ok');
  let isClosed = false;
  assert.ok(connection.socket);
  connection.socket.once('close', () => {
    isClosed = true;
  });
  await pool.destroy();
  assert.equal(isClosed, true);
  server.close();
});
