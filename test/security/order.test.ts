import * as assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { reservedHeaders } from '../../gateway/upstream/reservedHeaders.ts';
import { suite } from '../_suite.ts';
import { until } from '../_until.ts';
import { sampleFiles } from '../bundle/_organisation.ts';
import { raw, startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('security/order');
let world: World;
let token: string;
/** An upstream of bare bytes: what it answers is written as it stands. */
let bare: Server;
let answer: (socket: Socket, asked: string) => void = () => undefined;
const asked: string[] = [];

test.before(async () => {
  bare = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      asked.push(chunk.toString('latin1'));
      answer(socket, chunk.toString('latin1'));
    });
  });
  await new Promise<void>((done) => bare.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(bare.address() as AddressInfo).port}`;
  const orders = sampleFiles['grants/apis/orders.yaml'] ?? '';
  world = await startWorld({
    files: { 'grants/apis/orders.yaml': orders.replace('http://orders.internal:8080', url) },
  });
  token = await world.issuer.token({
    sub: 'ann@example.com',
    amr: ['mfa'],
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
});
test.before.each(() => void asked.splice(0));
test.after(async () => {
  await world.close();
  bare.close();
});

const head = (line: string, extra: string[] = []) =>
  [line, 'Host: a', `Authorization: Bearer ${token}`, ...extra, '', ''].join('\r\n');
const get = (extra: string[] = []) => head('GET /orders/v1/orders HTTP/1.1', extra);
const post = (extra: string[] = []) => head('POST /orders/v1/orders HTTP/1.1', extra);
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const upgrade = (extra = [`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13']) =>
  get(['Connection: Upgrade', 'Upgrade: websocket', ...extra]);
const ask = (bytes: string, answers = 1) => raw(world.gateway.url, bytes, answers);
const opened = () => {
  const { hostname, port } = new URL(world.gateway.url);
  const state = { text: '', ended: false, socket: connect(Number(port), hostname) };
  state.socket.on('data', (chunk) => {
    state.text += chunk.toString('latin1');
  });
  state.socket.on('error', () => undefined);
  state.socket.on('close', () => {
    state.ended = true;
  });
  return state;
};
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const openRequests = async () =>
  Number(/^grantgate_open_requests(?:\{.*\})? (\d+)$/m.exec(await world.metrics())?.[1] ?? Number.NaN);

test('an answer that comes before the body was read is the last of its connection, and reaches a caller that goes on sending', async () => {
  answer = (socket) => void socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  const caller = opened();
  caller.socket.write(post(['Content-Length: 6000000']));
  caller.socket.write(Buffer.alloc(500_000));
  await until(() => caller.text.includes('\r\n\r\nno'));
  assert.match(caller.text, /^HTTP\/1\.1 413 .*Connection: close/s);
  caller.socket.write(Buffer.alloc(5_500_000));
  caller.socket.write(get());
  await until(() => caller.ended);
  // Nothing is answered behind it, and nothing done.
  assert.equal(caller.text.match(/HTTP\/1\.1/g)?.length, 1);
  assert.equal(asked.filter((text) => text.startsWith('GET')).length, 0);
  await until(async () => (await openRequests()) === 0);
});

test('a caller that never ends its body is not heard out for ever, after an early answer or a refusal', async () => {
  answer = (socket) => void socket.write('HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno');
  for (const request of [
    post(['Content-Length: 100']),
    post(['Transfer-Encoding: chunked']),
    post(['Content-Length: 100']).replace('/v1/orders', '/v1/nothing'),
  ]) {
    const caller = opened();
    caller.socket.write(request);
    caller.socket.write('5\r\nhello\r\n');
    await until(() => caller.ended);
    assert.match(caller.text, /^HTTP\/1\.1 4.*connection: close/is);
  }
});

test('an answer that streams while the body still comes is passed on whole', async () => {
  const echoed = (socket: Socket, text: string) => {
    if (text.startsWith('POST')) socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
    socket.write('piece;');
    if (text.includes('0\r\n\r\n')) socket.end();
  };
  answer = echoed;
  const caller = opened();
  caller.socket.write(post(['Transfer-Encoding: chunked']));
  caller.socket.write('5\r\nhello\r\n');
  await until(() => caller.text.includes('piece;'));
  const before = asked.length;
  caller.socket.write('5\r\nhello\r\n');
  await until(() => asked.length > before);
  caller.socket.write('0\r\n\r\n');
  await until(() => caller.ended);
  assert.match(caller.text, /\r\n0\r\n\r\n$/);
});

test('a body that was read whole leaves its connection to the next request', async () => {
  answer = (socket) => void socket.write(ok);
  const two = await ask(`${post(['Content-Length: 5'])}hello${get(['Connection: close'])}`, 2);
  assert.equal(two.match(/HTTP\/1\.1 200/g)?.length, 2);
});

test('an upgrade behind an unfinished request waits its turn and is refused, and the connection ends', async () => {
  let release: () => void = () => undefined;
  answer = (socket) => {
    release = () => void socket.write(ok);
  };
  const caller = opened();
  caller.socket.write(get() + upgrade());
  await until(() => asked.length === 1);
  release();
  await until(() => caller.ended);
  assert.match(caller.text, /^HTTP\/1\.1 200 .*ok\s*HTTP\/1\.1 400 .*"upgrade-pipelined"/s);
  assert.equal(asked.length, 1);
});

test('CONNECT and garbage behind an unfinished request end the connection, with no answer before its turn', async () => {
  answer = () => undefined;
  for (const behind of ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 'garbage\r\n\r\n']) {
    const before = asked.length;
    const caller = opened();
    caller.socket.write(get());
    await until(() => asked.length > before);
    caller.socket.write(behind);
    await until(() => caller.ended);
    assert.equal(caller.text, '');
  }
  await until(async () => (await openRequests()) === 0);
});

test('requests that wait for their turn are forgotten with their connection', async () => {
  answer = () => undefined;
  const caller = opened();
  caller.socket.write(get().repeat(15));
  await until(async () => (await openRequests()) === 15);
  caller.socket.destroy();
  await until(async () => (await openRequests()) === 0);
});

const agreed = (extra: string[]) => ['HTTP/1.1 101 Switching Protocols', ...extra, '', ''].join('\r\n');
const notAgreed: [string, string][] = [
  ['an upgrade to something else', agreed(['Connection: Upgrade', 'Upgrade: h2c', accept])],
  ['no word on what it upgrades to', agreed(['Connection: Upgrade', accept])],
  [
    'an agreement to another handshake',
    agreed(['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Accept: x']),
  ],
  ['no proof of having read the handshake', agreed(['Connection: Upgrade', 'Upgrade: websocket'])],
  ['no Connection header', agreed(['Upgrade: websocket', accept])],
  ['status 099', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
  ['status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'],
];
for (const [what, bytes] of notAgreed) {
  test(`an upstream that answers a handshake with ${what} is 502`, async () => {
    answer = (socket) => void socket.write(bytes);
    assert.match(await ask(upgrade()), /^HTTP\/1\.1 502 .*"upstream-failed"/s);
  });
}

test('what an upstream answers to a handshake is filtered as every other answer', async () => {
  const headers = [
    'x-grantgate-decision: forged',
    'Keep-Alive: timeout=1',
    'Proxy-Authenticate: Basic',
    'X-Hop: 1',
    'constructor: 7',
    '__proto__: 8',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Set-Cookie: c=3',
  ];
  const check = (text: string, status: string) => {
    assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text);
    assert.doesNotMatch(
      text,
      /forged|keep-alive: timeout=1\r|proxy-authenticate|x-hop|__proto__|native code/i,
    );
    assert.match(text, /^constructor: 7\r$/m);
    assert.match(text, /^set-cookie: a=1\r\nset-cookie: b=2\r\nset-cookie: c=3\r$/im);
    assert.match(text, /^x-grantgate-decision: [0-9A-Z]{26}\r$/m);
  };
  answer = (socket) =>
    void socket.write(agreed(['Connection: Upgrade, X-Hop', 'Upgrade: websocket', accept, ...headers]));
  check(await ask(upgrade()), '101');
  answer = (socket) =>
    void socket.write(
      ['HTTP/1.1 403 Forbidden', 'Connection: X-Hop', ...headers, 'Content-Length: 2', '', 'no'].join('\r\n'),
    );
  const refused = await ask(upgrade());
  check(refused, '403');
  assert.match(refused, /\r\n\r\nno$/);
  // And of an answer that is no upgrade.
  check(await ask(get()), '403');
});

test('a handshake reaches its upstream under the target as it was decided, byte for byte, with each of its headers', async () => {
  answer = (socket) => void socket.write(agreed(['Connection: Upgrade', 'Upgrade: websocket', accept]));
  const target = `/orders/v1/orders?q="a"<b>|^\`{'}\\..%2e/../x`;
  const many = ['X-Many: 1', 'X-Many: 2', 'X-Many: 3'];
  const handshake = upgrade([`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13', ...many]);
  assert.match(await ask(handshake.replace('/orders/v1/orders', () => target)), /^HTTP\/1\.1 101 /);
  assert.equal(asked[0]?.split(' ')[1], target.slice('/orders'.length));
  assert.match(asked[0] ?? '', /^x-many: 1\r\nx-many: 2\r\nx-many: 3\r$/im);
});

test('a handshake that is none goes to nobody, and half of one is a request like any other', async () => {
  answer = (socket) => void socket.write(ok);
  const version = 'Sec-WebSocket-Version: 13';
  const bad = [
    [version],
    [`Sec-WebSocket-Key: short`, version],
    [`Sec-WebSocket-Key: ${key}, ${key}`, version],
  ];
  for (const extra of bad) assert.match(await ask(upgrade(extra)), /^HTTP\/1\.1 400 .*"upgrade-malformed"/s);
  const old = await ask(upgrade([`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 8']));
  assert.match(old, /^HTTP\/1\.1 426 .*sec-websocket-version: 13/s);
  assert.equal(asked.length, 0);
  for (const half of [
    get(['Upgrade: websocket', `Sec-WebSocket-Key: ${key}`, version]),
    get(['Connection: Upgrade', `Sec-WebSocket-Key: ${key}`, version]),
    get(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAA']),
  ])
    assert.match(await ask(half), /^HTTP\/1\.1 200 /);
  for (const text of asked) assert.doesNotMatch(text, /^(?:upgrade|http2-settings|connection: upgrade)/im);
});

test('a token among the protocols of a WebSocket stays here, the others go on', async () => {
  const jwt = token;
  for (const [sent, passed] of [
    [`graphql-ws, base64url.bearer.authorization.k8s.io.abc, ${jwt}`, 'graphql-ws'],
    [`chat, bearer.${jwt}`, 'chat'],
    ['v1, access_token, opaque-secret', 'v1, access_token'],
    ['gg_abcd_0123456789abcdef', ''],
  ] as const) {
    asked.splice(0);
    answer = (socket) => void socket.write(agreed(['Connection: Upgrade', 'Upgrade: websocket', accept]));
    await ask(
      upgrade([`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Protocol: ${sent}`]),
    );
    const found = /^sec-websocket-protocol: (.*)\r$/im.exec(asked[0] ?? '')?.[1] ?? '';
    assert.equal(found, passed);
  }
});

test('a body in chunks of one byte goes on in pieces, and is refused when it is hardly more than framing', async () => {
  answer = (socket, text) => {
    if (text.includes('0\r\n\r\n')) socket.write(ok);
  };
  const chunks = (count: number) => `${'1\r\nx\r\n'.repeat(count)}0\r\n\r\n`;
  const few = opened();
  few.socket.write(post(['Transfer-Encoding: chunked']) + chunks(20_000));
  await until(() => few.text.includes('\r\n\r\nok'));
  few.socket.destroy();
  const sent = asked.join('');
  assert.ok(sent.length < 40_000, `${sent.length}`);
  const many = opened();
  many.socket.write(post(['Transfer-Encoding: chunked']) + chunks(200_000));
  await until(() => many.ended);
  assert.match(many.text, /^HTTP\/1\.1 400 .*"chunks-too-small"/s);
});

test('a request is repeated only when a kept connection closed before any byte of an answer', async () => {
  const fresh = async () => {
    // The kept ones are closed, and seen to be.
    answer = (socket) =>
      void socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    assert.match(await ask(get()), /^HTTP\/1\.1 200 /);
    asked.splice(0);
  };
  const keep = async () => {
    await fresh();
    answer = (socket) => void socket.write(ok);
    assert.match(await ask(get()), /^HTTP\/1\.1 200 /);
    asked.splice(0);
  };
  const failing: [string, (socket: Socket) => void][] = [
    ['closed', (socket) => socket.destroy()],
    ['half a status', (socket) => socket.end('HTTP/1.1 20')],
    ['half a head', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
    ['an interim answer only', (socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n')],
    [
      'an unasked 101',
      (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ],
  ];
  for (const [what, fail] of failing) {
    await fresh();
    answer = fail;
    assert.match(await ask(get()), /^HTTP\/1\.1 502 /, what);
    assert.equal(asked.length, 1, `fresh: ${what}`);
    await keep();
    let first = true;
    answer = (socket) => {
      if (first) fail(socket);
      else socket.write(ok);
      first = false;
    };
    const again = what === 'closed';
    assert.match(await ask(get()), again ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 502 /, what);
    assert.equal(asked.length, again ? 2 : 1, `kept: ${what}`);
  }
});

test('an answer that is longer than announced ends with its length, and spoils no later one', async () => {
  answer = (socket) => void socket.write(`${ok} and more HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad`);
  for (let time = 0; time < 3; time += 1) assert.match(await ask(get()), /^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
});

test('204 has neither body nor length', async () => {
  answer = (socket) => void socket.write('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello');
  const text = await ask(get() + get(['Connection: close']), 2);
  assert.equal(text.match(/HTTP\/1\.1 204/g)?.length, 2);
  assert.doesNotMatch(text, /content-length|hello/i);
});

test('trailers that mean something as headers stay here, others go on', async () => {
  answer = (socket) =>
    void socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\nSet-Cookie: a=1\r\nCache-Control: no-store\r\nWWW-Authenticate: Basic\r\nX-Grantgate-Decision: forged\r\nX-Grantgate-Subject: user:eve\r\nConnection: x\r\n\r\n',
    );
  const text = await ask(get());
  assert.match(text, /\r\n0\r\ngrpc-status: 0\r\n\r\n$/i);
});

test('a caller of HTTP/1.0 gets an answer that ends with the connection, whatever the upstream speaks', async () => {
  for (const said of [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    'HTTP/1.0 200 OK\r\n\r\nok',
    ok,
  ]) {
    answer = (socket) => {
      socket.write(said);
      if (said.startsWith('HTTP/1.0')) socket.end();
    };
    const caller = opened();
    caller.socket.write(get().replace('HTTP/1.1', 'HTTP/1.0'));
    await until(() => caller.ended);
    assert.match(caller.text, /^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
    assert.doesNotMatch(caller.text, /chunked/i);
  }
});

test('no header of a reserved family reaches an upstream, in any spelling', async () => {
  answer = (socket) => void socket.write(ok);
  const names = reservedHeaders
    .filter(([pattern]) => pattern !== 'authorization' && pattern !== 'x-api-key' && pattern !== 'proxy*')
    .flatMap(([pattern]) => {
      if (pattern.endsWith('-*')) return [pattern.slice(0, -2), `${pattern.slice(0, -1)}more`];
      return pattern.endsWith('*') ? [pattern.slice(0, -1), `${pattern.slice(0, -1)}-more`] : [pattern];
    });
  names.push('proxy', 'proxy-more');
  for (const spelled of [
    (name: string) => name,
    (name: string) => name.toUpperCase(),
    (name: string) => name.replaceAll('-', '_'),
    (name: string) => name.replaceAll('-', '.'),
  ]) {
    asked.splice(0);
    const lines = names.map((name) => `${spelled(name)}: forged-by-caller`);
    assert.match(await ask(get([...lines, 'X-Harmless: yes'])), /^HTTP\/1\.1 200 /);
    assert.match(asked[0] ?? '', /X-Harmless: yes/);
    assert.doesNotMatch(asked[0] ?? '', /forged-by-caller/);
  }
});
