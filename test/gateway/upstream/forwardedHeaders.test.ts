import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { createForwardedHeaders } from '../../../gateway/upstream/forwardedHeaders.ts';
import { suite } from '../../_suite.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('forwarded headers');

type Mode = Parameters<typeof createForwardedHeaders>[0];
/** What an upstream is told of a request to /api/x, of which /api is taken away. */
function told(mode: Mode, headers: Record<string, string> = {}, address = '192.0.2.7', peer = address) {
  const into: string[] = [];
  createForwardedHeaders(mode)(
    { headers, socket: { remoteAddress: peer, localPort: 8080 } } as never,
    { address, canonical: { host: 'api.example.com', path: '/api/x' }, route: { strip: 4 } } as never,
    into,
  );
  return Object.fromEntries(into.flatMap((name, at) => (at % 2 === 0 ? [[name, into[at + 1]]] : [])));
}
const plain = {
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-host': 'api.example.com',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '8080',
  'x-forwarded-prefix': '/api',
};

test('an upstream is told in the way that is configured, in both, or not at all', () => {
  const forwarded = 'for=192.0.2.7;host=api.example.com;proto=http';
  assert.deepEqual(told('x-forwarded'), plain);
  assert.deepEqual(told('forwarded'), { forwarded });
  assert.deepEqual(told('both'), { ...plain, forwarded });
  assert.deepEqual(told('off'), {});
  assert.equal(
    told('forwarded', {}, '2001:db8::1').forwarded,
    'for="[2001:db8::1]";host=api.example.com;proto=http',
  );
  assert.equal(told('forwarded', {}, 'unknown').forwarded, 'for=unknown;host=api.example.com;proto=http');
});

const said = {
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '8443',
  'x-forwarded-prefix': '/edge',
  forwarded: 'for=203.0.113.9;host=evil.example.com',
};

test('a trusted proxy is believed about scheme, port and prefix, and nobody else', () => {
  assert.deepEqual(told('x-forwarded', said), plain);
  assert.deepEqual(told('x-forwarded', said, '192.0.2.7', '10.0.0.1'), {
    ...plain,
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '8443',
    'x-forwarded-prefix': '/edge/api',
  });
  assert.equal(
    told('forwarded', said, '192.0.2.7', '10.0.0.1').forwarded,
    'for=192.0.2.7;host=api.example.com;proto=https',
  );
  assert.equal(
    told('x-forwarded', { 'x-forwarded-proto': 'https' }, '192.0.2.7', '10.0.0.1')['x-forwarded-port'],
    '443',
  );
});

test('what even a trusted proxy cannot have meant is left out', () => {
  for (const prefix of [
    '//evil.example.com',
    '/a//b',
    'edge',
    '/a\\b',
    '/a b',
    '/a/',
    '/a, /b',
    `/${'a'.repeat(300)}`,
  ])
    assert.equal(
      told('x-forwarded', { 'x-forwarded-prefix': prefix }, '192.0.2.7', '10.0.0.1')['x-forwarded-prefix'],
      '/api',
    );
  for (const port of ['0', '65536', '080', '1e3', '443, 80', ''])
    assert.equal(
      told('x-forwarded', { 'x-forwarded-port': port }, '192.0.2.7', '10.0.0.1')['x-forwarded-port'],
      '80',
    );
});

let world: World;
let orders: string;
test.before(async () => {
  world = await startWorld({
    config: { forwarded: 'both', trusted_proxies: ['127.0.0.2/32'], limits: { answer_headers: 40_000 } },
  });
  orders = await readFile(join(world.tree.root, 'grants/apis/orders.yaml'), 'utf8');
});
test.after(() => world.close());

test('what callers send of these headers reaches no upstream, and nothing is appended to it', async () => {
  const headers = { ...said, 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'evil.example.com' };
  assert.equal((await world.get('/orders/v1/orders', { headers })).status, 200);
  const seen = world.upstream.received.at(-1)?.headers ?? {};
  const port = new URL(world.gateway.url).port;
  assert.deepEqual(seen.forwarded, ['for=127.0.0.1;host=127.0.0.1;proto=http']);
  assert.deepEqual(seen['x-forwarded-for'], ['127.0.0.1']);
  assert.deepEqual(seen['x-forwarded-proto'], ['http']);
  assert.deepEqual(seen['x-forwarded-port'], [port]);
  assert.deepEqual(seen['x-forwarded-prefix'], ['/orders']);
});

/** Asks with a Host of its own, for a WebSocket or plainly; the Host header that the upstream got. */
async function hostSeen(upgrade: boolean): Promise<string | undefined> {
  let seen: string | undefined;
  world.upstream.answer((request, response) => {
    seen = request.headers.host;
    response.end('{}');
  });
  const token = await world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
  const websocket =
    'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  const answer = await raw(
    world.gateway.url,
    `GET /orders/v1/orders HTTP/1.1\r\nhost: API.Example.com.:8443\r\nauthorization: Bearer ${token}\r\n${upgrade ? websocket : 'connection: close\r\n'}\r\n`,
  );
  world.upstream.answer(null);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  return seen;
}

test('an API gets its own name as Host, or that of the caller where it asks for it, for WebSockets too', async () => {
  const own = new URL(world.upstream.url).host;
  for (const upgrade of [false, true]) assert.equal(await hostSeen(upgrade), own);
  await world.push({ 'grants/apis/orders.yaml': `${orders}host_header: caller\n` });
  for (const upgrade of [false, true]) assert.equal(await hostSeen(upgrade), 'api.example.com:8443');
});

test('an API proves itself by its own name, whatever Host it gets', async () => {
  const names: string[] = [];
  const server = createServer({
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const upstream = `https://localhost:${(server.address() as AddressInfo).port}`;
  try {
    await world.push({
      'grants/apis/orders.yaml': `${orders.replace(world.upstream.url, upstream)}host_header: caller\n`,
    });
    const token = await world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
    const base = `GET /orders/v1/orders HTTP/1.1\r\nhost: evil.example.com\r\nauthorization: Bearer ${token}\r\n`;
    const websocket =
      'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    for (const rest of ['connection: close\r\n\r\n', websocket])
      assert.match(await raw(world.gateway.url, base + rest), /^HTTP\/1\.1 502 /);
    assert.deepEqual([...new Set(names)], ['localhost']);
    assert.ok(names.length >= 2, String(names));
  } finally {
    server.close();
    await world.push({ 'grants/apis/orders.yaml': orders });
  }
});

test('headers of an answer pass up to the size that is configured, and not beyond', async () => {
  const answers = (size: number) =>
    world.upstream.answer((_, response) => {
      for (let at = 0; at < size / 1000; at += 1) response.setHeader(`x-part-${at}`, 'x'.repeat(980));
      response.end('{}');
    });
  for (const [size, status] of [
    [30_000, 200],
    [60_000, 502],
  ] as const) {
    answers(size);
    const token = await world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
    const answer = await raw(
      world.gateway.url,
      `GET /orders/v1/orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`,
    );
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(answer.length > 20_000, status === 200);
  }
  world.upstream.answer(null);
});
