import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('slow');
let world: World;
let token: string;

test.before(async () => {
  const limits = {
    headers_timeout: '1s',
    idle_timeout: '1s',
    websocket_idle: '700ms',
    progress: '2kB',
    body: '100kB',
  };
  world = await startWorld({ config: { limits } });
  const orders = (await readFile(join(world.tree.root, 'grants/apis/orders.yaml'), 'utf8')).replace(
    'limits: { rate: 600/min }',
    'limits: { rate: 600/min, body: 20kB }',
  );
  await world.push({ 'grants/apis/orders.yaml': orders });
  token = await world.issuer.token({
    sub: 'ann@example.com',
    amr: ['mfa'],
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.after(() => world.close());

/** Bodies that came whole. */
const bodies: string[] = [];
/** An upstream that bears callers who break off. */
const collect = () =>
  world.upstream.answer((request, response) => {
    let body = '';
    request.on('error', () => undefined);
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(body);
      response.end('{}');
    });
  });
test.before.each(collect);

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const head = (method: string, extra: string[] = []) =>
  [
    `${method} /orders/v1/orders HTTP/1.1`,
    'Host: a',
    `Authorization: Bearer ${token}`,
    ...extra,
    '',
    '',
  ].join('\r\n');
const open = (text = ''): Promise<Socket & { text: string; ended: Promise<number> }> => {
  const { hostname, port } = new URL(world.gateway.url);
  return new Promise((done) => {
    const began = performance.now();
    const socket = connect({ port: Number(port), host: hostname });
    const ended = new Promise<number>((over) => socket.once('close', () => over(performance.now() - began)));
    const result = Object.assign(socket, { text: '', ended });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      result.text += chunk.toString('latin1');
    });
    socket.once('connect', () => {
      socket.write(text);
      done(result);
    });
  });
};
/** Writes pieces until the connection ends. */
async function trickle(socket: Socket, piece: string, everyMs: number, times: number): Promise<void> {
  for (let count = 0; count < times && !socket.destroyed; count += 1) {
    socket.write(piece);
    await pause(everyMs);
  }
}
const cuts = async (what: string) =>
  Number(
    new RegExp(`^grantgate_slow_callers_cut_total\\{waited_for="${what}"\\} (\\d+)$`, 'm').exec(
      await world.metrics(),
    )?.[1] ?? 0,
  );

test('a connection that says nothing, and one that sends its headers byte by byte, end with the header time', async () => {
  const [silent, slow] = [await open(), await open('GET / HTTP/1.1\r\n')];
  void trickle(slow, 'a', 100, 600);
  for (const socket of [silent, slow]) assert.ok((await socket.ended) < 45_000);
  assert.match(slow.text, /^HTTP\/1\.1 408 /);
});

test('a body that trickles is cut, though it is never silent; one that moves is taken', async () => {
  const before = await cuts('body');
  const slow = await open(head('POST', ['Content-Length: 1000']));
  const moving = await open(head('POST', ['Content-Length: 15000', 'Connection: close']));
  void trickle(slow, 'x', 100, 600);
  void trickle(moving, 'x'.repeat(500), 100, 30);
  assert.ok((await slow.ended) < 45_000);
  assert.doesNotMatch(slow.text, /200/);
  await moving.ended;
  assert.match(moving.text, /^HTTP\/1\.1 200 /);
  assert.equal(bodies.at(-1)?.length, 15_000);
  assert.equal(await cuts('body'), before + 1);
});

test('chunk extensions, trailers and chunks of a byte are no progress of a body', async () => {
  const before = await cuts('body');
  const post = head('POST', ['Transfer-Encoding: chunked']);
  // Each piece is larger than what must move in a window; none holds more than a byte of the body.
  const senders: [string, string][] = [
    [post, `1;${'x'.repeat(3000)}\r\nx\r\n`],
    [post, '1\r\nx\r\n'.repeat(2)],
    [`${post}1;`, 'x'.repeat(40)],
    [`${post}0\r\n`, `X-A: ${'x'.repeat(40)}\r\n`],
  ];
  const sockets = await Promise.all(
    senders.map(async ([begin, piece]) => {
      const socket = await open(begin);
      void trickle(socket, piece, 100, 600);
      return socket;
    }),
  );
  for (const socket of sockets) {
    assert.ok((await socket.ended) < 45_000);
    assert.doesNotMatch(socket.text, /^HTTP\/1\.1 200/);
  }
  const moving = await open(head('POST', ['Transfer-Encoding: chunked', 'Connection: close']));
  await trickle(moving, `1f4;a=b\r\n${'x'.repeat(500)}\r\n`, 100, 30);
  moving.write('0\r\n\r\n');
  await moving.ended;
  assert.match(moving.text, /^HTTP\/1\.1 200 /);
  assert.ok((await cuts('body')) >= before + 4);
});

test('a body is not cut because its upstream takes it slowly', async () => {
  world.upstream.answer((request, response) => {
    setTimeout(() => request.resume().once('end', () => response.end('late')), 2200);
  });
  const socket = await open(
    head('POST', ['Content-Length: 18000', 'Connection: close']) + 'x'.repeat(18_000),
  );
  await socket.ended;
  assert.match(socket.text, /^HTTP\/1\.1 200 .*late$/s);
});

test('a caller that takes its answer a few bytes at a time is cut; its upstream is let go', async () => {
  const before = await cuts('answer');
  const released = new Promise((done) => {
    world.upstream.answer((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000)));
        response.once('drain', more);
      };
      more();
      response.once('close', () => done(true));
    });
  });
  const { hostname, port } = new URL(world.gateway.url);
  const reader = connect({
    port: Number(port),
    host: hostname,
    onread: { buffer: Buffer.alloc(50), callback: () => false },
  });
  reader.on('error', () => undefined);
  reader.write(head('GET'));
  const timer = setInterval(() => reader.resume(), 100);
  assert.equal(await released, true);
  clearInterval(timer);
  reader.destroy();
  assert.ok((await cuts('answer')) >= before);
});

test('a body over the bound of its API is 413 before a byte of it is read; one at the bound is taken', async () => {
  const count = bodies.length;
  const refused = await raw(world.gateway.url, head('POST', ['Content-Length: 20001']));
  assert.match(refused, /^HTTP\/1\.1 413 .*"body-too-large"/s);
  const expecting = await raw(
    world.gateway.url,
    head('POST', ['Content-Length: 20001', 'Expect: 100-continue']),
  );
  assert.match(expecting, /^HTTP\/1\.1 413 /);
  assert.equal(bodies.length, count);
  const exact = head('POST', ['Content-Length: 20000']) + 'x'.repeat(20_000);
  assert.match(await raw(world.gateway.url, exact), /^HTTP\/1\.1 200 /);
  assert.equal(bodies.length, count + 1);
});

test('a body of untold length ends at the bound: 413, and its upstream never gets it whole', async () => {
  const count = bodies.length;
  const chunk = `1388\r\n${'x'.repeat(5000)}\r\n`;
  const post = head('POST', ['Transfer-Encoding: chunked']);
  const refused = await raw(world.gateway.url, post + chunk.repeat(5));
  assert.match(refused, /^HTTP\/1\.1 413 .*"body-too-large"/s);
  await pause(50);
  assert.equal(bodies.length, count);
  assert.match(await raw(world.gateway.url, `${post}${chunk.repeat(4)}0\r\n\r\n`), /^HTTP\/1\.1 200 /);
  assert.equal(bodies.at(-1)?.length, 20_000);
});

test('a caller that breaks off a body of untold length harms nobody', async () => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const socket = await open(`${head('POST', ['Transfer-Encoding: chunked'])}5\r\nhal`);
    setTimeout(() => socket.resetAndDestroy(), attempt * 2);
    await socket.ended;
  }
  assert.match(await raw(world.gateway.url, head('GET')), /^HTTP\/1\.1 200 /);
});

test('a WebSocket on which nothing moves is closed; one that is pinged stays', async () => {
  const before = await cuts('websocket');
  world.upstream.server.on('upgrade', (_request, socket: Duplex) => {
    socket
      .on('error', () => undefined)
      .on('end', () => socket.end())
      .resume();
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
  });
  const shake = head('GET', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]);
  const [silent, lively] = [await open(shake), await open(shake)];
  void trickle(lively, '\x89\x80abcd', 200, 10);
  assert.ok((await silent.ended) < 45_000);
  assert.ok(silent.text.includes('\x88\x0f\x03\xe9nothing moved'), JSON.stringify(silent.text.slice(-40)));
  await pause(600);
  assert.equal(lively.destroyed, false);
  lively.destroy();
  assert.equal(await cuts('websocket'), before + 1);
});
