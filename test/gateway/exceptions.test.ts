import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from './_gateway.ts';

const test = suite('exceptions');
let world: World;

test.before(async () => {
  world = await startWorld({
    config: {
      decision_point: {
        listen: { port: 0 },
        forward_auth: { trusted_proxies: ['127.0.0.1/32'] },
        authzen: { callers: ['service:invoicer'] },
      },
      limits: { failed_logins: 1000 },
    },
  });
});
test.after(() => world.close());
test.before.each(() => {
  world.upstream.received.length = 0;
});

const code = async (response: Response) => ((await response.json()) as { code: string }).code;
/** Asks for a decision as a proxy does. */
const authorize = (method: string, uri: string, headers: Record<string, string> = {}) =>
  fetch(`${world.gateway.decisionPoint}/authorize`, {
    headers: {
      'x-forwarded-method': method,
      'x-forwarded-uri': uri,
      'x-forwarded-host': 'a',
      'x-forwarded-for': '203.0.113.9',
      ...headers,
    },
  });

test('who may call something of a path is told its methods, in place of one that it does not have', async () => {
  const known = await world.get('/orders/v1/orders', { method: 'DELETE' });
  assert.deepEqual([known.status, known.headers.get('allow')], [405, 'GET, HEAD, POST']);
  assert.equal(await code(known), 'method-not-allowed');
  const token = await world.issuer.token({ sub: 'ann@example.com' });
  const asked = await authorize('PATCH', '/orders/v1/orders/7', { authorization: `Bearer ${token}` });
  assert.deepEqual([asked.status, asked.headers.get('allow')], [405, 'GET, HEAD']);
  assert.equal(world.upstream.received.length, 0);
});

test('to all others such a path does not exist', async () => {
  const url = `${world.gateway.url}/orders/v1/orders`;
  const strangers: [string, () => Promise<Response>][] = [
    ['without a credential', () => fetch(url, { method: 'DELETE' })],
    [
      'with a made-up one',
      () => fetch(url, { method: 'DELETE', headers: { 'x-api-key': `gg_made_${'x'.repeat(30)}` } }),
    ],
    ['suspended', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'bob@example.com' })],
    ['without a grant', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'dana@example.com' })],
    ['unknown', () => world.get('/orders/v1/orders', { method: 'DELETE', as: 'eve@example.com' })],
    ['at no path', () => world.get('/orders/v1/nothing', { method: 'DELETE' })],
    ['at a proxy', () => authorize('DELETE', '/orders/v1/orders')],
  ];
  for (const [who, ask] of strangers) {
    const response = await ask();
    assert.equal(response.headers.get('allow'), null, who);
    assert.equal(response.headers.get('www-authenticate'), null, who);
    assert.deepEqual([response.status, await code(response)], [404, 'no-such-operation'], who);
  }
});

const open = async (exceptions: string) => {
  const path = 'grants/apis/orders.yaml';
  const yaml = await readFile(join(world.tree.root, path), 'utf8');
  await world.push({ [path]: `${yaml.replace(/^exceptions:.*\n/gm, '')}exceptions: ${exceptions}\n` });
};

test('what is public is served to anybody, limited and on record as anonymous', async () => {
  await open('{ listOrders: { public: true } }');
  const url = `${world.gateway.url}/orders/v1/orders`;
  const expired = await world.issuer.token({ sub: 'ann@example.com', exp: 1 });
  const brought: [string, Record<string, string>][] = [
    ['nothing', {}],
    ['a made-up key', { 'x-api-key': `gg_made_${'x'.repeat(30)}` }],
    ['a token that has expired', { authorization: `Bearer ${expired}` }],
    ['what is no token', { authorization: 'Basic YTpi' }],
    ['a good token', { authorization: `Bearer ${await world.issuer.token({ sub: 'ann@example.com' })}` }],
    ['the name itself', { 'x-grantgate-subject': 'user:ann@example.com' }],
  ];
  for (const [what, headers] of brought) {
    world.upstream.received.length = 0;
    const response = await fetch(url, { headers });
    assert.equal(response.status, 200, what);
    const [seen] = world.upstream.received;
    assert.deepEqual(seen?.headers['x-grantgate-subject'], ['anonymous'], what);
    assert.deepEqual(seen?.headers['x-grantgate-groups'], [''], what);
    assert.deepEqual(seen?.headers['x-grantgate-grants'], ['public:orders'], what);
    assert.equal(seen?.headers.authorization ?? seen?.headers['x-api-key'], undefined, what);
    const record = (await world.records()).at(-1);
    assert.equal(record?.input.subject, 'anonymous', what);
    assert.deepEqual(record?.result, { allow: true, grants: ['public:orders'], reason: 'granted' });
  }
  for (const [path, method] of [
    ['/orders/v1/orders/7', 'GET'],
    ['/orders/v1/orders', 'POST'],
  ] as const)
    assert.equal((await fetch(world.gateway.url + path, { method })).status, 401, path);
});

test('a proxy and an application are answered alike about what is public', async () => {
  const asked = await authorize('GET', '/orders/v1/orders');
  assert.deepEqual([asked.status, asked.headers.get('x-grantgate-subject')], [200, 'anonymous']);
  assert.equal((await authorize('GET', '/orders/v1/orders/7')).status, 401);
  const token = await world.issuer.token({ sub: 'invoicer' });
  await world.push({
    'grants/directory/services.yaml': `services:
  - name: invoicer
    owner: group:billing
    state: active
    credentials: [{ jwt_subject: "${world.issuer.url}|invoicer" }]
`,
  });
  const evaluate = async (subject: object, name: string) => {
    const response = await fetch(`${world.gateway.decisionPoint}/access/v1/evaluation`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ subject, action: { name }, resource: { type: 'api', id: 'orders' } }),
    });
    return ((await response.json()) as { decision: boolean }).decision;
  };
  const subjects = [
    { type: 'user', id: 'eve@example.com' },
    { type: 'anonymous', id: 'anonymous' },
    { type: 'user', id: 'bob@example.com' },
  ];
  for (const subject of subjects) {
    assert.equal(await evaluate(subject, 'listOrders'), true);
    assert.equal(await evaluate(subject, 'getOrder'), false);
  }
  assert.equal((await world.records()).at(-1)?.input.subject, 'user:bob@example.com');
});

test('anybody may know a path of which something is public', async () => {
  const response = await fetch(`${world.gateway.url}/orders/v1/orders`, { method: 'DELETE' });
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD, POST']);
});

test('what is public no more needs a credential at once', async () => {
  await open('{ getOrder: { public: true } }');
  assert.equal((await fetch(`${world.gateway.url}/orders/v1/orders`)).status, 401);
  assert.equal((await fetch(`${world.gateway.url}/orders/v1/orders/7`)).status, 200);
});

test('an encoded slash goes on as it came where the operation allows it, and is refused elsewhere', async () => {
  const path = '/orders/v1/orders/2026%2f17';
  assert.equal((await world.get(path)).status, 400);
  await open('{ getOrder: { encoded_slash: true } }');
  assert.equal((await world.get(path)).status, 200);
  assert.equal(world.upstream.received.at(-1)?.url, '/v1/orders/2026%2F17');
  assert.equal((await world.records()).at(-1)?.input.path, '/v1/orders/{orderId}');
  const token = await world.issuer.token({ sub: 'ann@example.com' });
  assert.equal((await authorize('GET', path, { authorization: `Bearer ${token}` })).status, 200);
  const refused = [
    '/orders/v1%2Forders/7',
    '/orders%2Fv1/orders',
    '/orders/v1/orders/..%2F7',
    '/orders/v1/orders/7%252F8',
    '/orders/v1/orders/%2F',
  ];
  for (const one of refused)
    assert.match(
      await raw(
        world.gateway.url,
        `GET ${one} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      ),
      /^HTTP\/1.1 400 .*path-ambiguous/s,
      one,
    );
  assert.equal(world.upstream.received.length, 1);
});

const page = 'https://app.example.com';
const cors = async (text: string, beside: Record<string, string> = {}) => {
  const path = 'grants/apis/orders.yaml';
  const yaml = await readFile(join(world.tree.root, path), 'utf8');
  const own = yaml.replace(/^(?:exceptions|cors):.*\n/gm, '');
  await world.push({ [path]: text === '' ? own : `${own}cors: ${text}\n`, ...beside });
};
const preflight = (path: string, origin: string, method = 'POST', more: Record<string, string> = {}) => ({
  path,
  headers: { origin, 'access-control-request-method': method, ...more },
});
const ask = ({ path, headers }: ReturnType<typeof preflight>) =>
  fetch(world.gateway.url + path, { method: 'OPTIONS', headers });
const allowed = (response: Response, name: string) => response.headers.get(`access-control-allow-${name}`);

test('a preflight is answered from the policy, without a credential, and the same whether the path exists', async () => {
  await cors(
    `{ origins: ["${page}", "http://localhost:3000"], headers: [authorization, content-type], expose: [x-total], credentials: true }`,
  );
  const headers = { 'access-control-request-headers': 'Content-Type,authorization' };
  for (const path of ['/orders/v1/orders', '/orders/v1/orders/7', '/orders/nothing', '/orders']) {
    const response = await ask(preflight(path, page, 'POST', headers));
    assert.equal(response.status, 204, path);
    assert.equal(allowed(response, 'origin'), page);
    assert.equal(allowed(response, 'methods'), 'GET, HEAD, POST');
    assert.equal(allowed(response, 'headers'), 'authorization, content-type');
    assert.equal(allowed(response, 'credentials'), 'true');
    assert.equal(response.headers.get('access-control-max-age'), '600');
    assert.match(response.headers.get('vary') ?? '', /^Origin,/);
  }
  assert.equal(world.upstream.received.length, 0);
  assert.match(await world.metrics(), /api="orders".*outcome="allowed",reason="preflight"\} 4/);
});

test('a preflight is refused that asks for more than is listed, and counted', async () => {
  const bad: [string, ReturnType<typeof preflight>][] = [
    ['another origin', preflight('/orders/v1/orders', 'https://evil.example')],
    ['null', preflight('/orders/v1/orders', 'null')],
    ['a longer origin', preflight('/orders/v1/orders', `${page}.evil.example`)],
    ['another scheme', preflight('/orders/v1/orders', 'http://app.example.com')],
    ['another port', preflight('/orders/v1/orders', `${page}:8443`)],
    ['another case', preflight('/orders/v1/orders', 'https://APP.example.com')],
    ['two origins in one', preflight('/orders/v1/orders', `${page}, https://evil.example`)],
    ['a method of no operation', preflight('/orders/v1/orders', page, 'DELETE')],
    ['any method', preflight('/orders/v1/orders', page, '*')],
    [
      'a header',
      preflight('/orders/v1/orders', page, 'POST', { 'access-control-request-headers': 'x-user' }),
    ],
  ];
  for (const [what, asked] of bad) {
    const response = await ask(asked);
    assert.equal(response.status, 403, what);
    assert.equal(await code(response), 'preflight-refused', what);
    if (asked.headers.origin !== page) assert.equal(allowed(response, 'origin'), null, what);
    assert.equal(allowed(response, 'methods'), null, what);
    assert.match(response.headers.get('vary') ?? '', /Origin/, what);
  }
  assert.match(await world.metrics(), /api="orders".*outcome="refused",reason="preflight-refused"\} 10/);
  // An API that says nothing of pages is as it was.
  const other = await fetch(`${world.gateway.url}/payments`, {
    method: 'OPTIONS',
    headers: { ...preflight('', page).headers },
  });
  assert.deepEqual([other.status, allowed(other, 'origin')], [404, null]);
  assert.equal(world.upstream.received.length, 0);
});

test('answers and refusals tell the listed page that it may read them, whatever the upstream says', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, {
      'access-control-allow-origin': '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-private-network': 'true',
      vary: 'Accept',
    });
    response.end('{}');
  });
  try {
    const [listed, strange, none] = await Promise.all([
      world.get('/orders/v1/orders', { headers: { origin: page } }),
      world.get('/orders/v1/orders', { headers: { origin: 'https://evil.example' } }),
      world.get('/orders/v1/orders'),
    ]);
    assert.deepEqual(
      [
        listed?.status,
        allowed(listed as Response, 'origin'),
        listed?.headers.get('access-control-expose-headers'),
      ],
      [200, page, 'x-total'],
    );
    for (const response of [strange, none]) {
      assert.equal(response?.status, 200);
      for (const name of ['origin', 'credentials', 'private-network'])
        assert.equal(allowed(response as Response, name), null);
    }
    for (const response of [listed, strange, none])
      assert.equal(response?.headers.get('vary'), 'Origin, Accept');
    assert.equal(allowed(listed as Response, 'private-network'), null);
  } finally {
    world.upstream.answer(null);
  }
  const refused: [number, Promise<Response>][] = [
    [401, fetch(`${world.gateway.url}/orders/v1/orders`, { headers: { origin: page } })],
    [403, world.get('/orders/v1/orders', { as: 'dana@example.com', headers: { origin: page } })],
    [404, world.get('/orders/nothing', { headers: { origin: page } })],
    [405, world.get('/orders/v1/orders', { method: 'DELETE', headers: { origin: page } })],
  ];
  for (const [status, asked] of refused) {
    const response = await asked;
    assert.deepEqual([response.status, allowed(response, 'origin')], [status, page]);
  }
});

test('a proxy is told the same of preflights and answers, and nothing of who calls', async () => {
  const headers = { origin: page, 'access-control-request-method': 'POST' };
  const asked = await authorize('OPTIONS', '/orders/v1/orders', headers);
  assert.deepEqual([asked.status, allowed(asked, 'origin')], [204, page]);
  for (const name of ['subject', 'groups', 'grants', 'assertion'])
    assert.equal(asked.headers.get(`x-grantgate-${name}`), '', name);
  const other = await authorize('OPTIONS', '/orders/v1/orders', { ...headers, origin: 'null' });
  assert.deepEqual([other.status, await code(other)], [403, 'preflight-refused']);
  const token = await world.issuer.token({ sub: 'ann@example.com' });
  const call = await authorize('GET', '/orders/v1/orders', {
    origin: page,
    authorization: `Bearer ${token}`,
  });
  assert.deepEqual([call.status, allowed(call, 'origin')], [200, page]);
});

test('any origin may be let in without credentials only; without a word, the upstream speaks for itself', async () => {
  await cors('{ origins: ["*"] }');
  const open = await ask(preflight('/orders/v1/orders', 'https://anywhere.example', 'GET'));
  assert.deepEqual([open.status, allowed(open, 'origin'), allowed(open, 'credentials')], [204, '*', null]);
  const anywhere = await world.get('/orders/v1/orders', { headers: { origin: page } });
  assert.deepEqual([allowed(anywhere, 'origin'), anywhere.headers.get('vary')], ['*', null]);
  await cors('');
  assert.equal((await ask(preflight('/orders/v1/orders', page, 'GET'))).status, 404);
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': 'https://own.example' });
    response.end('{}');
  });
  const own = await world.get('/orders/v1/orders', { headers: { origin: page } });
  assert.deepEqual([allowed(own, 'origin'), own.headers.get('vary')], ['https://own.example', null]);
  world.upstream.answer(null);
});

test('where one API lies below another, a page is let to each by its own list alone', async () => {
  const inner = (origin: string) =>
    [
      'api: inner',
      'description: What lies below the orders',
      'owner: group:billing',
      'tier: low',
      `upstream: ${world.upstream.url}`,
      'route: { prefix: /orders/v1, strip: true }',
      'operations: { listOthers: GET /others }',
      'roles: { all: [listOthers] }',
      `cors: { origins: ["${origin}"], credentials: true }`,
      '',
    ].join('\n');
  await cors('', { 'grants/apis/inner.yaml': inner(page) });
  // The inner API's page may not have a browser call the outer one, cookies and all.
  assert.equal((await ask(preflight('/orders/v1/orders', page, 'GET'))).status, 404);
  assert.equal((await ask(preflight('/orders/v1/others', page, 'GET'))).status, 204);
  await cors(`{ origins: ["${page}"] }`, { 'grants/apis/inner.yaml': inner('https://other.example') });
  assert.equal((await ask(preflight('/orders/v1/orders', page, 'GET'))).status, 204);
  assert.equal((await ask(preflight('/orders/v1/orders', 'https://other.example', 'GET'))).status, 403);
  assert.equal((await ask(preflight('/orders/v1/others', page, 'GET'))).status, 403);
});
