import * as assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createRecordFeed } from '../../../gateway/record/recordFeed.ts';
import { suite } from '../../_suite.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('sendDecisions');
let world: World;

test.before(async () => {
  process.env.TEST_DECISIONS_TOKEN = 'the-admin-token-of-decisions';
  world = await startWorld({
    config: { admin: { port: 0, token: { env: 'TEST_DECISIONS_TOKEN' } } },
    commit: false,
  });
  const { tree, gateway, upstream } = world;
  const { readFile } = await import('node:fs/promises');
  const orders = await readFile(`${tree.root}/grants/apis/orders.yaml`, 'utf8');
  await tree.commit({
    'grants/apis/orders.yaml': orders.replace('http://orders.internal:8080', upstream.url),
    'grants/networks.yaml': 'office: [127.0.0.0/8]\n',
  });
  await fetch(`${gateway.admin}/reload`, { method: 'POST', headers: authorization });
});
test.after(() => world.close());

const authorization = { authorization: 'Bearer the-admin-token-of-decisions' };
const follow = async (signal: AbortSignal) => {
  const response = await fetch(`${world.gateway.admin}/decisions?follow`, { headers: authorization, signal });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
  assert.ok(response.body);
  return createInterface({ input: Readable.fromWeb(response.body as never) })[Symbol.asyncIterator]();
};

test('whoever has the token sees each decision when it is on record, and those just before', async () => {
  const first = await world.get('/orders/v1/orders');
  const stop = new AbortController();
  const lines = await follow(stop.signal);
  const next = async () => JSON.parse(String((await lines.next()).value));
  assert.equal((await next()).input.operation, 'listOrders');
  const second = await world.get('/orders/v1/orders', { as: 'nobody@example.com' });
  assert.deepEqual([first.status, second.status], [200, 403]);
  const seen = await next();
  assert.deepEqual([seen.result.allow, seen.input.subject], [false, 'user:nobody@example.com']);
  assert.deepEqual(
    (await world.records()).map(({ seq }) => seq),
    [1, 2],
  );
  stop.abort();
  const past = await fetch(`${world.gateway.admin}/decisions`, { headers: authorization });
  assert.equal((await past.text()).trimEnd().split('\n').length, 2);
});

test('without the token nobody sees any', async () => {
  for (const path of ['/decisions', '/decisions?follow']) {
    assert.equal((await fetch(`${world.gateway.admin}${path}`)).status, 401);
    assert.equal(
      (await fetch(`${world.gateway.admin}${path}`, { headers: { authorization: 'Bearer wrong' } })).status,
      401,
    );
  }
  const head = `HEAD /decisions?follow HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization.authorization}\r\nConnection: close\r\n\r\n`;
  assert.match(await raw(world.gateway.admin, head), /^HTTP\/1\.1 200 /);
});

test('so many may follow, and who goes makes room', async () => {
  const stops = Array.from({ length: 16 }, () => new AbortController());
  for (const { signal } of stops) await follow(signal);
  const more = () => fetch(`${world.gateway.admin}/decisions?follow`, { headers: authorization });
  const refused = await more();
  assert.deepEqual(
    [refused.status, ((await refused.json()) as { code: string }).code],
    [503, 'decisions-busy'],
  );
  for (const stop of stops) stop.abort();
  for (let tries = 0; ; tries += 1) {
    const response = await more();
    await response.body?.cancel();
    if (response.status === 200) break;
    assert.ok(tries < 600, 'nobody made room');
    await new Promise((done) => setTimeout(done, 20));
  }
});

test('the feed keeps the newest lines in their order, and hands on to whoever follows', () => {
  const feed = createRecordFeed(3);
  assert.deepEqual(feed.recent(), []);
  feed.push(['1', '2']);
  assert.deepEqual(feed.recent(), ['1', '2']);
  const heard: string[] = [];
  const stop = feed.follow((lines) => heard.push(...lines));
  feed.push(['3', '4']);
  stop();
  feed.push(['5']);
  assert.deepEqual([feed.recent(), heard, feed.followers], [['3', '4', '5'], ['3', '4'], 0]);
});
