import * as assert from 'node:assert/strict';
import { Agent, request as send } from 'node:http';
import { connect, type Socket } from 'node:net';
import { suite } from '../../_suite.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('forward');
let world: World;
let token: string;

test.before(async () => {
  world = await startWorld();
  token = await world.issuer.token({
    sub: 'ann@example.com',
    amr: ['mfa'],
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.after(() => world.close());

const path = '/orders/v1/orders';
const ask = (line: string, extra: string[] = []) =>
  raw(
    world.gateway.url,
    [line, 'Host: a', `Authorization: Bearer ${token}`, 'Connection: close', ...extra, '', ''].join('\r\n'),
  );

test('a kept connection that its upstream just closed costs no safe request, and repeats no other', async () => {
  const used = new WeakSet<Socket>();
  let seen: string[] = [];
  world.upstream.answer((request, response) => {
    seen.push(request.method ?? '');
    // Each connection answers once and breaks under the second request.
    if (used.has(request.socket)) request.socket.destroy();
    else {
      used.add(request.socket);
      response.end('ok');
    }
  });
  for (let round = 0; round < 6; round += 1) assert.equal((await world.get(path)).status, 200);
  assert.ok(seen.length > 6);
  seen = [];
  const posts: number[] = [];
  for (let round = 0; round < 4; round += 1)
    posts.push((await world.get(path, { method: 'POST', body: 'x' })).status);
  assert.ok(posts.includes(502));
  assert.equal(seen.length, posts.length);
  world.upstream.answer(null);
});

test('the answer to a request that was repeated comes whole, however it is cut', async () => {
  const used = new WeakSet<Socket>();
  let broken = 0;
  world.upstream.answer((request, response) => {
    if (used.has(request.socket)) {
      broken += 1;
      request.socket.destroy();
      return;
    }
    used.add(request.socket);
    response.writeHead(200, { 'content-length': 5 });
    response.write('ab');
    setTimeout(() => response.end('cde'), 20);
  });
  const get = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;
  for (let round = 0; round < 4; round += 1)
    assert.match(await raw(world.gateway.url, get), /^HTTP\/1\.1 200 .*\r\n\r\nabcde$/s);
  assert.ok(broken > 0);
  world.upstream.answer(null);
});

test('an upstream that only ever closes is asked twice and no more', async () => {
  let seen = 0;
  world.upstream.answer((request) => {
    seen += 1;
    request.socket.destroy();
  });
  const records = (await world.records()).length;
  assert.equal((await world.get(path)).status, 502);
  assert.ok(seen <= 2);
  assert.equal((await world.records()).length, records + 1);
  world.upstream.answer(null);
});

test('three hundred open streams of one upstream keep nobody else waiting', async () => {
  await world.push({ 'grants/apis/orders.yaml': await relaxed() });
  world.passed.ms += 60_000;
  const abort = new AbortController();
  world.upstream.answer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    if (request.url?.endsWith('?done')) response.end('done');
  });
  const streams = await Promise.all(
    Array.from({ length: 300 }, () => world.get(path, { signal: abort.signal })),
  );
  assert.ok(streams.every(({ status }) => status === 200));
  const response = await world.get(`${path}?done`, { signal: AbortSignal.timeout(3000) });
  assert.equal(await response.text(), 'done');
  abort.abort();
  world.upstream.answer(null);
});

test('trailers reach the client', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('a');
    response.addTrailers({ 'x-sum': '1' });
    response.end();
  });
  assert.match(await ask(`GET ${path} HTTP/1.1`), /\r\n0\r\nx-sum: 1\r\n\r\n$/);
  assert.match(await ask(`GET ${path} HTTP/1.0`), /\r\n\r\na$/);
  world.upstream.answer(null);
});

test('a body keeps the length that the caller announced, and one without is sent in chunks', async () => {
  const announced: (string | undefined)[][] = [];
  world.upstream.answer((request, response) => {
    announced.push([request.headers['content-length'], request.headers['transfer-encoding']]);
    request.resume().on('end', () => response.end());
  });
  for (const body of ['abc', new Blob(['abc']).stream()])
    await fetch(`${world.gateway.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body,
      ...{ duplex: 'half' },
    });
  world.upstream.answer(null);
  assert.deepEqual(announced, [
    ['3', undefined],
    [undefined, 'chunked'],
  ]);
});

test('an upload that its upstream answers early gets that answer', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(413, { 'content-length': '3' });
    response.end('big');
  });
  const answer = new Promise<string>((done) => {
    const upload = send(
      `${world.gateway.url}${path}`,
      { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-length': '1000000' } },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => done(`${response.statusCode} ${text}`));
      },
    );
    upload.on('error', (error) => done(String(error)));
    upload.write('the beginning');
  });
  assert.equal(await answer, '413 big');
  world.upstream.answer(null);
});

test('bytes above ASCII in headers pass as they are, both ways', async () => {
  world.upstream.answer((request) => {
    const name = request.headers['x-name'];
    request.socket.end(
      Buffer.from(`HTTP/1.1 200 OK\r\nX-Back: ${name}\r\nContent-Length: 0\r\n\r\n`, 'latin1'),
    );
  });
  const text = await ask(`GET ${path} HTTP/1.1`, ['X-Name: M\u00fcller']);
  assert.match(text, /x-back: M\u00c3\u00bcller\r\n/i);
  world.upstream.answer(null);
});

test('answers without a body keep their headers and their silence', async () => {
  world.upstream.answer((request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-length': '1234' });
    else response.writeHead(request.url?.endsWith('?304') ? 304 : 204, { etag: '"x"' });
    response.end();
  });
  assert.match(await ask(`HEAD ${path} HTTP/1.1`), /^HTTP\/1\.1 200 .*content-length: 1234\r\n.*\r\n\r\n$/s);
  assert.match(await ask(`GET ${path} HTTP/1.1`), /^HTTP\/1\.1 204 .*etag: "x"\r\n.*\r\n\r\n$/s);
  assert.match(await ask(`GET ${path}?304 HTTP/1.1`), /^HTTP\/1\.1 304 .*etag: "x"\r\n.*\r\n\r\n$/s);
  world.upstream.answer(null);
});

test('a short answer of any bytes arrives as it is, and the connection is good for the next', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length, 'x-name': 'M\u00fcller' });
    response.end(bytes);
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<Socket>();
  const once = () =>
    new Promise<Buffer>((done, fail) => {
      const headers = { authorization: `Bearer ${token}` };
      const asked = send(`${world.gateway.url}${path}`, { agent, headers }, (response) => {
        sockets.add(response.socket);
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => done(Buffer.concat(parts)));
        response.on('error', fail);
      });
      asked.on('error', fail).end();
    });
  for (let round = 0; round < 3; round += 1) assert.deepEqual(await once(), bytes);
  assert.equal(sockets.size, 1);
  agent.destroy();
  world.upstream.answer(null);
});

test('neither the headers nor the first bytes of an answer wait for the rest', async () => {
  const step = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.upstream.answer(async (_request, response) => {
    response.writeHead(200, { 'content-length': '5' });
    response.flushHeaders();
    await step[0]?.promise;
    response.write('ab');
    await step[1]?.promise;
    response.write('c');
    await step[2]?.promise;
    response.end('de');
  });
  let text = '';
  const got = (until: RegExp) =>
    new Promise<void>((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`after 5 s there is only ${text}`)), 5000);
      const look = () => {
        if (!until.test(text)) return;
        clearTimeout(timer);
        socket.off('data', look);
        done();
      };
      socket.on('data', look);
      look();
    });
  const socket = connect(Number(new URL(world.gateway.url).port), '127.0.0.1');
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await got(/\r\n\r\n$/);
  step[0]?.resolve();
  await got(/\r\n\r\nab$/);
  step[1]?.resolve();
  await got(/\r\n\r\nabc$/);
  step[2]?.resolve();
  await got(/\r\n\r\nabcde$/);
  socket.destroy();
  world.upstream.answer(null);
});

test('requests sent in one packet are answered in their order', async () => {
  world.upstream.answer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://a');
    const body = `<${searchParams.get('n')}>`;
    const answer = () => response.writeHead(200, { 'content-length': body.length }).end(body);
    // The first one takes longest.
    setTimeout(answer, 60 - 20 * Number(searchParams.get('n')));
  });
  const one = (n: number, last: boolean) =>
    `GET ${path}?n=${n} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
  const text = await raw(world.gateway.url, one(1, false) + one(2, false) + one(3, true), 3);
  assert.deepEqual(text.match(/<\d>/g), ['<1>', '<2>', '<3>']);
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 3);
  world.upstream.answer(null);
});

async function relaxed(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(`${world.tree.root}/grants/apis/orders.yaml`, 'utf8');
  return text.replace(/rate: [^ }]+/, 'rate: 999999/s');
}
