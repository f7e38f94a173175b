import * as assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openSources } from '../../../reviewer/sources/openSources.ts';
import { suite } from '../../_suite.ts';

const test = suite('openSources');
const open: (() => Promise<unknown>)[] = [];
test.after.each(async () => {
  for (const close of open.splice(0)) await close();
});
async function gateway(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const sources = async (usage: readonly string[], timeoutMs = 20_000) => {
  const found = await openSources({
    ...{ decisions: ['d'], usage, since: '2026-01-01', token: 'admin-token-1', timeoutMs },
  });
  open.push(found.close);
  return found;
};

test('asks a gateway with the token, from the day on, and keeps what it says until it is closed', async () => {
  const asked: unknown[] = [];
  const url = await gateway((request, response) => {
    asked.push(request.url, request.headers.authorization);
    response.end('{"day":"2026-11-22"}\n');
  });
  const found = await sources(['files/', url]);
  assert.deepEqual(asked, ['/usage?since=2026-01-01', 'Bearer admin-token-1']);
  const [files, fetched = ''] = found.rollups;
  assert.deepEqual([found.decisions, files, found.unreachable], [['d'], 'files/', []]);
  assert.deepEqual([found.origin(fetched), found.origin('files/x')], [url, 'files/x']);
  assert.equal(readFileSync(fetched, 'utf8'), '{"day":"2026-11-22"}\n');
  await found.close();
  assert.equal(existsSync(fetched), false);
});

test('a gateway that refuses, moves, breaks off or is silent is told, without its words and the token', async () => {
  const elsewhere: string[] = [];
  const other = await gateway((request, response) => {
    elsewhere.push(String(request.url));
    response.end('x\n');
  });
  const bad = await Promise.all([
    gateway((_, response) => response.writeHead(401).end('secret words')),
    gateway((_, response) => response.writeHead(500).end('secret words')),
    gateway((_, response) => response.writeHead(302, { location: other }).end()),
    gateway((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"day":', () => response.destroy());
    }),
    gateway((_, response) => response.writeHead(200).write('{')),
  ]);
  const found = await sources([...bad, 'http://127.0.0.1:1'], 3000);
  assert.deepEqual(found.rollups, []);
  assert.deepEqual(
    found.unreachable.map(({ reason }) => reason),
    [
      'it wants another admin token',
      'it answered 500',
      'it cannot be reached, or broke off',
      'it cannot be reached, or broke off',
      'it did not answer in time',
      'it cannot be reached, or broke off',
    ],
  );
  assert.deepEqual(elsewhere, []);
  assert.doesNotMatch(JSON.stringify(found), /secret words|admin-token/);
});

test('refuses addresses with credentials or a query, and does not repeat them', async () => {
  for (const address of ['http://ann:pass@127.0.0.1:1', 'http://127.0.0.1:1/?token=pass', 'http://[pass'])
    await assert.rejects(sources([address]), (error: Error & { code: string }) => {
      assert.equal(error.code, 'source-malformed');
      assert.doesNotMatch(error.message, /pass/);
      return true;
    });
});
