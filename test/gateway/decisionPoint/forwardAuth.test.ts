import * as assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';
import { exampleOf, type ProxyName, type RunningProxy, startProxy } from '../_proxies.ts';

const test = suite('forwardAuth');

type Asked = { method?: string; path: string; headers?: Record<string, string> };
type Answered = {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** What the upstream got; null when nothing. */
  seen: { url: string; headers: Record<string, string[]> } | null;
};
/** Sends a client's request by way of a proxy that asks the gateway first. */
type Way = (asked: Asked) => Promise<Answered>;

let world: World;
let bearer: (login: string) => Promise<{ authorization: string }>;
const proxies = new Map<ProxyName, RunningProxy | null>();
const names: ProxyName[] = ['nginx', 'caddy', 'envoy'];

test.before(async () => {
  const access = sampleFiles['grants/access/orders/billing.yaml'] ?? '';
  world = await startWorld({
    config: {
      decision_point: { listen: { port: 0 }, forward_auth: { trusted_proxies: ['127.0.0.1/32'] } },
    },
    // A rate that a test reaches, and no network: Envoy does not tell loopback addresses.
    files: {
      'grants/access/orders/billing.yaml': access
        .replace('60/min', '2/min')
        .replace('networks: [office], ', ''),
    },
  });
  bearer = async (login) => ({
    authorization: `Bearer ${await world.issuer.token({ sub: login, amr: ['mfa'] })}`,
  });
  for (const name of names) {
    const proxy = await startProxy(name, gate(), world.upstream.url);
    if (proxy === null) console.log(`${name} cannot be had here: its recorded questions stand in`);
    proxies.set(name, proxy);
  }
});
test.after(async () => {
  for (const proxy of proxies.values()) await proxy?.close();
  await world.close();
});

const gate = () => world.gateway.decisionPoint ?? '';

/** Sends exactly this target and these headers: `fetch` would bring a target into its own form first. */
function send(
  url: string,
  {
    method = 'GET',
    path,
    headers = {},
  }: Omit<Asked, 'headers'> & { headers?: Record<string, string | string[]> },
): Promise<Omit<Answered, 'seen'>> {
  return new Promise((done, fail) => {
    const sent = request(url, { method, path, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on('error', fail);
    sent.end();
  });
}

const through =
  (proxy: RunningProxy): Way =>
  async (asked) => {
    const before = world.upstream.received.length;
    const answered = await send(proxy.url, asked);
    const seen = world.upstream.received[before] ?? null;
    return { ...answered, seen };
  };

// What each proxy was seen to send, from nginx 1.22, Caddy 2.6, Envoy 1.40, and Traefik as it documents it.
type Recorded = (asked: Required<Asked>) => Asked;
const recorded: Record<string, Recorded> = {
  nginx: ({ method, path, headers }) => ({
    path: '/authorize',
    headers: {
      ...headers,
      host: '127.0.0.1:8081',
      'x-original-method': method,
      'x-original-host': '127.0.0.1',
      'x-original-uri': path,
      'x-forwarded-for': '127.0.0.1',
    },
  }),
  traefik: ({ method, path, headers }) => ({
    path: '/authorize',
    headers: {
      ...headers,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'shop.example.com',
      'x-forwarded-method': method,
      'x-forwarded-port': '80',
      'x-forwarded-proto': 'http',
      'x-forwarded-uri': path,
    },
  }),
  caddy: ({ method, path, headers }) => ({
    path: `/authorize${path.includes('?') ? path.slice(path.indexOf('?')) : ''}`,
    headers: {
      ...headers,
      host: '127.0.0.1:8080',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': '127.0.0.1:8080',
      'x-forwarded-method': method,
      'x-forwarded-proto': 'http',
      'x-forwarded-uri': path,
      'accept-encoding': 'gzip',
    },
  }),
  envoy: ({ method, path, headers: { authorization, 'x-api-key': key } }) => ({
    method,
    path: `/authorize${path}`,
    headers: {
      host: '127.0.0.1:8080',
      'content-length': '0',
      ...(authorization === undefined ? {} : { authorization }),
      ...(key === undefined ? {} : { 'x-api-key': key }),
      'x-forwarded-for': '1.2.3.4,127.0.0.1',
      'x-envoy-internal': 'true',
      'x-envoy-expected-rq-timeout-ms': '2000',
    },
  }),
};

/** Asks as a proxy was seen to ask, and takes what it would copy for what the upstream gets. */
const asRecorded =
  (form: Recorded): Way =>
  async ({ method = 'GET', path, headers = {} }) => {
    const asked = form({ method, path, headers });
    const answered = await send(gate(), asked);
    const copied = Object.entries(answered.headers).filter(([name]) => name.startsWith('x-grantgate-'));
    const seen = {
      url: path,
      headers: Object.fromEntries(copied.map(([name, value]) => [name, [String(value)]])),
    };
    return { ...answered, seen: answered.status === 200 ? seen : null };
  };

const ways: [string, () => Way][] = [
  ...names.map((name): [string, () => Way] => [
    name,
    () => {
      const proxy = proxies.get(name);
      return proxy ? through(proxy) : asRecorded(recorded[name] as Recorded);
    },
  ]),
  ...Object.entries(recorded).map(([name, form]): [string, () => Way] => [
    `${name} as recorded`,
    () => asRecorded(form),
  ]),
];

for (const [name, way] of ways) {
  test(`${name}: an allowed request passes with who calls and by which grants`, async () => {
    const answered = await way()({
      path: '/orders/v1/orders/7?expand=lines',
      headers: {
        ...(await bearer('ann@example.com')),
        'x-grantgate-subject': 'user:root',
        'x-grantgate-groups': 'group:admins',
        'x-grantgate-assertion': 'forged',
        'x-forwarded-for': '198.51.100.7',
      },
    });
    assert.equal(answered.status, 200);
    const record = (await world.records()).at(-1);
    const { url, headers } = answered.seen ?? { url: '', headers: {} };
    assert.equal(url, '/orders/v1/orders/7?expand=lines');
    assert.deepEqual(headers['x-grantgate-subject'], ['user:ann@example.com']);
    assert.deepEqual(headers['x-grantgate-groups'], ['group:billing']);
    assert.deepEqual(headers['x-grantgate-grants'], ['orders-billing-read']);
    assert.deepEqual(headers['x-grantgate-decision'], [record?.decision_id]);
    assert.match(headers['x-grantgate-assertion']?.join() ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(headers.authorization, undefined);
    // The gateway's own path makes the same record; networks aside, as Envoy tells another address on loopback.
    await world.get('/orders/v1/orders/7?expand=lines');
    const own = (await world.records()).at(-1);
    assert.deepEqual({ ...record?.input, networks: [] }, { ...own?.input, networks: [] });
    assert.deepEqual(record?.result, own?.result);
    // What the client claims about its address is not believed.
    assert.ok(!record?.input.networks.includes('vpn'));
  });

  test(`${name}: a denied one does not, and the record says why`, async () => {
    const answered = await way()({
      method: 'POST',
      path: '/orders/v1/orders',
      headers: await bearer('cleo@example.com'),
    });
    assert.equal(answered.status, 403);
    assert.equal(answered.seen, null);
    const record = (await world.records()).at(-1);
    assert.equal(record?.status, 403);
    assert.deepEqual(record?.result, { allow: false, grants: [], reason: 'operation-not-covered' });
    // nginx answers with a page of its own.
    if (name !== 'nginx') assert.equal(JSON.parse(answered.body).decision_id, record?.decision_id);
  });

  test(`${name}: without credentials 401, without an operation 404, in two readings 400`, async () => {
    const ask = way();
    const nobody = await ask({ path: '/orders/v1/orders' });
    assert.equal(nobody.status, 401);
    assert.match(String(nobody.headers['www-authenticate']), /^Bearer realm="grantgate"/);
    const headers = await bearer('ann@example.com');
    assert.equal((await ask({ path: '/nowhere', headers })).status, 404);
    for (const path of [
      '/orders/v1/orders/%2e%2e/7',
      '/orders/v1//orders',
      '/orders/v1/%6frders',
      '/orders/v1/orders/a;b',
      '/orders/v1/orders/..%2f7',
    ]) {
      const answered = await ask({ path, headers });
      // Some proxies clean up a path themselves, and may ask about what it then is; nothing passes but what was decided.
      assert.ok(
        [400, 404].includes(answered.status) || answered.seen?.url !== path,
        `${path}: ${answered.status}`,
      );
    }
  });

  test(`${name}: no spelling of an identity header or of a key that a client sends reaches the API`, async () => {
    const ask = way();
    const headers = await bearer('cleo@example.com');
    const names = ['subject', 'groups', 'grants', 'decision', 'assertion', 'else'].map(
      (last) => `x-grantgate-${last}`,
    );
    for (const one of ['-', '_', '.'])
      for (const two of ['-', '_', '.'])
        for (const header of names) {
          const alias = header.replace('-', one).replace(/-(?=[a-z]+$)/, two);
          if (one === '-' && two === '-') continue;
          const answered = await ask({
            path: '/orders/v1/orders',
            headers: { ...headers, [alias]: 'forged-by-client', [alias.toUpperCase()]: 'forged-by-client' },
          });
          // Envoy refuses underscores altogether.
          if (answered.seen === null) assert.equal(answered.status, 400, alias);
          else assert.doesNotMatch(JSON.stringify(answered.seen.headers), /forged-by-client/, alias);
        }
    for (const alias of ['x_api_key', 'x.api.key', 'x-api_key', 'X_Api-Key']) {
      const { seen } = await ask({
        path: '/orders/v1/orders',
        headers: { ...headers, [alias]: 'forged-by-client' },
      });
      assert.doesNotMatch(JSON.stringify(seen?.headers ?? {}), /forged-by-client/, alias);
    }
  });

  test(`${name}: too many requests are 429, and later one passes again`, async () => {
    const ask = way();
    world.passed.ms += 60_000;
    const post = async () =>
      ask({ method: 'POST', path: '/orders/v1/orders', headers: await bearer('ann@example.com') });
    assert.deepEqual([(await post()).status, (await post()).status], [200, 200]);
    const third = await post();
    assert.equal(third.status, 429);
    assert.match(String(third.headers['retry-after']), /^\d+$/);
    assert.equal(third.seen, null);
    world.passed.ms += 60_000;
    assert.equal((await post()).status, 200);
  });

  test(`${name}: a client cannot name another request than its own`, async () => {
    const ask = way();
    const headers = await bearer('cleo@example.com');
    const allowed = { method: 'GET', uri: '/orders/v1/orders', host: '127.0.0.1' };
    for (const family of ['x-original', 'x-forwarded', 'X-Original', 'X-Forwarded']) {
      const claims = {
        [`${family}-method`]: allowed.method,
        [`${family}-uri`]: allowed.uri,
        [`${family}-host`]: allowed.host,
      };
      const answered = await ask({
        method: 'POST',
        path: '/orders/v1/orders',
        headers: { ...headers, ...claims },
      });
      assert.ok([400, 403].includes(answered.status), `${family}: ${answered.status}`);
      assert.equal(answered.seen, null);
    }
    assert.equal((await ask({ path: '/orders/v1/orders', headers })).status, 200);
  });
}

const forms = {
  original: {
    'x-original-method': 'GET',
    'x-original-uri': '/orders/v1/orders',
    'x-original-host': 'shop.example.com',
    'x-forwarded-for': '127.0.0.1',
  },
  forwarded: {
    'x-forwarded-method': 'GET',
    'x-forwarded-uri': '/orders/v1/orders',
    'x-forwarded-host': 'shop.example.com',
    'x-forwarded-for': '127.0.0.1',
  },
};

for (const [name, form] of Object.entries(forms)) {
  test(`what an ${name} question leaves out or doubles is not guessed`, async () => {
    const credential = await bearer('ann@example.com');
    const ask = (headers: Record<string, string | string[]>) =>
      send(gate(), { path: '/authorize', headers: { ...credential, ...headers } });
    assert.equal((await ask(form)).status, 200);
    for (const header of Object.keys(form)) {
      const { [header as keyof typeof form]: value, ...rest } = form;
      const without = await ask(rest as Record<string, string>);
      assert.equal(without.status, 400, `without ${header}`);
      assert.match(without.body, /"code":"forwarded-(?:incomplete|ambiguous)"/);
      const empty = await ask({ ...form, [header]: '' });
      assert.equal(empty.status, 400, `empty ${header}`);
      if (header === 'x-forwarded-for') continue;
      const doubled = await ask({ ...form, [header]: [String(value), String(value)] });
      assert.equal(doubled.status, 400, `doubled ${header}`);
    }
    const mixed = await ask({ ...forms.original, ...forms.forwarded });
    assert.equal(mixed.status, 400);
    assert.match(mixed.body, /"code":"forwarded-ambiguous"/);
  });
}

test('the method is the one that the proxy was asked, never that of its question', async () => {
  const headers = { ...(await bearer('cleo@example.com')), ...forms.forwarded };
  assert.equal((await send(gate(), { method: 'POST', path: '/authorize', headers })).status, 200);
  const posted = await send(gate(), {
    path: '/authorize',
    headers: { ...headers, 'x-forwarded-method': 'POST' },
  });
  assert.equal(posted.status, 403);
  const traced = await send(gate(), {
    path: '/authorize',
    headers: { ...headers, 'x-forwarded-method': 'TRACE' },
  });
  assert.equal(traced.status, 405);
});

test('an API on a host of its own is asked about by that host', async () => {
  const headers = { ...(await bearer('ann@example.com')), ...forms.forwarded };
  const payments = { 'x-forwarded-method': 'POST', 'x-forwarded-uri': '/payments' };
  const ask = (host: string) =>
    send(gate(), { path: '/authorize', headers: { ...headers, ...payments, 'x-forwarded-host': host } });
  assert.equal((await ask('payments.example.com')).status, 200);
  assert.equal((await ask('other.example.com')).status, 404);
});

test('the listener answers nothing else, and the one for callers knows no questions', async () => {
  const headers = { ...(await bearer('ann@example.com')), ...forms.forwarded };
  for (const path of ['/', '/orders/v1/orders', '/authorized', '/access/v1/evaluation', '/metrics'])
    assert.equal((await send(gate(), { path, headers })).status, 404, path);
  assert.equal((await send(world.gateway.url, { path: '/authorize', headers })).status, 404);
});

test('whoever is not a listed proxy is not heard', async () => {
  const other = await startWorld({
    config: { decision_point: { listen: { port: 0 }, forward_auth: { trusted_proxies: ['10.20.0.0/24'] } } },
  });
  try {
    const authorization = `Bearer ${await other.issuer.token()}`;
    const answered = await send(other.gateway.decisionPoint ?? '', {
      path: '/authorize',
      headers: { authorization, ...forms.forwarded },
    });
    assert.equal(answered.status, 403);
    assert.equal(JSON.parse(answered.body).code, 'peer-untrusted');
  } finally {
    await other.close();
  }
});

test('the example for Traefik asks where the others ask, and copies every identity header', () => {
  const example = exampleOf('traefik');
  assert.match(example, /address: http:\/\/127\.0\.0\.1:8081\/authorize\n/);
  for (const header of ['Subject', 'Groups', 'Grants', 'Decision', 'Assertion'])
    assert.match(example, new RegExp(`authResponseHeaders: .*X-Grantgate-${header}\\b`));
  // It cannot run here; by its manual it removes what matches before it copies what we say.
  assert.match(example, /authResponseHeadersRegex: "\(\?i\)\^x\[-_\.\]grantgate"\n/);
});
