import * as assert from 'node:assert/strict';
import { createServer } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admission } from '../../../gateway/decision/admission.ts';
import { newMemory } from '../../../gateway/decision/decision.ts';
import { createForward } from '../../../gateway/upstream/forward.ts';
import { suite } from '../../_suite.ts';

const test = suite('createForward');

/** A front that sends what it gets to an upstream by `createForward` alone. */
async function forwarding(
  upstream: TcpServer,
  { scheme, upstreamTimeoutMs }: { scheme: 'http' | 'https'; upstreamTimeoutMs: number },
  use: (url: string, close: () => Promise<void>, failures: readonly (Error | null)[]) => Promise<void>,
): Promise<void> {
  const sending = createForward({
    ...{ upstreamTimeoutMs, forwarded: () => undefined, answerHeaders: 16_384, bodyBytes: 1000 },
    elapsed: () => 0,
  });
  let origin = '';
  const failures: (Error | null)[] = [];
  const front = createServer((request, response) => {
    const onEnd = (ended: () => void) => void response.once('close', ended);
    sending.forward(
      { request, response, onEnd },
      admitted(origin),
      ({ failure }) => void failures.push(failure),
    );
  });
  for (const server of [upstream, front])
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `${scheme}://127.0.0.1:${portOf(upstream)}`;
  try {
    await use(`http://127.0.0.1:${portOf(front)}`, sending.close, failures);
  } finally {
    front.closeAllConnections();
    front.close();
    upstream.close();
  }
}

test('an end closes the connections that were kept', () => {
  const upstream = createServer({ keepAliveTimeout: 600_000 }, (_, response) => response.end('ok'));
  const kept = () => new Promise<number>((done) => upstream.getConnections((_, count) => done(count)));
  return forwarding(upstream, { scheme: 'http', upstreamTimeoutMs: 60_000 }, async (url, close) => {
    assert.equal(await (await fetch(url)).text(), 'ok');
    assert.equal(await kept(), 1);
    await close();
    for (const end = Date.now() + 10_000; (await kept()) > 0; await sleep(10))
      assert.ok(Date.now() < end, 'still open');
  });
});

test('an upstream that refuses connections is 502 each time, and is heard again once it takes them', () => {
  const upstream = createServer((_, response) => response.end('ok'));
  return forwarding(upstream, { scheme: 'http', upstreamTimeoutMs: 60_000 }, async (url, close) => {
    const port = portOf(upstream);
    await new Promise((done) => upstream.close(done));
    for (let time = 0; time < 4; time += 1) {
      const answer = await fetch(url);
      assert.deepEqual(
        [answer.status, (await answer.text()).includes('upstream-failed')],
        [502, true],
        `${time}`,
      );
    }
    await new Promise<void>((done) => upstream.listen(port, '127.0.0.1', done));
    assert.equal(await (await fetch(url)).text(), 'ok');
    await close();
  });
});

test('an upstream that takes a whole body and says nothing is 504 in the time of an answer', () => {
  const upstream = createServer((request) => void request.resume());
  return forwarding(upstream, { scheme: 'http', upstreamTimeoutMs: 300 }, async (url, close, failures) => {
    const answer = await fetch(url, { method: 'POST', body: 'x', signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 504);
    assert.ok(failures[0] instanceof Error);
    await close();
    upstream.closeAllConnections();
  });
});

test('a body that outgrows its bound is its caller’s fault, and no failure of the upstream', () => {
  const upstream = createServer((request) => void request.on('error', () => undefined).resume());
  return forwarding(upstream, { scheme: 'http', upstreamTimeoutMs: 60_000 }, async (url, close, failures) => {
    const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(1001) });
    assert.equal(answer.status, 413);
    assert.deepEqual(failures, [null]);
    await close();
    upstream.closeAllConnections();
  });
});

test('an upstream with which no connection comes about in the time of an answer is 504', () => {
  const sockets: Socket[] = [];
  return forwarding(
    // It takes what comes and never says a word, so TLS does not come about.
    createTcpServer((socket) => void sockets.push(socket.on('error', () => undefined))),
    { scheme: 'https', upstreamTimeoutMs: 300 },
    async (url, close) => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(8000) });
      assert.equal(answer.status, 504);
      await close();
      for (const socket of sockets) socket.destroy();
    },
  );
});

const portOf = (server: TcpServer) => (server.address() as AddressInfo).port;
const admitted = (upstream: string) =>
  ({
    ...{ id: 'id', identity: { subject: 'user:ann' }, address: '127.0.0.1', assertion: null },
    ...{ allowance: null, trace: null, enforcement: { snapshot: { apis: new Map() } } },
    canonical: { method: 'GET', host: 'a', path: '/x', query: '' },
    route: { api: 'orders', upstream, base: '', strip: 0 },
    decision: { input: { groups: [] }, result: { grants: [] }, memory: newMemory() },
  }) as unknown as Admission;
