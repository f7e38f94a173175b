import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { startUpstream, type Upstream } from '../../demo/upstream.ts';
import { suite } from '../_suite.ts';

const test = suite('upstream');
let upstream: Upstream;

test.before(async () => {
  upstream = await startUpstream({ api: 'orders', everyMs: 20 });
});
test.after(() => upstream.close());

type Body = { items?: { id: string }[]; id?: string; note?: string; total?: string; received?: unknown };

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(upstream.url + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { response, status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Body };
}

test('lists and reads seeded entries, and knows no others', async () => {
  const list = await call('GET', '/v1/orders');
  assert.equal(list.status, 200);
  assert.equal(list.body.items?.[0]?.id, 'ord-1001');
  assert.equal((await call('GET', '/v1/orders/ord-1001')).body.id, 'ord-1001');
  assert.equal((await call('GET', '/v1/orders/ord-9999')).status, 404);
});

test('creates, changes and deletes an entry', async () => {
  const made = await call('POST', '/v1/orders', { note: 'first' });
  assert.equal(made.status, 201);
  const path = made.response.headers.get('location') ?? '';
  assert.equal((await call('PATCH', path, { total: '5.00' })).body.note, 'first');
  assert.equal((await call('PUT', path, { total: '6.00' })).body.note, undefined);
  assert.equal((await call('DELETE', path)).status, 204);
  assert.equal((await call('GET', path)).status, 404);
});

test('refuses bodies that are no JSON object or too large', async () => {
  assert.equal((await call('POST', '/v1/orders', '[1]')).status, 400);
  assert.equal((await call('POST', '/v1/orders', '{')).status, 400);
  assert.equal((await call('POST', '/v1/orders', { note: 'x'.repeat(70_000) })).status, 400);
});

test('tells whom it was told is calling, and keeps a log of what it received', async () => {
  const { response, body } = await call('GET', '/v1/orders', undefined, {
    'x-grantgate-subject': 'user:ann@example.com',
    'x-grantgate-grants': 'orders-read',
  });
  assert.equal(response.headers.get('x-received-subject'), 'user:ann@example.com');
  assert.deepEqual(body.received, {
    subject: 'user:ann@example.com',
    groups: null,
    grants: 'orders-read',
    decision: null,
    assertion: false,
  });
  assert.equal(upstream.requests.at(-1)?.path, '/v1/orders');
});

test('answers late where asked to', async () => {
  assert.equal((await call('GET', '/v1/slow?ms=10')).status, 200);
});

test('streams a download to its end, and stops when the reader leaves', async () => {
  const whole = await (await fetch(`${upstream.url}/v1/orders/export?lines=3&every=1`)).text();
  assert.equal(whole.trim().split('\n').length, 3);
  const stop = new AbortController();
  const long = await fetch(`${upstream.url}/v1/orders/export?lines=1000000&every=5`, { signal: stop.signal });
  assert.ok((await long.body?.getReader().read())?.value);
  stop.abort();
});

test('sends server-sent events', async () => {
  const stop = new AbortController();
  const response = await fetch(`${upstream.url}/v1/positions/events`, { signal: stop.signal });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const chunk = await response.body?.getReader().read();
  assert.match(Buffer.from(chunk?.value ?? []).toString(), /^id: 0\nevent: position\ndata: \{"lorry"/);
  stop.abort();
});

test('sends events over a WebSocket and echoes messages; other paths take none', async () => {
  const socket = new WebSocket(`${upstream.url.replace('http', 'ws')}/v1/positions/stream`);
  const seen: string[] = [];
  socket.on('message', (data) => seen.push(String(data)));
  await once(socket, 'open');
  socket.send('hello');
  while (!seen.includes('{"echo":"hello"}') || seen.length < 4) await once(socket, 'message');
  assert.ok(seen.some((text) => text.includes('"sequence":1')));
  socket.terminate();
  const other = new WebSocket(`${upstream.url.replace('http', 'ws')}/v1/orders`);
  const [error] = await once(other, 'error').catch((cause: unknown) => [cause]);
  assert.match(String(error), /404/);
  assert.equal((await call('GET', '/v1/positions/stream')).status, 426);
});

test('closes open WebSockets when it closes', async () => {
  const short = await startUpstream({ api: 'tracking' });
  const socket = new WebSocket(`${short.url.replace('http', 'ws')}/v1/positions/stream`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await short.close();
  await closed;
});
