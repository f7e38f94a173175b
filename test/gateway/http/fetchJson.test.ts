import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { fetchJson } from '../../../gateway/http/fetchJson.ts';
import { suite } from '../../_suite.ts';

const test = suite('fetchJson');

async function answered(answer: RequestListener, use: (uri: string) => Promise<void>): Promise<void> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('asks for what is not compressed, and reads it all the same', () => {
  const asked: unknown[] = [];
  return answered(
    (request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.setHeader('content-encoding', 'gzip').end(gzipSync('{"a":1}'));
    },
    async (uri) => {
      assert.deepEqual(await fetchJson(uri, { largest: 7, timeoutMs: 60_000 }), { a: 1 });
      await assert.rejects(fetchJson(uri, { largest: 6, timeoutMs: 60_000 }), /more than 6 bytes/);
      assert.deepEqual(asked, ['identity', 'identity']);
    },
  );
});

test('an answer that unpacks without end is left at its bound', () =>
  answered(
    (_, response) => {
      response.setHeader('content-encoding', 'gzip');
      const zeros = createGzip();
      zeros.pipe(response);
      const more = () => {
        while (!response.destroyed && zeros.write(Buffer.alloc(65_536)));
      };
      zeros.on('drain', more);
      more();
    },
    async (uri) => {
      await assert.rejects(
        fetchJson(uri, { largest: 100_000, timeoutMs: 120_000 }),
        /more than 100000 bytes/,
      );
    },
  ));
