import * as assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { readUsage } from '../../../reviewer/evidence/usage.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { headOf } from '../../bundle/_repository.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('revocation');
let world: World;
let token: string;
/** The commit that gives what the tests take. */
let clean: string;
/** Records and closings of former tests. */
let former = { records: 0, closings: 0 };
const annsToken = () =>
  world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'], exp: world.clock.now / 1000 + 600 });
const start = async () => {
  world = await startWorld();
  clean = headOf(world.tree.root);
};
test.before(start);
test.before.each(async () => {
  world.upstream.answer(null);
  if (headOf(world.tree.root) !== clean) {
    const orders = ['ann', 'dana'].map((who) => [`grants/access/orders/${who}.yaml`, null]);
    await world.push({ ...given, ...Object.fromEntries(orders) });
    clean = headOf(world.tree.root);
  }
  former = { records: (await world.records()).length, closings: (await world.closings()).length };
  token = await annsToken();
});
test.after(() => world.close());
const records = async () => (await world.records()).slice(former.records);
const closings = async () => (await world.closings()).slice(former.closings);

const path = '/orders/v1/orders';
const billing = 'grants/access/orders/billing.yaml';
const given = {
  [billing]: sampleFiles[billing] ?? '',
  'grants/review.yaml': sampleFiles['grants/review.yaml'] ?? '',
};
const revoke = { [billing]: null, 'grants/review.yaml': null };
type Caller = { socket: Socket; text: () => string; closed: Promise<unknown> };
/** A request over a connection of its own. */
const ask = (line: string, bearer = token, extra: string[] = []): Promise<Caller> => {
  const { hostname, port } = new URL(world.gateway.url);
  return new Promise((done) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        [`${line} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${bearer}`, ...extra, '', ''].join('\r\n'),
      );
      done({ socket, text: () => text, closed });
    });
    let text = '';
    const closed = new Promise((end) => socket.once('close', end));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (text.length < 10_000) text += chunk.toString('latin1');
    });
  });
};
const tells = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: begin\n\n');
};
const number = async (name: string) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await world.metrics())?.[1] ?? Number.NaN);

test('the end of a stream is on record: who, what, by which grants, let in and closed by which revisions', async () => {
  world.upstream.answer((_request, response) => tells(response));
  const stream = await ask(`GET ${path}`);
  await until(() => stream.text().includes('begin'));
  const [admitted] = await records();
  await world.push(revoke);
  await stream.closed;
  // Its framing is not brought to an end: half an answer must not pass for a whole one.
  assert.doesNotMatch(stream.text(), /\r\n0\r\n\r\n$/);
  const [closing, ...more] = await closings();
  assert.deepEqual(more, []);
  const { timestamp, ...rest } = closing ?? { timestamp: '' };
  assert.equal(timestamp, new Date(world.clock.now).toISOString());
  assert.deepEqual(rest, {
    decision_id: admitted?.decision_id,
    instance: 'gw-1',
    seq: (admitted?.seq ?? 0) + 1,
    event: 'stream-closed',
    bundles: { grantgate: { revision: admitted?.bundles.grantgate.revision } },
    closed_by: { revision: world.gateway.revision() },
    reason: 'revoked',
    subject: 'user:ann@example.com',
    api: 'orders',
    operation: 'listOrders',
    grants: ['orders-billing-read'],
  });
  assert.notEqual(closing?.closed_by.revision, closing?.bundles.grantgate.revision);
});

test('a record tells that a grant or a credential had ended, by one revision', async () => {
  world.upstream.answer((_request, response) => tells(response));
  const stream = await ask(`GET ${path}`);
  await until(() => stream.text().includes('begin'));
  world.clock.now += 601_000;
  await stream.closed;
  const [closing] = await closings();
  assert.equal(closing?.reason, 'credential-expired');
  assert.equal(closing?.closed_by.revision, closing?.bundles.grantgate.revision);
});

test('a download under way is cut, also at the upstream', async () => {
  const ended = new Promise<boolean>((done) => {
    world.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000000000' });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000)));
        response.once('drain', more);
      };
      more();
      response.once('close', () => done(response.writableFinished));
    });
  });
  const stream = await ask(`GET ${path}`);
  await until(() => stream.socket.bytesRead > 1_000_000);
  await world.push(revoke);
  await stream.closed;
  assert.equal(await ended, false);
  assert.ok(stream.socket.bytesRead < 1_000_000_000);
});

test('an upload under way is cut: the upstream sees it end unfinished', async () => {
  let upload: IncomingMessage | undefined;
  let got = 0;
  const ended = new Promise<boolean>((done) => {
    world.upstream.answer((request) => {
      upload = request;
      request.on('data', (chunk: Buffer) => {
        got += chunk.length;
      });
      request.on('error', () => undefined);
      request.once('close', () => done(request.complete));
    });
  });
  const stream = await ask(`POST ${path}`, token, ['Content-Length: 10000000']);
  stream.socket.write(Buffer.alloc(100_000));
  await until(() => upload !== undefined && got === 100_000);
  await world.push(revoke);
  await stream.closed;
  assert.equal(await ended, false);
});

test('a request whose answer has not begun is told; the upstream sees its side end, and its late answer goes nowhere', async () => {
  let arrived = false;
  const ended = new Promise<boolean>((done) => {
    world.upstream.answer((_request, response) => {
      arrived = true;
      response.once('close', () => done(response.writableFinished));
    });
  });
  const waiting = world.get(path);
  await until(() => arrived);
  await world.push(revoke);
  const answer = await waiting;
  assert.deepEqual([answer.status, answer.headers.get('content-type')], [403, 'application/problem+json']);
  const [closing] = await closings();
  assert.equal(closing?.reason, 'revoked');
  const { code, decision_id } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual([code, decision_id], ['access-ended', closing?.decision_id]);
  assert.equal(await ended, false);
  assert.deepEqual(await (await world.get(path)).json().then(({ code: next }) => next), 'no-grant');
});

test('only streams whose lines changed are decided again', async () => {
  const other = await world.issuer.token({ sub: 'cleo@example.com', exp: world.clock.now / 1000 + 600 });
  world.upstream.answer((_request, response) => tells(response));
  const streams = await Promise.all(
    Array.from({ length: 40 }, (_, i) => ask(`GET ${path}`, i < 10 ? token : other)),
  );
  await until(() => streams.every(({ text }) => text().includes('begin')));
  const decided = () => number('grantgate_streams_decided_again_total');
  const own = (who: string, reason: string) => ({
    [`grants/access/orders/${who}.yaml`]: `- id: orders-${who}
  principal: user:${who}@example.com
  api: orders
  role: reader
  reason: ${reason}
  owner: group:billing
  granted: 2026-03-01
`,
  });
  const before = await decided();
  // A grant of somebody who has no stream here.
  await world.push(own('dana', 'Touches nobody here'));
  assert.equal(await decided(), before);
  // One of Ann's lines: her ten, none of the others; all stay.
  await world.push(own('ann', 'One more'));
  assert.equal(await decided(), before + 10);
  assert.equal((await closings()).length, 0);
  await world.push(revoke);
  // The group's line was everybody's.
  assert.equal(await decided(), before + 50);
  await Promise.all(streams.slice(10).map(({ closed }) => closed));
  assert.equal((await closings()).length, 30);
  assert.ok(streams.slice(0, 10).every(({ socket }) => !socket.destroyed));
  for (const { socket } of streams) socket.destroy();
});

test('a hundred and fifty open streams end with the push', async () => {
  world.upstream.answer((_request, response) => tells(response));
  const streams = await Promise.all(Array.from({ length: 150 }, () => ask(`GET ${path}`)));
  await until(() => streams.every(({ text }) => text().includes('begin')));
  await world.push(revoke);
  await Promise.all(streams.map(({ closed }) => closed));
  assert.equal((await closings()).length, 150);
});

test('the reviewer reads such a log: no gap, and no use more', async () => {
  await world.close();
  await start();
  token = await annsToken();
  world.upstream.answer((_request, response) => tells(response));
  const stream = await ask(`GET ${path}`);
  await until(() => stream.text().includes('begin'));
  await world.push(revoke);
  await stream.closed;
  world.upstream.answer(null);
  assert.equal((await world.get(path)).status, 403);
  await world.gateway.close();
  const asOf = world.clock.now / 1000 + 1;
  const usage = await readUsage({ sources: [`${world.folder}/.grantgate/decisions`], asOf, since: 0 });
  assert.deepEqual(
    (await usage.uses()).map(({ grant, count }) => [grant, count]),
    [['orders-billing-read', 1]],
  );
  assert.equal(usage.records, 2);
  assert.deepEqual(usage.instances[0]?.gaps, []);
  await usage.close();
});
