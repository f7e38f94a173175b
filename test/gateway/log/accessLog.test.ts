import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { checkPlaces } from '../../../gateway/config/checkPlaces.ts';
import { ConfigError, parseConfig } from '../../../gateway/config/config.ts';
import { type Access, accessLine } from '../../../gateway/log/accessLine.ts';
import { openAccessLog } from '../../../gateway/log/accessLog.ts';
import { suite } from '../../_suite.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('accessLog');

const plain: Access = {
  atMs: Date.parse('2026-11-26T11:34:09.120Z'),
  milliseconds: 3.04,
  address: '192.0.2.7',
  subject: 'user:ann@example.com',
  method: 'GET',
  target: '/orders/v1/orders?card=4111',
  version: '1.1',
  status: 200,
  bytes: 11,
  referer: 'https://shop.example.com/cart?session=1',
  userAgent: 'curl/8',
  api: 'orders',
  operation: 'listOrders',
  decisionId: '01JD',
};

test('a line is what readers of the combined format, and of JSON, expect, less the query', () => {
  assert.equal(
    accessLine(plain, 'combined'),
    '192.0.2.7 - user:ann@example.com [26/Nov/2026:11:34:09 +0000] "GET /orders/v1/orders HTTP/1.1" 200 11 "https://shop.example.com/cart" "curl/8"\n',
  );
  assert.deepEqual(JSON.parse(accessLine(plain, 'json')), {
    access: true,
    time: '2026-11-26T11:34:09.120Z',
    address: '192.0.2.7',
    subject: 'user:ann@example.com',
    method: 'GET',
    path: '/orders/v1/orders',
    protocol: 'HTTP/1.1',
    status: 200,
    bytes: 11,
    duration_ms: 3,
    referer: 'https://shop.example.com/cart',
    user_agent: 'curl/8',
    api: 'orders',
    operation: 'listOrders',
    decision_id: '01JD',
  });
});

const form =
  /^\S+ - \S+ \[[^\]"]+\] "(?:[^"\\]|\\x[0-9A-F]{2})*" \d+ \d+ "(?:[^"\\]|\\x[0-9A-F]{2})*" "(?:[^"\\]|\\x[0-9A-F]{2})*"\n$/;

test('whatever callers send, a line stays one line of its form, and of a bounded length', () => {
  const hostile = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        '"',
        '\\',
        '\r',
        '\n',
        ' ',
        '\u001b',
        '\u0085',
        '\u202e',
        '\u2028',
        '\ud800',
        'é',
        '[',
        '/',
      ),
    }),
    fc.string({ unit: 'binary', maxLength: 5000 }),
    fc.constantFrom('"'.repeat(9000), '" 200 1 "-" "-"\n192.0.2.9 - - [x] "GET /', '\u{1F600}'.repeat(4000)),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (target, referer, userAgent, subject) => {
      const access = { ...plain, target, referer, userAgent, subject: subject.slice(0, 256) };
      const line = accessLine(access, 'combined');
      assert.match(line, form);
      assert.doesNotMatch(line.slice(0, -1), /[^\x20-\x7e]/);
      const json = accessLine(access, 'json');
      assert.doesNotMatch(json.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      assert.equal(JSON.parse(json).status, 200);
      for (const text of [line, json]) assert.ok(text.length < 40_000, String(text.length));
    }),
    { numRuns: 30 },
  );
});

test('no credential comes into it, wherever a caller puts one', () => {
  const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl';
  const key = 'gg_inv1_a-secret-of-the-invoicer-0123456789';
  const pad = 'x'.repeat(500);
  for (const format of ['combined', 'json'] as const)
    for (const access of [
      { target: `/orders/${jwt}/x?access_token=${jwt}` },
      { target: `http://ann:c2lnbmF0dXJl@gateway/orders#${jwt}` },
      { target: `//ann:x@gateway/${key}` },
      { target: `/orders/Bearer%20${key}` },
      { referer: `https://ann:c2lnbmF0dXJl@shop/${key}?t=${jwt}#${jwt}` },
      { userAgent: `curl ${jwt} Basic c2lnbmF0dXJl` },
      // The cut leaves no part of one.
      { userAgent: `${pad}${jwt}` },
    ]) {
      const line = accessLine({ ...plain, ...access }, format);
      assert.doesNotMatch(line, /c2lnbmF0dXJl|secret-of|eyJzdWIi/, JSON.stringify(access));
    }
});

test('a folder in place of the file is told before a start', () => {
  const config = (access_file: string) =>
    parseConfig(
      { bundle: { source: 'git+file:///srv/access.git' }, log: { access: 'json', access_file } },
      join(tmpdir(), 'gateway.yaml'),
    );
  checkPlaces(config('access.log'), {}, false);
  assert.throws(
    () => checkPlaces(config('.'), {}, false),
    /"log\.access_file": .* is a folder: name a file in it/,
  );
});

test('a file that cannot be written to stops the start, and one that fails later no request', () => {
  const failures: unknown[] = [];
  const options = { now: () => 0, onFailure: (error: unknown) => failures.push(error) };
  const open = (access_file: string) =>
    openAccessLog({ config: { access: 'json', access_file }, ...options });
  assert.throws(
    () => open('/no/such/folder/access.log'),
    (error) => error instanceof ConfigError && /"log\.access_file": .*\(ENOENT\)/.test(error.message),
  );
  const log = open('/dev/full');
  const request = { method: 'GET', url: '/', httpVersion: '1.1', headers: {}, socket: { bytesWritten: 0 } };
  log.begin(request as never, null, '192.0.2.1')?.end(101);
  log.close();
  assert.equal(failures.length, 1);
});

test('where a pipe stands in place of the file nobody waits for its reader, and a line cut short ends there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-access-'));
  const path = join(folder, 'access.log');
  execFileSync('mkfifo', [path]);
  const failures: number[] = [];
  const open = () =>
    openAccessLog({
      config: { access: 'json', access_file: path },
      now: () => 0,
      onFailure: (_, lost) => failures.push(lost),
    });
  assert.throws(open, /\(ENXIO\)/);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const read = () => {
    const buffer = Buffer.alloc(1_000_000);
    let text = '';
    try {
      for (let size = 1; size > 0; ) {
        size = readSync(reader, buffer);
        text += buffer.toString('utf8', 0, size);
      }
    } catch (error) {
      assert.match(String(error), /EAGAIN/);
    }
    return text;
  };
  try {
    const log = open();
    const headers = { 'user-agent': 'x'.repeat(500) };
    const request = { method: 'GET', url: '/', httpVersion: '1.1', headers, socket: { bytesWritten: 0 } };
    const note = async (count: number) => {
      for (let left = count; left > 0; left -= 1) log.begin(request as never, null, '192.0.2.1')?.end(101);
      await new Promise((done) => setImmediate(done));
    };
    await note(500);
    assert.equal(failures.length, 1);
    const before = read();
    assert.ok(!before.endsWith('\n'));
    await note(2);
    const [rest, ...whole] = read().trimEnd().split('\n');
    assert.equal(rest, '');
    assert.deepEqual(
      whole.map((line) => (JSON.parse(line) as { status: number }).status),
      [101, 101],
    );
    log.close();
  } finally {
    closeSync(reader);
    await rm(folder, { recursive: true });
  }
});

let world: World;
const file = () => join(world.folder, 'access.log');
const lines = async (path = file()) => (await readFile(path, 'utf8')).trimEnd().split('\n');
/** Lines come when an answer is over, which its caller knows a little earlier. */
async function linesUntil(count: number, path = file()): Promise<Record<string, unknown>[]> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await lines(path);
    if (found.length >= count) return found.map((line) => JSON.parse(line));
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`no ${count} lines: ${await readFile(path, 'utf8')}`);
}
test.before(async () => {
  world = await startWorld({
    config: { log: { level: 'silent', access: 'json', access_file: 'access.log' } },
  });
});
test.after(() => world.close());

test('each request of a caller has its line: allowed, denied, refused, answered by the API', async () => {
  await (await world.get('/orders/v1/orders?card=4111', { headers: { 'user-agent': 'tests' } })).text();
  await world.get('/orders/v1/orders', { method: 'POST', as: 'cleo@example.com' });
  const hostile = 'GET /nowhere HTTP/1.1\r\nhost: a\r\nuser-agent: x\x9b2J"\r\nconnection: close\r\n\r\n';
  await raw(world.gateway.url, Buffer.from(hostile, 'latin1'));
  const [allowed, denied, unknown] = await linesUntil(3);
  assert.deepEqual(
    [
      allowed?.status,
      allowed?.path,
      allowed?.subject,
      allowed?.bytes,
      allowed?.user_agent,
      allowed?.operation,
    ],
    [200, '/orders/v1/orders', 'user:ann@example.com', 11, 'tests', 'listOrders'],
  );
  assert.deepEqual(
    [denied?.status, denied?.subject, denied?.operation],
    [403, 'user:cleo@example.com', 'createOrder'],
  );
  assert.match(String(denied?.decision_id), /^[0-9A-Z]{26}$/);
  assert.deepEqual([unknown?.status, unknown?.subject, unknown?.user_agent], [404, null, 'x\u009b2J"']);
});

test('a WebSocket has its line when it is over, with the status of its handshake', async () => {
  const before = (await lines()).length;
  const token = await world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
  // The upstream answers it as a plain request.
  const answer = await raw(
    world.gateway.url,
    `GET /orders/v1/orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  const line = (await linesUntil(before + 1)).at(-1);
  assert.deepEqual([line?.status, line?.subject], [200, 'user:ann@example.com']);
});

test('after its file was renamed it goes on in a new one', async () => {
  const before = (await lines()).length;
  await mkdir(join(world.folder, 'old'));
  await rename(file(), join(world.folder, 'old/access.log'));
  world.gateway.reopen();
  await (await world.get('/orders/v1/orders')).text();
  assert.equal((await linesUntil(1)).length, 1);
  assert.equal((await lines(join(world.folder, 'old/access.log'))).length, before);
});
