import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('security: requests');
let world: World;
let token: string;

test.before(async () => {
  world = await startWorld();
  token = await world.issuer.token({
    sub: 'cleo@example.com',
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.after(() => world.close());

const status = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
const head = (line: string, extra: string[] = []) =>
  [line, 'Host: api.example.com', `Authorization: Bearer ${token}`, ...extra, '', ''].join('\r\n');
const ask = (text: string | Buffer) => raw(world.gateway.url, text);
/** Sends bytes; tells what was answered and what reached the upstream. */
async function send(text: string | Buffer) {
  const before = world.upstream.received.length;
  const answer = await ask(text);
  return { status: status(answer), answer, reached: world.upstream.received.slice(before) };
}
const alive = async () => {
  const { status: code, reached } = await send(head('GET /orders/v1/orders HTTP/1.1', ['Connection: close']));
  assert.equal(code, 200);
  assert.equal(reached.length, 1);
};

const refusedBeforeDecision: [string, string][] = [
  ['dot segments', 'GET /orders/v1/../v1/orders HTTP/1.1'],
  ['escaped dot segments', 'GET /orders/v1/%2e%2e/v1/orders HTTP/1.1'],
  ['backslashes', 'GET /orders\\..\\v1 HTTP/1.1'],
  ['a double slash', 'GET //orders/v1/orders HTTP/1.1'],
  ['a path parameter', 'GET /orders/v1/orders;x=1 HTTP/1.1'],
  ['a broken escape', 'GET /orders/v1/orders% HTTP/1.1'],
  ['an escaped slash', 'GET /orders/v1/orders%2F1 HTTP/1.1'],
  ['a fragment', 'GET /orders/v1/orders#/../admin HTTP/1.1'],
  ['an absolute form with a bad port', 'GET http://api.example.com:99999/orders/v1/orders HTTP/1.1'],
  ['an absolute form of another host', 'GET http://evil.example.com/orders/v1/orders HTTP/1.1'],
];
for (const [what, line] of refusedBeforeDecision) {
  test(`refuses ${what} with 400 and forwards nothing`, async () => {
    const { status: code, reached } = await send(head(line, ['Connection: close']));
    assert.equal(code, 400);
    assert.equal(reached.length, 0);
    await alive();
  });
}

test('refuses CONNECT, TRACE and unknown methods', async () => {
  for (const line of [
    'CONNECT api.example.com:443 HTTP/1.1',
    'TRACE /orders/v1/orders HTTP/1.1',
    'BREW /orders/v1/orders HTTP/1.1',
  ]) {
    const { status: code, reached } = await send(head(line, ['Connection: close']));
    assert.ok([400, 405].includes(code), `${line}: ${code}`);
    assert.equal(reached.length, 0);
  }
  await alive();
});

test('refuses 16 KB of target or of headers', async () => {
  const long = await send(
    head(`GET /orders/v1/orders?${'x'.repeat(10_000)} HTTP/1.1`, ['Connection: close']),
  );
  assert.equal(long.status, 414);
  const large = await send(head('GET /orders/v1/orders HTTP/1.1', [`X-Large: ${'x'.repeat(20_000)}`]));
  assert.equal(large.status, 431);
  assert.equal(long.reached.length + large.reached.length, 0);
  await alive();
});

const framing: [string, string][] = [
  [
    'Content-Length and Transfer-Encoding',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['an unknown transfer coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
  ['a folded header', 'X-A: 1\r\n X-B: 2\r\nContent-Length: 0\r\n\r\n'],
  ['two Hosts', 'Host: other.example.com\r\nContent-Length: 0\r\n\r\n'],
  ['a bare CR in a header', 'X-A: 1\rX-User: admin\r\nContent-Length: 0\r\n\r\n'],
  ['a negative length', 'Content-Length: -1\r\n\r\n'],
];
for (const [what, rest] of framing) {
  test(`refuses ${what}`, async () => {
    const { status: code, reached } = await send(
      `POST /orders/v1/orders HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer ${token}\r\n${rest}`,
    );
    assert.equal(code, 400);
    assert.equal(reached.length, 0);
    await alive();
  });
}

test('a chunked body that holds a whole request stays a body', async () => {
  const hidden = 'GET /v1/admin HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const method of ['GET', 'HEAD']) {
    const { reached } = await send(
      head(`${method} /orders/v1/orders HTTP/1.1`, ['Transfer-Encoding: chunked', 'Connection: close']) +
        `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    );
    assert.equal(reached.length, 1);
    assert.equal(reached[0]?.url, '/v1/orders');
    assert.equal(reached[0]?.body, hidden);
  }
});

test('identity stays ours: spoofed headers, Connection tricks, Expect, and in parallel', async () => {
  const spoofs = [
    'X-Grantgate-Subject: user:admin',
    'x_grantgate_subject: user:admin',
    'X-Grantgate-Grants: all',
    'X-User: admin',
    'X-Forwarded-For: 10.0.0.1',
    'X-Forwarded-Host: evil.example.com',
    'Forwarded: for=10.0.0.1',
    'X-Original-URL: /admin',
    'X-HTTP-Method-Override: DELETE',
    'Connection: close, X-Grantgate-Subject, X-Grantgate-Decision, Authorization',
  ];
  const answers = await Promise.all(
    [1, 2, 3].map((n) =>
      send(head('GET /orders/v1/orders HTTP/1.1', [...spoofs, `X-N: ${n}`, 'Expect: 100-continue'])),
    ),
  );
  for (const { status: code } of answers) assert.ok([100, 200].includes(code), String(code));
  const reached = world.upstream.received.slice(-3);
  for (const { headers } of reached) {
    assert.deepEqual(headers['x-grantgate-subject'], ['user:cleo@example.com']);
    assert.deepEqual(headers['x-grantgate-grants'], ['orders-billing-read']);
    assert.deepEqual(headers['x-forwarded-for'], ['127.0.0.1']);
    assert.deepEqual(headers['x-forwarded-host'], ['api.example.com']);
    for (const name of [
      'x-user',
      'x_grantgate_subject',
      'forwarded',
      'x-original-url',
      'x-http-method-override',
      'expect',
    ]) {
      assert.equal(headers[name], undefined, name);
    }
  }
});

test('a denied request is not asked for its body', async () => {
  const denied = await send(
    head('POST /orders/v1/orders HTTP/1.1', ['Content-Length: 5', 'Expect: 100-continue']),
  );
  assert.equal(denied.status, 403);
  assert.doesNotMatch(denied.answer, /100 Continue/);
  assert.equal(denied.reached.length, 0);
});

test('an upgrade with a body is refused up front', async () => {
  const {
    status: code,
    answer,
    reached,
  } = await send(
    head('GET /orders/v1/orders HTTP/1.1', [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Content-Length: 300',
    ]),
  );
  assert.equal(code, 400);
  assert.match(answer, /"code":"upgrade-with-body"/);
  assert.equal(reached.length, 0);
  await alive();
});

test('any other upgrade is the plain request it also is', async () => {
  const { status: code, reached } = await send(
    head('GET /orders/v1/orders HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c']),
  );
  assert.equal(code, 200);
  assert.equal(reached[0]?.headers.upgrade, undefined);
});

const garbage: [string, string][] = [
  ['status 099', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['no HTTP at all', 'hello\r\n\r\n'],
  ['40 KB of headers', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
];
for (const [what, answer] of garbage) {
  test(`an upstream that answers ${what} is 502`, async () => {
    world.upstream.answer((request) => request.socket.end(answer));
    const { status: code } = await send(head('GET /orders/v1/orders HTTP/1.1', ['Connection: close']));
    world.upstream.answer(null);
    assert.equal(code, 502);
    await alive();
  });
}

test('tokens with hostile claims are denied a thousand times, and good callers go on', async () => {
  for (let round = 0; round < 50; round += 1) {
    for (const sub of [
      '\ud800',
      'a\r\nx-user: admin',
      '管理者@example.com',
      'x'.repeat(5000),
      '__proto__',
      '',
    ]) {
      const response = await world.get('/orders/v1/orders', { as: sub });
      assert.ok([401, 403].includes(response.status), `${response.status}`);
    }
  }
  const nested = await world.get('/orders/v1/orders', {
    as: 'cleo@example.com',
    claims: { amr: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) },
  });
  assert.equal(nested.status, 200);
  await alive();
});

test('for any target, the upstream gets the decided path byte for byte, or nothing', async () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '\\',
    ';',
    'v1',
    'orders',
    'a',
    '%41',
    '%25',
    '%e2%82%ac',
    '?',
    '#',
    '%',
    ':',
    '//',
    '%00',
  );
  const targets = fc.sample(
    fc.array(piece, { maxLength: 8 }).map((pieces) => `/orders/v1/orders/${pieces.join('')}`),
    { numRuns: 600, seed: 11 },
  );
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(world.gateway.url);
  world.upstream.received.length = 0;
  let accepted = 0;
  // Pipelined in batches: each answer closes nothing unless it must.
  for (const target of targets) {
    const before = world.upstream.received.length;
    const answer = await new Promise<string>((done) => {
      let text = '';
      const socket = connect(Number(port), hostname, () =>
        socket.write(head(`GET ${target} HTTP/1.1`, ['Connection: close'])),
      );
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('close', () => done(text));
      socket.on('error', () => done(text));
    });
    const code = status(answer);
    const reached = world.upstream.received.slice(before);
    if (code === 200) {
      accepted += 1;
      assert.equal(reached.length, 1);
      const url = reached[0]?.url ?? '';
      const path = url.split('?')[0] ?? '';
      assert.match(path, /^\/v1\/orders(?:\/[^/]+)?$/, target);
      assert.doesNotMatch(path, /\/\.{1,2}(?:\/|$)|\\|;|%2f|%5c/i, target);
      assert.equal(
        decodeURIComponent(`/orders${path}`),
        decodeURIComponent(target.split('?')[0] ?? ''),
        target,
      );
    } else if (code === 429) {
      world.passed.ms += 60_000;
      assert.equal(reached.length, 0);
    } else {
      assert.ok(code >= 400 && code < 500, `${target}: ${code}`);
      assert.equal(reached.length, 0, target);
    }
  }
  assert.ok(accepted > 50, `${accepted}`);
});

test('where own host names are listed, no other is served or passed on', async () => {
  const own = await startWorld({ config: { hosts: ['API.example.com'] } });
  try {
    const bearer = await own.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
    const as = (host: string) =>
      raw(
        own.gateway.url,
        `GET /orders/v1/orders HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearer}\r\nConnection: close\r\n\r\n`,
      );
    for (const host of ['api.example.com', 'Api.Example.com:8080', 'api.example.com.'])
      assert.match(await as(host), /^HTTP\/1\.1 200 /, host);
    for (const host of ['evil.example', 'x.api.example.com', '127.0.0.1', 'api.example.com.evil'])
      assert.match(await as(host), /^HTTP\/1\.1 421 .*"host-unknown"/s, host);
    // One that an API is routed by is ours too.
    assert.match(await as('payments.example.com'), /^HTTP\/1\.1 404 /);
    for (const { headers } of own.upstream.received)
      assert.deepEqual(headers['x-forwarded-host'], ['api.example.com']);
  } finally {
    await own.close();
  }
});

test('an upstream that answers x-grantgate-decision is not heard', async () => {
  world.upstream.answer((_request, response) => {
    response.writeHead(200, { 'X-Grantgate-Decision': 'forged', 'x-other': '1' });
    response.end('ok');
  });
  const answered = await world.get('/orders/v1/orders');
  world.upstream.answer(null);
  assert.match(answered.headers.get('x-grantgate-decision') ?? '', /^[0-9A-Z]{26}$/);
  assert.equal(answered.headers.get('x-other'), '1');
});

test('a second credential is ambiguous, be it the same again', async () => {
  const key = 'X-Api-Key: gg_abcd_0123456789abcdef';
  const bearer = `Authorization: Bearer ${token}`;
  const withLines = (...lines: string[]) =>
    send(['GET /orders/v1/orders HTTP/1.1', 'Host: a', ...lines, 'Connection: close', '', ''].join('\r\n'));
  assert.match((await withLines(key)).answer, /^HTTP\/1\.1 401 .*"credentials-invalid"/s);
  assert.equal((await withLines(bearer)).status, 200);
  for (const two of [
    [key, key.toLowerCase()],
    [bearer, bearer],
    ['authorization: Basic eDp5', bearer],
    [bearer, key],
  ]) {
    const { answer, reached } = await withLines(...two);
    assert.match(answer, /^HTTP\/1\.1 400 .*"credentials-ambiguous"/s, two.join());
    assert.equal(reached.length, 0);
  }
});
