import * as assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from './_gateway.ts';

const test = suite('connections');
let world: World;
let token: string;

test.before(async () => {
  world = await startWorld({
    config: { limits: { headers_timeout: '1s', idle_timeout: '2s', drain_timeout: '10s' } },
  });
  token = await world.issuer.token({
    sub: 'ann@example.com',
    amr: ['mfa'],
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.after(() => world.close());

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms).unref());
const head = (line: string, extra: string[] = []) =>
  [line, 'Host: api.example.com', `Authorization: Bearer ${token}`, ...extra, '', ''].join('\r\n');
const get = (extra: string[] = []) => head('GET /orders/v1/orders HTTP/1.1', extra);
const open = (allowHalfOpen = false): Promise<Socket> => {
  const { hostname, port } = new URL(world.gateway.url);
  return new Promise((done) => {
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen }, () => done(socket));
    socket.on('error', () => undefined);
  });
};
/** What never happens fails its own test instead of holding up all the others. */
const soon = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([
    promise,
    pause(9000).then(() => {
      throw new Error('it did not happen in time');
    }),
  ]);
const alive = async () => assert.match(await raw(world.gateway.url, get()), /^HTTP\/1\.1 200 /);

test('callers that ask for CONNECT and reset the connection harm nobody', async () => {
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const socket = await open();
    socket.write('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n');
    setTimeout(() => socket.resetAndDestroy(), attempt % 3);
  }
  await pause(100);
  await alive();
});

test('a refused caller that never closes its side does not keep the connection', async () => {
  for (const text of ['garbage\r\n\r\n', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const socket = await open(true);
    socket.resume();
    socket.write(text);
    await soon(new Promise((done) => socket.once('end', done)));
    await pause(1100);
    // Bytes for a connection that is gone are answered with a reset.
    const reset = new Promise((done) => socket.once('error', done));
    socket.write('x');
    await pause(50);
    socket.write('y');
    assert.ok((await soon(reset)) instanceof Error);
  }
});

test('garbage behind a request never lands in the middle of its answer', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-length': '20' });
    response.write('1234567890');
  });
  const socket = await open();
  let text = '';
  socket.on('data', (chunk) => {
    if (text === '') socket.write('garbage\r\n\r\n');
    text += chunk;
  });
  socket.write(get());
  await soon(new Promise((done) => socket.once('close', done)));
  world.upstream.answer(null);
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(text, /400/);
});

test('headers that take too long are 408, and a missing Host is a problem like any other', async () => {
  assert.match(
    await raw(world.gateway.url, 'GET / HTTP/1.1\r\nHost: a\r\n'),
    /^HTTP\/1\.1 408 .*"request-timeout"/s,
  );
  assert.match(await raw(world.gateway.url, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 .*"host-missing"/s);
});

test('a body that falls silent is cut, and the request ends at the upstream too', async () => {
  const gone = new Promise((done) => {
    world.upstream.answer((request) => {
      request.on('error', () => undefined).on('close', () => done(true));
      request.resume();
    });
  });
  const socket = await open();
  socket.write(head('POST /orders/v1/orders HTTP/1.1', ['Content-Length: 10']));
  socket.write('half');
  await soon(new Promise((done) => socket.once('close', done)));
  assert.equal(await soon(gone), true);
  world.upstream.answer(null);
});

test('a caller that takes no more of its answer is cut; one that waits for a silent stream is not', async () => {
  const ended = new Promise((done) => {
    world.upstream.answer((_request, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1_000_000)));
        response.once('drain', more);
      };
      more();
      response.once('close', () => done(true));
    });
  });
  const reader = await open();
  reader.pause();
  reader.write(get());
  assert.equal(await soon(ended), true);
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    setTimeout(() => response.end('data: 2\n\n'), 3500);
  });
  assert.match(await raw(world.gateway.url, get(['Connection: close'])), /data: 1.*data: 2/s);
  world.upstream.answer(null);
});

test('a body in a coding that its upstream would not be told of is refused', async () => {
  const post = (coding: string) =>
    raw(
      world.gateway.url,
      `${head('POST /orders/v1/orders HTTP/1.1', [`Transfer-Encoding: ${coding}`, 'Connection: close'])}2\r\nab\r\n0\r\n\r\n`,
    );
  assert.match(await post('gzip, chunked'), /^HTTP\/1\.1 400 /);
  assert.match(await post('Chunked'), /^HTTP\/1\.1 200 /);
});

test('HTTP/1.0 gets no interim answer', async () => {
  const expect = ['Content-Length: 2', 'Expect: 100-continue'];
  const [old, current] = await Promise.all(
    ['1.0', '1.1'].map((version) =>
      raw(world.gateway.url, `${head(`POST /orders/v1/orders HTTP/${version}`, expect)}ab`),
    ),
  );
  assert.match(old ?? '', /^HTTP\/1\.1 200 /);
  assert.match(current ?? '', /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test('at a shutdown a busy caller gets its answer with "close", and nobody waits out the drain time', async () => {
  const own = await startWorld();
  const bearer = await own.issuer.token({ sub: 'cleo@example.com' });
  const { hostname, port } = new URL(own.gateway.url);
  let text = '';
  const socket = connect(Number(port), hostname);
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const asked = new Promise<() => void>((done) => {
    own.upstream.answer((_request, response) => done(() => response.end('late')));
  });
  socket.write(`GET /orders/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\n\r\n`);
  const answer = await soon(asked);
  const closed = own.gateway.close();
  await pause(50);
  const ended = new Promise((done) => socket.once('close', done));
  answer();
  await closed;
  await soon(ended);
  assert.match(text, /^HTTP\/1\.1 200 .*Connection: close.*late/s);
  await own.close();
});

test('at a shutdown a slow reader still gets the end of its answer', async () => {
  const own = await startWorld();
  const bearer = await own.issuer.token({ sub: 'cleo@example.com' });
  const size = 20_000_000;
  const { hostname, port } = new URL(own.gateway.url);
  const sent = new Promise((done) => {
    own.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-length': String(size) });
      response.end(Buffer.alloc(size), () => done(true));
    });
  });
  const socket = connect(Number(port), hostname);
  socket.write(`GET /orders/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\n\r\n`);
  let got = 0;
  socket.on('data', (chunk) => {
    got += chunk.length;
    socket.pause();
    setTimeout(() => socket.resume(), 2);
  });
  await soon(sent);
  const ended = new Promise((done) => socket.once('close', done));
  await own.gateway.close();
  await soon(ended);
  assert.ok(got > size, `${got}`);
  await own.close();
});
