import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { readVerifyKey, verify } from '../../../bundle/archive/verify.ts';
import { assemble } from '../../../bundle/assemble.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import type { Source } from '../../../gateway/source/contract/source.ts';
import { type HttpsSourceOptions, httpsSource } from '../../../gateway/source/httpsSource.ts';
import { suite } from '../../_suite.ts';
import { sampleTree } from '../../bundle/_organisation.ts';

const test = suite('httpsSource');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const keys = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    open: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};
const [ours, theirs] = [keys(), keys()];

let bundles: Bundle[] = [];
let archives: Buffer[] = [];
let server: Server;
let url: string;
let answer: Answer;
let requests: IncomingMessage[] = [];
let source: Source | null = null;

test.before(async () => {
  const tree = await sampleTree({}, { git: true });
  const opa = await findOpa();
  const revisions = [await tree.commit({}, 'one'), await tree.commit({}, 'two')];
  bundles = [];
  for (const revision of revisions)
    bundles.push(await assemble({ tree: await gitTree(tree.root, revision), opa }));
  archives = await Promise.all(bundles.map((bundle) => pack(bundle, readSigningKey(ours.secret))));
  await tree.remove();
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle.tar.gz`;
});
test.after(() => {
  server.closeAllConnections();
  server.close();
});
test.before.each(() => {
  requests = [];
});
test.after.each(async () => {
  await source?.close();
  server.closeAllConnections();
});

const open = (more: Partial<HttpsSourceOptions> = {}): Source => {
  const key = readVerifyKey(ours.open);
  source = httpsSource({ url, verify: (archive) => verify(archive, key), timeoutMs: 60_000, ...more });
  return source;
};
const never = new AbortController().signal;
const next = (from: Source, more = {}) => from.next({ signal: never, ...more });
/** Takes what the source found. */
const take = async (from: Source): Promise<string | null> => {
  const found = await next(from);
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};
const archive = (index: number) => archives[index] ?? Buffer.alloc(0);
const send =
  (body: Buffer | string, headers: Record<string, string> = {}, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

test('takes a bundle once, and the next one when it comes, by entity tag', async () => {
  let etag = '"one"';
  answer = (request, response) => {
    if (request.headers['if-none-match'] === etag) return send('', { etag }, 304)(request, response);
    send(archive(etag === '"one"' ? 0 : 1), { etag })(request, response);
  };
  const from = open({ token: 'a-token' });
  assert.equal(await take(from), bundles[0]?.revision);
  assert.equal(await take(from), null);
  etag = '"two"';
  assert.equal(await take(from), bundles[1]?.revision);
  assert.deepEqual(
    requests.map(({ headers }) => headers['if-none-match']),
    [undefined, '"one"', '"one"'],
  );
  assert.ok(
    requests.every(
      ({ headers }) => headers.authorization === 'Bearer a-token' && headers.prefer === 'modes=snapshot',
    ),
  );
});

test('takes new bytes under an old entity tag, and none twice under new ones', async () => {
  answer = send(archive(0), { etag: '"same"' });
  const from = open();
  assert.equal(await take(from), bundles[0]?.revision);
  answer = send(archive(1), { etag: '"same"' });
  assert.equal(await take(from), bundles[1]?.revision);
  answer = send(archive(1), { etag: '"other"' });
  assert.equal(await take(from), null);
});

test('asks for a refused bundle again without its tag, so a repair under the same tag is seen', async () => {
  answer = send(await pack(bundles[0] as Bundle, readSigningKey(theirs.secret)), { etag: '"tag"' });
  const from = open();
  await assert.rejects(next(from), { code: 'signature-invalid' });
  await assert.rejects(next(from), { code: 'signature-invalid' });
  answer = send(archive(0), { etag: '"tag"' });
  assert.equal(await take(from), bundles[0]?.revision);
  assert.ok(requests.every(({ headers }) => headers['if-none-match'] === undefined));
});

const hostile: [string, () => Promise<Answer> | Answer, string | RegExp][] = [
  [
    'an archive signed by another key',
    async () => send(await pack(bundles[0] as Bundle, readSigningKey(theirs.secret))),
    'signature-invalid',
  ],
  [
    'an archive without a signature',
    async () => send(await pack(bundles[0] as Bundle, null)),
    'signature-missing',
  ],
  [
    'a page of HTML with status 200',
    () => send('<html>log in first</html>', { 'content-type': 'text/html' }),
    /^archive-/,
  ],
  ['an empty body', () => send(''), /^archive-/],
  ['a truncated archive that claims to be whole', () => send(archive(0).subarray(0, -200)), /^archive-/],
  [
    'a body that breaks off',
    () => (_, response) => {
      response.writeHead(200, { 'content-length': String(archive(0).length) });
      response.write(archive(0).subarray(0, 500), () => response.destroy());
    },
    'source-unreachable',
  ],
  ['304 to a request without a tag', () => send('', {}, 304), 'source-answer'],
  ['204', () => send('', {}, 204), 'source-answer'],
  ['401', () => send('no', {}, 401), 'source-unauthorized'],
  ['403', () => send('no', {}, 403), 'source-unauthorized'],
  ['404', () => send('no', {}, 404), 'source-not-found'],
  ['500', () => send('no', {}, 500), 'source-unreachable'],
  [
    'a redirect to another origin',
    () => send('', { location: 'http://127.0.0.1:9/bundle.tar.gz' }, 302),
    'source-redirected',
  ],
  ['a redirect in circles', () => send('', { location: '/bundle.tar.gz' }, 307), 'source-redirected'],
  ['a redirect to nowhere', () => send('', {}, 302), 'source-redirected'],
  [
    'a body announced as too large',
    () => send(Buffer.alloc(200_000), { 'content-length': '200000' }),
    'source-too-large',
  ],
  [
    'a body announced as too large that never comes',
    () => (_, response) => {
      response.writeHead(200, { 'content-length': '200000' }).write('x');
    },
    'source-too-large',
  ],
  [
    'a body that turns out too large',
    () => (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(16_384)));
        response.once('drain', more);
      };
      more();
    },
    'source-too-large',
  ],
  ['silence', () => () => {}, 'source-timeout'],
  [
    'a byte now and then',
    () => (_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(drip));
    },
    'source-timeout',
  ],
];
for (const [what, hostileAnswer, code] of hostile)
  test(`refuses ${what}, and then takes a good bundle`, async () => {
    answer = await hostileAnswer();
    const isAwaited = code === 'source-timeout';
    const from = open({ maxBytes: 150_000, ...(isAwaited && { timeoutMs: 3000 }) });
    assert.ok(archive(0).length < 150_000);
    const fits = (error: { code?: string }) =>
      typeof code === 'string' ? error.code === code : code.test(error.code ?? '');
    await assert.rejects(
      next(from),
      (error: { code?: string }) => fits(error) || assert.fail(`${error.code}: ${error}`),
    );
    answer = send(archive(0));
    assert.equal(await take(from), bundles[0]?.revision);
  });

test('refuses a body above the limit that is here already, and lives', async () => {
  answer = send(Buffer.alloc(40_000), { 'content-length': '40000' });
  const from = open({ maxBytes: 1000 });
  for (let look = 0; look < 3; look += 1) {
    await assert.rejects(next(from), { code: 'source-too-large' });
    // What nobody listens to ends the process in a later turn.
    await sleep(20);
  }
});

test('shows its address without the query, which may hold a signature', () => {
  assert.equal(
    open({ url: 'https://store.example/b.tar.gz?sig=secret' }).name,
    'https://store.example/b.tar.gz?…',
  );
});

test('says that nobody listens, and waits as long as a busy server asks', async () => {
  const from = open({ url: 'http://127.0.0.1:9/bundle.tar.gz' });
  await assert.rejects(next(from), { code: 'source-unreachable' });
  await from.close();
  answer = send('', { 'retry-after': '7' }, 503);
  await assert.rejects(next(open()), { code: 'source-unreachable', retryAfterMs: 7000 });
});

test('follows a redirect at home with its token, and to a named origin without it', async () => {
  const other = createServer((request, response) => {
    requests.push(request);
    send(archive(0))(request, response);
  });
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  answer = (request, response) =>
    request.url === '/elsewhere'
      ? send('', { location: `${origin}/asset` }, 302)(request, response)
      : send('', { location: '/elsewhere' }, 302)(request, response);
  await assert.rejects(next(open({ token: 'a-token' })), { code: 'source-redirected' });
  await source?.close();
  requests = [];
  assert.equal(await take(open({ token: 'a-token', redirectOrigins: [origin] })), bundles[0]?.revision);
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ['Bearer a-token', 'Bearer a-token', undefined],
  );
  other.closeAllConnections();
  other.close();
});

test('lets a server that can hold requests do so, but not when an answer is awaited', async () => {
  const type = 'application/vnd.openpolicyagent.bundles';
  let release = () => {};
  answer = (request, response) => {
    const wait = /wait=(\d+)/.exec(String(request.headers.prefer))?.[1];
    const tag = { etag: '"one"', 'content-type': type };
    if (request.headers['if-none-match'] === undefined) send(archive(0), tag)(request, response);
    else if (wait === undefined) send('', tag, 304)(request, response);
    else release = () => send(archive(1), { ...tag, etag: '"two"' })(request, response);
  };
  const from = open({ longPollSeconds: 20 });
  assert.equal(await take(from), bundles[0]?.revision);
  assert.ok(from.eager);
  assert.equal(await next(from, { wait: false }), null);
  assert.ok(!from.eager, 'an answer that comes at once is no reason to ask at once');

  const held = take(from);
  await sleep(100);
  assert.ok(from.waiting);
  release();
  assert.equal(await held, bundles[1]?.revision);
  assert.deepEqual(
    requests.map(({ headers }) => headers.prefer),
    ['modes=snapshot', 'modes=snapshot', 'modes=snapshot;wait=20'],
  );

  const stop = new AbortController();
  const aborted = assert.rejects(from.next({ signal: stop.signal }), { code: 'aborted' });
  await sleep(50);
  stop.abort();
  await aborted;
  assert.ok(!from.waiting);
});
