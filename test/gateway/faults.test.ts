import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { parseConfig } from '../../gateway/config/config.ts';
import { explainToken, tokenText } from '../../gateway/explain/explainToken.ts';
import { createFaults } from '../../gateway/faults.ts';
import { faultOf } from '../../gateway/http/fault.ts';
import { RecordError } from '../../gateway/record/recordWriter.ts';
import { suite } from '../_suite.ts';
import { startWorld, type World } from './_gateway.ts';

const test = suite('faults');
let world: World;
/** An upstream of bytes: answers each request with what a test says, or ends the connection. */
let bytes: Server;
let answer: (write: (text: string) => void, end: () => void) => void;
test.before(async () => {
  bytes = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () =>
      answer(
        (text) => void socket.write(text),
        () => void socket.destroySoon(),
      ),
    );
  });
  await new Promise<void>((done) => bytes.listen(0, '127.0.0.1', done));
  world = await startWorld();
});
test.after(async () => {
  await world.close();
  await new Promise((done) => bytes.close(done));
});

const counts = async (name: string): Promise<Record<string, number>> => {
  const found: Record<string, number> = {};
  for (const line of (await world.metrics()).split('\n')) {
    const cause = new RegExp(`^${name}\\{.*cause="([^"]*)"\\} (\\d+)$`).exec(line);
    if (cause?.[1] !== undefined) found[cause[1]] = Number(cause[2]);
  }
  return found;
};

const upstreamAt = async (upstream: string) => {
  const path = 'grants/apis/orders.yaml';
  const text = await readFile(join(world.tree.root, path), 'utf8');
  await world.push({ [path]: text.replace(/^upstream: .*$/m, `upstream: ${upstream}`) });
};

test('what an upstream failed of is counted by its cause, while the caller sees one code', async () => {
  const { port } = bytes.address() as { port: number };
  const at = `http://127.0.0.1:${port}`;
  const faults: [cause: string, upstream: string, how?: typeof answer][] = [
    ['refused', 'http://127.0.0.1:9'],
    ['dns', 'http://no-such-host.invalid:8080'],
    ['tls', `https://127.0.0.1:${port}`, (write) => write('HTTP/1.1 400 no\r\n\r\n')],
    ['reset', at, (_, end) => end()],
    ['bad-answer', at, (write) => write('SSH-2.0-OpenSSH\r\n')],
    [
      'cut',
      at,
      (write, end) => {
        write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nhalf');
        end();
      },
    ],
  ];
  for (const [cause, upstream, how] of faults) {
    if (how !== undefined) answer = how;
    await upstreamAt(upstream);
    const response = await world.get('/orders/v1/orders').catch(() => null);
    const text = await response?.text().catch(() => 'cut');
    if (cause === 'cut') assert.ok(response === null || text === 'cut', 'an answer that was cut looks whole');
    else assert.deepEqual([response?.status, JSON.parse(text ?? '').code], [502, 'upstream-failed'], cause);
    const told = await counts('grantgate_upstream_failures_total');
    assert.equal(told[cause], 1, `${cause}: ${JSON.stringify(told)}`);
  }
  await upstreamAt(world.upstream.url);
  assert.equal((await world.get('/orders/v1/orders')).status, 200);
});

test('a token is refused by a cause that only operators see, and never an unknown issuer by name', async () => {
  const { issuer } = world;
  const seconds = Math.floor(world.clock.now / 1000);
  const tokens: [string, string][] = [
    ['audience', await issuer.token({ aud: 'other' })],
    ['expired', await issuer.token({ exp: seconds - 60 })],
    ['not-yet-valid', await issuer.token({ nbf: seconds + 600 })],
    ['expiry-missing', await issuer.token({ exp: undefined })],
    ['subject-missing', await issuer.token({ sub: undefined })],
    ['type', await issuer.token({}, { typ: 'logout+jwt' })],
    ['key-unknown', await issuer.token({}, { kid: 'nobody' })],
    ['issuer', await issuer.token({ iss: 'https://hostile.example' })],
    ['signature', `${(await issuer.token()).slice(0, -8)}AAAAAAAA`],
    ['form', 'no.token'],
    ['login-missing', await issuer.token({ sub: 'x', email: 1 })],
  ];
  const config = parseConfig(
    {
      bundle: { source: 'git+file:///x' },
      issuers: [{ issuer: issuer.url, audience: 'grantgate', login_claim: 'email' }],
    },
    '/gateway.yaml',
  );
  for (const [cause, token] of tokens) {
    if (cause !== 'login-missing') {
      const response = await fetch(`${world.gateway.url}/orders/v1/orders`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const text = await response.text();
      assert.equal(response.status, 401, cause);
      const { code, detail } = JSON.parse(text);
      if (cause !== 'expired')
        assert.deepEqual([code, detail], ['token-invalid', 'The token is not valid here.']);
      assert.equal((await counts('grantgate_tokens_refused_total'))[cause], 1, cause);
    }
    const told = await explainToken(token, { config, env: {}, now: () => world.clock.now });
    if (cause === 'login-missing') assert.match(told.reason, /services\.yaml.*login_claim/);
    else assert.deepEqual([told.accepted, told.cause], [false, cause]);
    const words = tokenText(told);
    for (const part of token.split('.')) if (part.length > 5) assert.ok(!words.includes(part), words);
  }
  assert.ok(!(await world.metrics()).includes('hostile.example'));
  const good = await explainToken(`Bearer ${await issuer.token({ email: 'ann@example.com' })}\n`, {
    config,
    env: {},
    now: () => world.clock.now,
  });
  assert.deepEqual([good.accepted, good.login], [true, 'ann@example.com']);
});

test('what is wrong with key sets is counted by cause', async () => {
  const { issuer } = world;
  const ask = async () => {
    await issuer.rotate();
    // Past the cool-down after a failure, and past the one of fetches.
    world.clock.now += 60_000;
    return (await world.get('/orders/v1/orders')).status;
  };
  issuer.publish(() => []);
  await ask();
  issuer.publish(() => [{ kty: 'oct', k: 'c2VjcmV0' }]);
  await ask();
  issuer.publish((keys) => keys);
  issuer.fault('down');
  await ask();
  issuer.fault('none');
  assert.equal(await ask(), 200);
  const { other, ...told } = await counts('grantgate_jwks_failures_total');
  assert.deepEqual(Object.keys(told).sort(), ['key-not-public', 'key-set-empty', 'status']);
  assert.equal(other, undefined);
});

test('a full disk fails every request, and is one line a minute with the folder, the reason and how many', () => {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const error = (fields: object, message?: string) => void lines.push({ ...fields, message });
  const faults = createFaults({ metrics: {} as never, log: { warn: error, error }, now: () => now });
  const full = () => new RecordError('decisions-unwritable', 'the log in /d/gw-1', new Error('ENOSPC'));
  for (let times = 0; times < 1000; times += 1) faults.request(full(), `id-${times}`);
  faults.request(new TypeError('another'), null);
  now += 60_000;
  faults.request(full(), 'id-1000');
  assert.deepEqual(
    lines.map(({ err, decision_id, times }) => [(err as Error).message, decision_id, times]),
    [
      ['the log in /d/gw-1', 'id-0', 1],
      ['another', null, 1],
      ['the log in /d/gw-1', 'id-1000', 1000],
    ],
  );
});

test('the log tells each fault once a minute, with how often it was, and nothing of what was sent', () => {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const told = (fields: object, message?: string) => void lines.push({ ...fields, message });
  const faults = createFaults({
    metrics: {
      upstreamFailures: () => undefined,
      keysFetched: () => undefined,
      introspectionFailed: () => undefined,
      tokenRefused: () => undefined,
    },
    log: { warn: told, error: told } as never,
    now: () => now,
  });
  const error = Object.assign(new Error('answered: secret'), {
    ...{ code: 'HPE_INVALID_CONSTANT', data: 'secret' },
  });
  for (let times = 0; times < 100; times += 1) faults.upstream('orders', error);
  faults.upstream('payments', error);
  faults.token(null, 'form');
  now += 60_000;
  faults.upstream('orders', error);
  faults.keys('https://i.example', new SyntaxError('secret'));
  assert.ok(!JSON.stringify(lines).includes('secret'), JSON.stringify(lines));
  assert.deepEqual(
    lines.map(({ api, issuer, cause, times }) => [api ?? issuer, cause, times]),
    [
      ['orders', 'bad-answer', 1],
      ['payments', 'bad-answer', 1],
      [null, 'form', 1],
      ['orders', 'bad-answer', 100],
      ['https://i.example', 'other', 1],
    ],
  );
});

test('a fault is found beneath what wraps it, and what is unknown is called so', () => {
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' });
  assert.equal(faultOf(new TypeError('fetch failed', { cause: new AggregateError([refused]) })), 'refused');
  assert.equal(faultOf(Object.assign(new Error(), { code: 'CERT_HAS_EXPIRED' })), 'tls');
  assert.equal(faultOf(new DOMException('', 'TimeoutError')), 'answer-timeout');
  for (const unknown of [null, 'text', new Error('x'), Object.assign(new Error(), { code: 'constructor' })])
    assert.equal(faultOf(unknown), 'other');
});
