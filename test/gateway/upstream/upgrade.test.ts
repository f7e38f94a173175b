import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { handshake, raw, startWorld, switched, type World } from '../_gateway.ts';
import { frame } from './_frame.ts';

const test = suite('upgrade');
let world: World;
let token: string;

test.before(async () => {
  world = await startWorld({ config: { limits: { upstream_timeout: '1s' } } });
  token = await world.issuer.token({
    sub: 'cleo@example.com',
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.after(() => world.close());

/** All that comes until the gateway ends the connection, which it does after each of these answers. */
const ask = () => raw(world.gateway.url, handshake(token), Infinity);
/** How the upstream meets handshakes from now on. */
const upstream = (answer: (socket: Duplex) => void) => {
  world.upstream.server.removeAllListeners('upgrade');
  world.upstream.server.on('upgrade', (_request, socket: Duplex) => {
    // Node leaves such a socket half open.
    socket.on('error', () => undefined).on('end', () => socket.destroy());
    socket.resume();
    answer(socket);
  });
};
const gauge = async () =>
  Number(/^grantgate_upgraded_connections (\d+)$/m.exec(await world.metrics())?.[1] ?? Number.NaN);

test('an open connection whose upstream breaks ends, without an HTTP answer among its frames', async () => {
  upstream((socket) => {
    socket.write(switched);
    setTimeout(() => (socket as Socket).resetAndDestroy(), 50);
  });
  const text = await ask();
  assert.match(text, /^HTTP\/1\.1 101 /);
  assert.doesNotMatch(text, /502/);
  await until(async () => (await gauge()) === 0);
});

test('a silent upstream is 504 in time, and one that is gone is 502', async () => {
  upstream(() => undefined);
  assert.match(await ask(), /^HTTP\/1\.1 504 .*"upstream-timeout"/s);
  upstream((socket) => socket.destroy());
  assert.match(await ask(), /^HTTP\/1\.1 502 .*"upstream-failed"/s);
});

test('a caller that goes before the upstream has answered leaves nothing behind', async () => {
  let closed = 0;
  let asked = 0;
  upstream((socket) => {
    asked += 1;
    socket.once('close', () => {
      closed += 1;
    });
  });
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname, () => socket.write(handshake(token)));
  await until(() => asked === 1);
  socket.destroy();
  await until(() => closed === 1);
  await until(async () => (await gauge()) === 0);
});

test('an upstream that refuses is heard, and one that dies while it refuses keeps nobody waiting', async () => {
  upstream((socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
  assert.match(await ask(), /^HTTP\/1\.1 403 .*\r\n\r\nno$/s);
  upstream((socket) => {
    socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 20\r\n\r\nno');
    setTimeout(() => socket.destroy(), 50);
  });
  const started = Date.now();
  await ask();
  // It would have waited for more until that time.
  assert.ok(Date.now() - started < 45_000);
});

test('an upstream with an IPv6 address is reached, plainly and by WebSocket', async () => {
  const server = createServer((_request, response) => response.end('six'));
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.send('six'));
  await new Promise<void>((done) => server.listen(0, '::1', done));
  const { port } = server.address() as AddressInfo;
  const file = 'grants/apis/orders.yaml';
  const before = await readFile(`${world.tree.root}/${file}`, 'utf8');
  await world.push({ [file]: before.replace(world.upstream.url, `http://[::1]:${port}`) });
  try {
    assert.equal(await (await world.get('/orders/v1/orders')).text(), 'six');
    const socket = new WebSocket(`${world.gateway.url.replace('http', 'ws')}/orders/v1/orders`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const message = await new Promise((done) => {
      socket.once('message', (data) => done(String(data)));
      socket.once('error', done);
    });
    assert.equal(message, 'six');
    socket.terminate();
  } finally {
    await world.push({ [file]: before });
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  }
});

/** Opens a connection whose upstream says this first; answers with what tells all that came once both sides have ended. */
async function opened(first: Buffer): Promise<() => Promise<Buffer>> {
  const left = new Promise((done) => {
    upstream((socket) => {
      socket.once('close', done);
      // The first bytes come together with the answer; they must be followed too.
      socket.write(Buffer.concat([Buffer.from(switched), first]));
    });
  });
  const { hostname, port } = new URL(world.gateway.url);
  const socket = connect(Number(port), hostname, () => socket.write(handshake(token)));
  const ended = once(socket, 'close');
  let came = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    came = Buffer.concat([came, chunk]);
  });
  await until(() => came.includes(first));
  return async () => {
    await Promise.all([ended, left]);
    return came.subarray(came.indexOf('\r\n\r\n') + 4);
  };
}

test('a revocation sends a close frame between two frames, none inside one, and ends the upstream’s side', async () => {
  const whole = frame(300, false);
  const [between, inside] = [await opened(whole), await opened(whole.subarray(0, 200))];
  await world.push({ 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null });
  const close = Buffer.concat([Buffer.from([0x88, 16, 0x03, 0xf0]), Buffer.from('access revoked')]);
  assert.deepEqual(await between(), Buffer.concat([whole, close]));
  assert.deepEqual(await inside(), whole.subarray(0, 200));
});
