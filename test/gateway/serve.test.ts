import * as assert from 'node:assert/strict';
import { suite } from '../_suite.ts';
import { serviceEntry, startWorld, type World } from './_gateway.ts';

const test = suite('serve');
const secret = 'a-secret-of-the-invoicer-0123456789';
const services = (issuer: string) => `services:
${serviceEntry('invoicer', secret, { more: `jwt_subject: "${issuer}|invoicer-client"` })}  - name: mailer
    owner: group:commerce
    state: disabled
`;
let world: World;

test.before(async () => {
  world = await startWorld({ ownLoader: true });
  await world.push({ 'grants/directory/services.yaml': services(world.issuer.url) });
});
test.after(() => world.close());

const problem = async (response: Response) => {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  return (await response.json()) as { status: number; code: string; decision_id?: string; title: string };
};

test('an allowed request reaches the upstream with who calls and by which grants', async () => {
  const response = await world.get('/orders/v1/orders/7?expand=lines', { headers: { 'x-request-id': '42' } });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { ok: true });
  const seen = world.upstream.received.at(-1);
  assert.equal(seen?.url, '/v1/orders/7?expand=lines');
  assert.deepEqual(seen?.headers['x-grantgate-subject'], ['user:ann@example.com']);
  assert.deepEqual(seen?.headers['x-grantgate-groups'], ['group:billing']);
  assert.deepEqual(seen?.headers['x-grantgate-grants'], ['orders-billing-read']);
  assert.deepEqual(seen?.headers['x-request-id'], ['42']);
  assert.equal(seen?.headers.authorization, undefined);
  const record = (await world.records()).at(-1);
  assert.deepEqual(seen?.headers['x-grantgate-decision'], [record?.decision_id]);
  assert.equal(response.headers.get('x-grantgate-decision'), record?.decision_id);
});

test('its record has the fields of the format, and no query, address or token', async () => {
  const token = await world.issuer.token({ sub: 'ann@example.com' });
  await fetch(`${world.gateway.url}/orders/v1/orders/secret-id-9?card=4111`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const record = (await world.records()).at(-1);
  assert.ok(record !== undefined);
  assert.deepEqual(record.input, {
    subject: 'user:ann@example.com',
    groups: ['group:billing'],
    api: 'orders',
    operation: 'getOrder',
    method: 'GET',
    path: '/v1/orders/{orderId}',
    networks: ['office'],
    mfa: false,
    time: Math.floor(world.clock.now / 1000),
  });
  assert.deepEqual(record.result, { allow: true, grants: ['orders-billing-read'], reason: 'granted' });
  assert.equal(record.status, undefined);
  assert.match(record.bundles.grantgate.revision, /^[0-9a-f]{40}$/);
  const text = JSON.stringify(record);
  assert.doesNotMatch(text, /4111|secret-id-9|127\.0\.0\.1/);
  assert.ok(!text.includes(token.split('.')[2] ?? '-'));
});

test('a denied one gets 403 with code and decision id, and the upstream sees nothing', async () => {
  const before = world.upstream.received.length;
  const response = await world.get('/orders/v1/orders', { method: 'POST', as: 'cleo@example.com' });
  assert.equal(response.status, 403);
  const body = await problem(response);
  assert.equal(body.code, 'operation-not-covered');
  const record = (await world.records()).at(-1);
  assert.equal(body.decision_id, record?.decision_id);
  assert.equal(record?.status, 403);
  assert.deepEqual(record?.result, { allow: false, grants: [], reason: 'operation-not-covered' });
  assert.equal(world.upstream.received.length, before);
});

test('conditions hold only when all of them do', async () => {
  const post = { method: 'POST', body: '{"item":1}', headers: { 'content-type': 'application/json' } };
  assert.equal((await world.get('/orders/v1/orders', post)).status, 200);
  assert.equal(world.upstream.received.at(-1)?.body, '{"item":1}');
  const without = await world.get('/orders/v1/orders', { ...post, claims: { amr: ['pwd'] } });
  assert.equal((await problem(without)).code, 'condition-not-met');
});

test('inactive and unknown people are denied by name of the reason', async () => {
  assert.equal(
    (await problem(await world.get('/orders/v1/orders', { as: 'bob@example.com' }))).code,
    'principal-inactive',
  );
  assert.equal(
    (await problem(await world.get('/orders/v1/orders', { as: 'eve@example.com' }))).code,
    'principal-unknown',
  );
  assert.equal(
    (await problem(await world.get('/orders/v1/orders', { as: 'dana@example.com' }))).code,
    'suspended',
  );
});

test('a service is known by its token subject and by its API key', async () => {
  assert.equal((await world.get('/orders/v1/orders', { as: 'invoicer-client' })).status, 200);
  assert.deepEqual(world.upstream.received.at(-1)?.headers['x-grantgate-subject'], ['service:invoicer']);
  const withKey = (headers: Record<string, string>) =>
    fetch(`${world.gateway.url}/orders/v1/orders`, { headers });
  assert.equal((await withKey({ 'x-api-key': `gg_inv1_${secret}` })).status, 200);
  assert.equal((await withKey({ authorization: `Bearer gg_inv1_${secret}` })).status, 200);
  assert.equal(world.upstream.received.at(-1)?.headers['x-api-key'], undefined);
  for (const key of [`gg_inv1_${secret}x`, 'gg_inv1_short', `gg_inv1${secret}`, secret]) {
    assert.equal((await withKey({ 'x-api-key': key })).status, 401, key);
  }
});

test('without credentials, or with two, nobody gets in', async () => {
  const url = `${world.gateway.url}/orders/v1/orders`;
  const missing = await fetch(url);
  assert.equal(missing.status, 401);
  assert.equal(missing.headers.get('www-authenticate'), 'Bearer realm="grantgate", ApiKey realm="grantgate"');
  assert.equal((await problem(missing)).code, 'credentials-missing');
  const token = await world.issuer.token();
  const two = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, 'x-api-key': `gg_inv1_${secret}` },
  });
  assert.equal((await problem(two)).code, 'credentials-ambiguous');
  const query = await fetch(`${url}?access_token=${token}`);
  assert.equal(query.status, 401);
  assert.match(await query.text(), /not in the address/);
  const both = await fetch(`${url}?access_token=${token}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(both.status, 400);
});

test('what is no declared operation is 404, before anything is asked about credentials', async () => {
  for (const path of [
    '/',
    '/orders',
    '/orders/',
    '/orders/v1',
    '/orders/v1/orders/',
    '/orders/v1/orders/1/x',
    '/Orders/v1/orders',
    '/metrics',
  ]) {
    const response = await world.get(path);
    assert.equal(response.status, 404, path);
    assert.equal((await problem(response)).code, 'no-such-operation');
  }
  assert.equal((await world.get('/orders/v1/orders', { method: 'HEAD' })).status, 200);
});

test('an API on a host of its own is found by that host only', async () => {
  const { raw } = await import('./_gateway.ts');
  const token = await world.issuer.token();
  const ask = (host: string) =>
    raw(
      world.gateway.url,
      `POST /payments HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
  // Nobody listens at the upstream of payments: 502 says that the request was admitted.
  assert.match(await ask('payments.example.com'), /^HTTP\/1\.1 502 /);
  assert.match(await ask('other.example.com'), /^HTTP\/1\.1 404 /);
});

test('a grant with a rate of its own limits its caller, and the record says 429', async () => {
  const post = () => world.get('/orders/v1/orders', { method: 'POST' });
  const statuses: number[] = [];
  for (let request = 0; request < 70; request += 1) statuses.push((await post()).status);
  assert.ok(statuses.filter((status) => status === 200).length <= 60);
  const last = await post();
  assert.equal(last.status, 429);
  assert.match(last.headers.get('retry-after') ?? '', /^\d+$/);
  const record = (await world.records()).at(-1);
  assert.equal(record?.status, 429);
  assert.equal(record?.result.allow, true);
  // Another operation rests on another grant, without a rate.
  assert.equal((await world.get('/orders/v1/orders')).status, 200);
  world.passed.ms += 60_000;
  assert.equal((await post()).status, 200);
  // Whoever sets the clock back, by a little as at its first correction or by hours, has nobody wait for that.
  const { now } = world.clock;
  for (const back of [4000, 3_600_000, 9 * 3_600_000]) {
    world.clock.now = now - back;
    assert.equal((await post()).status, 200, String(back));
  }
  world.clock.now = now;
});

test('records are numbered without gaps, and usage counts what was allowed', async () => {
  const seqs = (await world.records()).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index + 1),
  );
  const lines = (await (await fetch(`${world.gateway.admin}/usage`)).text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const allowed = (await world.records()).filter(({ result, status }) => result.allow && status !== 429);
  const counted = lines
    .filter((line) => line.grant === 'orders-billing-read')
    .reduce((sum, line) => sum + line.count, 0);
  assert.equal(counted, allowed.filter(({ result }) => result.grants.includes('orders-billing-read')).length);
});

test('an upstream that is gone, dies or answers garbage is 502, and never a denial', async () => {
  world.upstream.answer((request) => request.socket.destroy());
  const dead = await world.get('/orders/v1/orders');
  assert.equal(dead.status, 502);
  assert.equal((await problem(dead)).code, 'upstream-failed');
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setTimeout(() => response.destroy(), 20);
  });
  await assert.rejects(async () => (await world.get('/orders/v1/orders')).text());
  world.upstream.answer(null);
  assert.equal((await world.get('/orders/v1/orders')).status, 200);
});

test('a client that goes away ends the request at the upstream too', async () => {
  const gone = new Promise((done) => {
    world.upstream.answer((_request, response) => {
      response.write('begin');
      response.once('close', () => done(true));
    });
  });
  const abort = new AbortController();
  const response = await world.get('/orders/v1/orders', { signal: abort.signal });
  assert.equal(response.status, 200);
  abort.abort();
  assert.equal(await gone, true);
  world.upstream.answer(null);
});

test('server-sent events arrive as they are sent', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    setTimeout(() => response.write('data: 1\n\n'), 50);
  });
  const response = await world.get('/orders/v1/orders');
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  assert.equal(Buffer.from(value ?? []).toString(), 'data: 1\n\n');
  await reader?.cancel();
  world.upstream.answer(null);
});

test('metrics count by api, operation, outcome and reason', async () => {
  const text = await world.metrics();
  assert.match(
    text,
    /grantgate_requests_total\{api="orders",operation="getOrder",outcome="allowed",reason="granted"\} [1-9]/,
  );
  assert.match(text, /outcome="denied",reason="principal-inactive"\} [1-9]/);
  assert.match(text, /outcome="refused",reason="no-such-operation"\} [1-9]/);
  assert.match(text, /outcome="limited",reason="rate-exceeded"\} [1-9]/);
  assert.match(text, /grantgate_bundle_grants 5/);
  assert.doesNotMatch(text, /ann@example/);
});

test('every byte of a small answer arrives as it was sent', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  for (const length of [true, false]) {
    world.upstream.answer((_request, response) => {
      if (length) response.setHeader('content-length', bytes.length);
      response.write(bytes.subarray(0, length ? 256 : 100));
      response.end(length ? undefined : bytes.subarray(100));
    });
    const response = await world.get('/orders/v1/orders');
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  }
  world.upstream.answer(null);
});
