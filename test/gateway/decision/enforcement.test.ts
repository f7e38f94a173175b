import * as assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { headOf } from '../../bundle/_repository.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('enforcement');
let world: World;
let sockets: WebSocketServer;
const hook = 'the-webhook-secret';

/** The commit that gives what the tests take. */
let clean: string;
const start = async () => {
  process.env.TEST_WEBHOOK_SECRET = hook;
  world = await startWorld({ config: { webhook: { secret: { env: 'TEST_WEBHOOK_SECRET' } } } });
  sockets = new WebSocketServer({ server: world.upstream.server });
  sockets.on('connection', (socket, request) => {
    socket.send(JSON.stringify({ url: request.url, headers: request.headers }));
    socket.on('message', (message) => socket.send(`echo ${message}`));
  });
  clean = headOf(world.tree.root);
};
test.before(start);
test.before.each(async () => {
  world.upstream.answer(null);
  if (headOf(world.tree.root) === clean) return;
  await world.push(given);
  clean = headOf(world.tree.root);
});
test.after(() => world.close());

const path = '/orders/v1/orders';
const billing = 'grants/access/orders/billing.yaml';
const given = {
  [billing]: sampleFiles[billing] ?? '',
  'grants/review.yaml': sampleFiles['grants/review.yaml'] ?? '',
};
const revoke = { 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null };
const connect = async (as = 'ann@example.com', claims = {}) => {
  const token = await world.issuer.token({ sub: as, amr: ['mfa'], ...claims });
  const socket = new WebSocket(`${world.gateway.url.replace('http', 'ws')}${path}?x=1`, {
    headers: { authorization: `Bearer ${token}`, 'x-grantgate-subject': 'user:admin', 'x-user': 'admin' },
  });
  const opened = new Promise<string>((done, fail) => {
    socket.once('message', (message) => done(String(message)));
    socket.once('unexpected-response', (_request, response) => {
      fail(new Error(`status ${response.statusCode}`));
      socket.terminate();
    });
    // Stays, for ws also raises an error when a refused handshake is ended.
    socket.on('error', fail);
  });
  const closed = new Promise<[number, Buffer]>((done) => {
    socket.once('close', (code, reason) => done([code, reason]));
  });
  return { socket, opened, closed };
};

test('a merged revocation denies the very next request, and says what it took away', async () => {
  assert.equal((await world.get(path)).status, 200);
  const before = (await world.records()).at(-1);
  await world.push(revoke);
  const denied = await world.get(path);
  assert.equal(denied.status, 403);
  const record = (await world.records()).at(-1);
  assert.equal(record?.result.reason, 'no-grant');
  assert.notEqual(record?.bundles.grantgate.revision, before?.bundles.grantgate.revision);
  assert.deepEqual(record?.regressed, {
    revision: before?.bundles.grantgate.revision,
    grants: ['orders-billing-read'],
  });
  assert.match(
    await world.metrics(),
    /grantgate_regressed_denials_total\{api="orders",operation="listOrders"\} 1/,
  );
});

test('a signed push makes the gateway look at once; an unsigned one does nothing', async () => {
  const deliver = (signature: string) =>
    fetch(`${world.gateway.admin}/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-hub-signature-256': signature,
      },
      body,
    });
  const after = await world.tree.commit(revoke);
  const body = JSON.stringify({ ref: 'refs/heads/main', after });
  const sign = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  assert.equal((await deliver(sign('another secret'))).status, 401);
  assert.equal((await world.get(path)).status, 200);
  assert.equal((await deliver(sign(hook))).status, 202);
  await until(() => world.gateway.revision() === after);
  assert.equal((await world.get(path)).status, 403);
});

test('a commit that does not check keeps the last good revision, is told everywhere, and the next good one recovers', async () => {
  const good = world.gateway.revision();
  const failed = (await world.push({ 'grants/access/orders/broken.yaml': '- id: x\n  nonsense: 1\n' })) as {
    code?: string;
  };
  assert.equal(failed.code, 'grants-invalid');
  assert.equal(world.gateway.revision(), good);
  assert.equal((await world.get(path)).status, 200);
  const ready = await fetch(`${world.gateway.admin}/health/ready`);
  assert.equal(ready.status, 200);
  const details = JSON.stringify(await ready.json());
  assert.match(details, /failing/);
  assert.match(details, /broken\.yaml/);
  assert.match(await world.metrics(), /grantgate_bundle_failing 1/);
  assert.match(await world.metrics(), /grantgate_bundle_reloads_total\{result="grants-invalid"\} 1/);
  await world.push({ 'grants/access/orders/broken.yaml': null });
  assert.notEqual(world.gateway.revision(), good);
  assert.match(await world.metrics(), /grantgate_bundle_failing 0/);
});

test('a WebSocket passes both ways, on the decided path, with our identity headers only', async () => {
  const { socket, opened } = await connect();
  const { url, headers } = JSON.parse(await opened) as { url: string; headers: Record<string, string> };
  assert.equal(url, '/v1/orders?x=1');
  assert.equal(headers['x-grantgate-subject'], 'user:ann@example.com');
  assert.equal(headers['x-user'], undefined);
  assert.equal(headers.authorization, undefined);
  socket.send('hello');
  const [message] = await once(socket, 'message');
  assert.equal(String(message), 'echo hello');
  socket.close();
});

test('a WebSocket that is not allowed is refused before the upstream hears of it', async () => {
  let connections = 0;
  sockets.on('connection', () => {
    connections += 1;
  });
  const { opened } = await connect('bob@example.com');
  await assert.rejects(opened, /status 403/);
  assert.equal(connections, 0);
});

test('revoking closes the open WebSocket with 1008, and leaves the others alone', async () => {
  const ann = await connect();
  await ann.opened;
  const service = await connect('cleo@example.com');
  await service.opened;
  let others = 0;
  service.socket.on('close', () => {
    others += 1;
  });
  const { 'grants/access/orders/billing.yaml': billing } = {
    'grants/access/orders/billing.yaml': `- id: orders-cleo-read
  principal: user:cleo@example.com
  api: orders
  role: reader
  reason: Stays when the group's grant goes
  owner: group:billing
  granted: 2026-03-01
`,
  };
  await world.push({ 'grants/access/orders/billing.yaml': billing, 'grants/review.yaml': null });
  const [code, reason] = await ann.closed;
  assert.equal(code, 1008);
  assert.equal(String(reason), 'access revoked');
  service.socket.send('still here');
  const [message] = await once(service.socket, 'message');
  assert.equal(String(message), 'echo still here');
  assert.equal(others, 0);
  service.socket.close();
});

test('a stream under way ends when its grant is revoked', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: begin\n\n');
  });
  const response = await world.get(path);
  const reader = response.body?.getReader();
  await reader?.read();
  await world.push(revoke);
  await assert.rejects(async () => reader?.read());
});

test('a WebSocket ends with the token it was opened with', async () => {
  const { opened, closed } = await connect();
  await opened;
  world.clock.now += 301_000;
  const [code, reason] = await closed;
  assert.equal(code, 1008);
  assert.equal(String(reason), 'credential expired');
});

test('a WebSocket ends with the grant it rests on', async () => {
  const end = new Date(world.clock.now + 60_000).toISOString();
  await world.push({
    'grants/access/orders/billing.yaml': `- id: orders-ann-read
  principal: user:ann@example.com
  api: orders
  role: reader
  reason: For one minute
  owner: group:billing
  granted: 2026-03-01
  expires: ${end}
`,
    'grants/review.yaml': null,
  });
  const { opened, closed } = await connect();
  await opened;
  world.clock.now += 61_000;
  const [code, reason] = await closed;
  assert.equal(code, 1008);
  assert.equal(String(reason), 'access expired');
});

test('without a bundle everything is 503, and not ready', async () => {
  const empty = await startWorld({
    commit: false,
    config: {
      bundle: { source: `git+file://${world.tree.root}#nothing`, poll: '1h' },
      decision_point: { listen: { port: 0 }, authzen: { callers: ['service:invoicer'] } },
    },
  });
  try {
    const response = await empty.get(path);
    assert.equal(response.status, 503);
    assert.equal(((await response.json()) as { code: string }).code, 'no-bundle');
    const asked = await fetch(`${empty.gateway.decisionPoint}/access/v1/evaluation`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': `gg_invoicer_${'x'.repeat(30)}` },
      body: JSON.stringify({
        subject: { type: 'user', id: 'ann@example.com' },
        action: { name: 'listOrders' },
        resource: { type: 'api', id: 'orders' },
      }),
    });
    assert.deepEqual([asked.status, ((await asked.json()) as { code: string }).code], [503, 'no-bundle']);
    assert.equal((await fetch(`${empty.gateway.admin}/health/ready`)).status, 503);
    assert.equal((await fetch(`${empty.gateway.admin}/health/live`)).status, 200);
    assert.equal((await fetch(`${empty.gateway.admin}/revision`)).status, 503);
  } finally {
    await empty.close();
  }
});

test('no request fails across three reloads under load', async () => {
  const reloads = async () =>
    Number(/grantgate_bundle_reloads_total\{result="ok"\} (\d+)/.exec(await world.metrics())?.[1]);
  const before = await reloads();
  let running = true;
  let done = 0;
  const failures: number[] = [];
  const token = await world.issuer.token({ sub: 'cleo@example.com' });
  const headers = { authorization: `Bearer ${token}` };
  const load = Array.from({ length: 4 }, async () => {
    while (running) {
      const response = await fetch(`${world.gateway.url}${path}`, { headers });
      await response.arrayBuffer();
      done += 1;
      if (response.status !== 200 && response.status !== 429) failures.push(response.status);
      // Some are always under way; more of them would only keep the machine busy.
      await new Promise((next) => setTimeout(next, 5));
    }
  });
  for (let round = 0; round < 3; round += 1) {
    await world.push({
      'grants/access/orders/extra.yaml': `- id: orders-extra-${round}
  principal: user:dana@example.com
  api: orders
  role: reader
  reason: Round ${round}
  owner: group:billing
  granted: 2026-03-01
`,
    });
  }
  running = false;
  await Promise.all(load);
  assert.deepEqual(failures, []);
  assert.ok(done > 10);
  assert.equal(await reloads(), before + 3);
});

test('closing the gateway closes its WebSockets', async () => {
  const { opened, closed } = await connect();
  await opened;
  await world.gateway.close();
  assert.equal((await closed)[0], 1001);
});
