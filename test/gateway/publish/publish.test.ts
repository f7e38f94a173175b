import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { request as overTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVerifyKeys } from '../../../bundle/archive/keys.ts';
import { readVerifyKey, verify } from '../../../bundle/archive/verify.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { hasTag, waitOf } from '../../../gateway/publish/longPoll.ts';
import { type Publisher, type PublishOptions, publish } from '../../../gateway/publish/publish.ts';
import { commandLine } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { keyPair } from '../../bundle/_opa.ts';
import { type SampleTree, sampleFiles, sampleTree } from '../../bundle/_organisation.ts';
import { makeCertificate } from '../_certificates.ts';
import { startWorld } from '../_gateway.ts';

const test = suite('publish');
const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
const keys = keyPair('ec');
const token = 'the-fleet-token';
const longPollType = 'application/vnd.openpolicyagent.bundles';

let tree: SampleTree;
let folder: string;
let publisher: Publisher;

const optionsOf = (more: Partial<PublishOptions> = {}): PublishOptions => ({
  listen: { host: '127.0.0.1', port: 0 },
  source: `git+file://${tree.root}#main`,
  signingKeyPem: keys.secret,
  stateFolder: join(folder, 'state'),
  pollMs: 3_600_000,
  token,
  sourceToken: null,
  webhookSecret: 'the-webhook-secret',
  allowedSigners: null,
  logLevel: 'silent',
  ...more,
});

test.before(async () => {
  tree = await sampleTree({}, { git: true });
  folder = await mkdtemp(join(tmpdir(), 'grantgate-publish-'));
  await writeFile(join(folder, 'signing.pem'), keys.secret);
  await writeFile(join(folder, 'signing.pub.pem'), keys.open);
  publisher = await publish(optionsOf());
  assert.equal((await get({ prefer: 'modes=snapshot;wait=30' })).status, 200);
});
test.after(async () => {
  await publisher.close();
  await own.close();
  await tree.remove();
  await rm(folder, { recursive: true, force: true });
});

const get = (headers: Record<string, string> = {}, url = publisher.url) =>
  fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
const at = (path: string) => new URL(path, publisher.url);
const tagOf = async () => (await get()).headers.get('etag') ?? '';

/** Tells the publisher of a push, as GitHub does. */
async function push(files: Record<string, string | null>, secret = 'the-webhook-secret'): Promise<number> {
  const after = await tree.commit(files);
  const body = JSON.stringify({ ref: 'refs/heads/main', after });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const { status } = await fetch(at('/webhooks/github'), {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-hub-signature-256': `sha256=${signature}`,
    },
  });
  return status;
}
let changes = 0;
const change = () => {
  changes += 1;
  return { 'README.md': `change ${changes}\n` };
};
const grants = 'grants/access/orders/commerce.yaml';

/** Another publisher, which serves TLS and asks for no token. */
let own: Publisher;
let ca = '';
let newest = '';
/** Trusts `ca` only, whatever name a request is for. */
const ask = (headers: Record<string, string>) =>
  new Promise<{ status: number | undefined; etag: string }>((done, fail) => {
    const sent = overTls(own.url, { ca, servername: 'publisher', headers }, (response) => {
      response.resume();
      response.on('end', () => done({ status: response.statusCode, etag: String(response.headers.etag) }));
    });
    sent.on('error', fail).end();
  });

test('hands out a signed bundle with its tag, and 304 to whoever has it', async () => {
  const first = await get();
  assert.deepEqual([first.status, first.headers.get('content-type')], [200, longPollType]);
  const archive = Buffer.from(await first.arrayBuffer());
  const bundle = await verify(archive, readVerifyKey(keys.open));
  assert.equal(bundle.grants, 5);
  const etag = first.headers.get('etag') ?? '';
  assert.match(etag, /^"[0-9a-f]{64}"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const second = await get({ 'if-none-match': known });
    assert.deepEqual([second.status, second.headers.get('etag')], [304, etag], known);
    assert.equal(second.headers.get('content-type'), longPollType);
  }
  assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
  const facts = (await (await get({}, at('/revision').href)).json()) as Record<string, unknown>;
  assert.deepEqual([facts.revision, facts.digest], [bundle.revision, bundle.digest]);
});

test('without the token nothing is told but health', async () => {
  for (const authorization of ['', 'Bearer the-fleet-tokem', `Bearer ${token}2`, `Basic ${token}`])
    for (const path of ['/bundles/grantgate', '/revision']) {
      const refused = await fetch(at(path), { headers: authorization === '' ? {} : { authorization } });
      assert.equal(refused.status, 401, authorization);
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
    }
  assert.equal((await fetch(at('/reload'), { method: 'POST' })).status, 401);
  assert.equal((await fetch(at('/health/ready'))).status, 200);
  assert.equal((await fetch(at('/health/live'))).status, 200);
  assert.equal((await get({}, at('/bundles/other').href)).status, 404);
  assert.equal(await push(change(), 'another secret'), 401);
});

test('holds a request until there is news, or the time is up', async () => {
  await fetch(at('/reload'), { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const etag = await tagOf();
  const began = performance.now();
  const late = await get({ 'if-none-match': etag, prefer: 'modes=snapshot,delta;wait=1' });
  assert.equal(late.status, 304);
  assert.ok(performance.now() - began >= 950);
  const held = get({ 'if-none-match': etag, prefer: 'wait=30' });
  await until(() => publisher.waiting() === 1);
  assert.equal(await push(change()), 202);
  const news = await held;
  assert.equal(news.status, 200);
  assert.notEqual(news.headers.get('etag'), etag);
  // Whoever goes away is forgotten.
  const left = new AbortController();
  const gone = fetch(publisher.url, {
    headers: { authorization: `Bearer ${token}`, 'if-none-match': await tagOf(), prefer: 'wait=30' },
    signal: left.signal,
  });
  await until(() => publisher.waiting() === 1);
  left.abort();
  await assert.rejects(gone);
  await until(() => publisher.waiting() === 0);
});

test('two hundred who wait are served by one compilation, with the same bytes', async () => {
  const etag = await tagOf();
  const before = publisher.compiled();
  const herd = Array.from({ length: 200 }, () => get({ 'if-none-match': etag, prefer: 'wait=30' }));
  await until(() => publisher.waiting() === 200);
  assert.equal(await push(change()), 202);
  const answers = await Promise.all(herd);
  const tags = new Set(answers.map((response) => response.headers.get('etag')));
  const sizes = new Set(
    await Promise.all(answers.map(async (response) => (await response.arrayBuffer()).byteLength)),
  );
  assert.deepEqual([tags.size, sizes.size, publisher.compiled() - before], [1, 1, 1]);
  assert.ok(answers.every(({ status }) => status === 200));
});

test('a gateway follows it by long poll: a push is enforced long before its next poll', async () => {
  process.env.TEST_PUBLISH_TOKEN = token;
  const world = await startWorld({
    commit: false,
    config: {
      bundle: {
        source: publisher.url,
        key: join(folder, 'signing.pub.pem'),
        token: { env: 'TEST_PUBLISH_TOKEN' },
        poll: '1h',
        long_poll: '30s',
      },
    },
  });
  try {
    await until(() => world.gateway.revision() !== null && publisher.waiting() === 1);
    assert.equal(await push(change()), 202);
    const [head] = await Promise.all([get({}, at('/revision').href)]);
    assert.equal(head.status, 200);
    const before = world.gateway.revision();
    await until(() => world.gateway.revision() !== before);
    await until(() => publisher.waiting() === 1);
  } finally {
    await world.close();
  }
});

test('what is wrong with a commit leaves the last good bundle, and says so', async () => {
  const etag = await tagOf();
  await push({ [grants]: '- id: 7\n' });
  await until(async () => {
    const ready = await (await fetch(at('/health/ready'))).text();
    assert.doesNotMatch(ready, /commerce/);
    return ready.includes('"bundle":{"state":"failing","error":"grants-invalid"}');
  });
  assert.equal(await tagOf(), etag);
  const reload = await fetch(at('/reload'), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(reload.status, 409);
  assert.equal(((await reload.json()) as { code: string }).code, 'grants-invalid');
  // The next start, with its source still broken, has it as well.
  await publisher.close();
  publisher = await publish(optionsOf());
  assert.equal((await get({ prefer: 'wait=20' })).headers.get('etag'), etag);
  await push({ [grants]: sampleFiles[grants] ?? '' });
  await until(async () => (await tagOf()) !== etag);
});

test('with a list of signers a commit that none of them signed is not published', async () => {
  const allowedSigners = join(folder, 'signers');
  await writeFile(allowedSigners, '');
  const own = await publish(optionsOf({ allowedSigners, stateFolder: join(folder, 'signers-state') }));
  try {
    await until(async () => {
      const ready = await (await fetch(new URL('/health/ready', own.url))).text();
      return /"error":"(?:commit|signature|source)-[a-z-]+"/.test(ready);
    });
    assert.equal((await get({}, own.url)).status, 503);
  } finally {
    await own.close();
  }
});

test('serves TLS with the certificate it is given, and not without its key', async () => {
  const authority = makeCertificate({ subject: [['CN', 'ca']], authority: true });
  const issued = { issuer: authority, dns: ['publisher'], usage: 'server' } as const;
  const { cert, key } = makeCertificate({ subject: [['CN', 'publisher']], ...issued });
  const files = { cert: join(folder, 'tls.pem'), key: join(folder, 'tls.key') };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
  const stateFolder = join(folder, 'tls-state');
  const start = (tls: { cert: string; key: string }) =>
    publish(optionsOf({ listen: { host: '127.0.0.1', port: 0, tls }, token: null, stateFolder }));
  await assert.rejects(start({ ...files, key: files.cert }), { code: 'config-invalid' });
  own = await start(files);
  assert.match(own.url, /^https:/);
  ca = authority.cert;
  const { status, etag } = await ask({ prefer: 'wait=30' });
  assert.equal(status, 200);
  newest = etag;
});

test('where no token is asked for, a page under another name hears nothing at all', async () => {
  assert.equal((await ask({ host: 'evil.example.com' })).status, 421);
  assert.equal((await ask({ host: 'localhost' })).status, 200);
});

test('closing answers whoever waits at once', async () => {
  const held = ask({ 'if-none-match': newest, prefer: 'wait=30' });
  await until(() => own.waiting() === 1);
  const began = performance.now();
  await own.close();
  assert.equal((await held).status, 304);
  // It would have been held for 30 s.
  assert.ok(performance.now() - began < 25_000);
});

test('reads how long to wait and which tags a client has, whatever else stands there', () => {
  const asking = (headers: IncomingHttpHeaders) => ({ headers }) as IncomingMessage;
  for (const [prefer, seconds] of [
    ['wait=10', 10],
    ['modes=snapshot,delta;wait=7', 7],
    ['respond-async, wait=5', 5],
    ['modes=snapshot', 0],
    ['wait=999999', 300],
    ['wait=-1', 0],
    ['wait=1e3', 0],
    ['await=9', 0],
    ['wait=9999999', 0],
    ['', 0],
  ] as const)
    assert.equal(waitOf(asking({ prefer })), seconds, prefer);
  assert.equal(waitOf(asking({})), 0);
  for (const [tags, known] of [
    ['"a"', true],
    ['W/"a"', true],
    ['"b" , "a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    ['"aa"', false],
  ] as const)
    assert.equal(hasTag(asking({ 'if-none-match': tags }), '"a"'), known, tags);
  assert.equal(hasTag(asking({}), '"a"'), false);
});

test('an OPA server without a WASM engine pulls it by long poll, checks its signature and answers by it', async () => {
  const opa = await findOpa();
  const [good, bad] = [
    await startOpa(opa.path, keys.open, 'good'),
    await startOpa(opa.path, keyPair('ec').open, 'bad'),
  ];
  try {
    const allowed = async () => (await good.decide('createOrder', 'user:dana@example.com'))?.allow;
    await until(async () => (await allowed()) === false);
    await until(() => publisher.waiting() >= 1);
    await push({ [grants]: (sampleFiles[grants] ?? '').replace('  state: suspended\n', '') });
    await until(async () => (await allowed()) === true);
    assert.equal(await bad.decide('createOrder', 'user:dana@example.com'), undefined);
    assert.match(bad.output(), /verif/);
  } finally {
    await Promise.all([good.stop(), bad.stop()]);
  }
});

test('signatures call the key what it is called here, so a fleet that knows several goes from one to the next', async () => {
  const named = readVerifyKeys({ next: keys.open, other: keys.open });
  const archive = async () => Buffer.from(await (await get({ prefer: 'wait=20' })).arrayBuffer());
  await assert.rejects(verify(await archive(), named), {
    code: 'signature-key-unknown',
    message: /by key "default", which is not configured here: known are "next", "other"$/,
  });
  await publisher.close();
  publisher = await publish(optionsOf({ signingKeyId: 'next' }));
  // What was kept is signed under the name of before: it is made anew.
  assert.equal((await verify(await archive(), named)).grants, 5);
});

test('the command serves until SIGTERM, and refuses what makes no sense with 2', async () => {
  const child = spawn(
    process.execPath,
    [
      ...[cli, 'publish', '--source', `git+file://${tree.root}#main`, '--key', 'signing.pem'],
      ...['--listen', '127.0.0.1:0', '--state', 'command'],
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(() => /"msg":"listening"/.test(output));
  const url = /"url":"([^"]+)"/.exec(output)?.[1] ?? '';
  assert.equal((await fetch(url, { headers: { prefer: 'wait=30' } })).status, 200);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const source = ['--source', `git+file://${tree.root}#main`];
  for (const [args, said] of [
    [[...source], /--key/],
    [[...source, '--key', 'none.pem'], /none\.pem cannot be read/],
    [[...source, '--key', 'signing.pub.pem'], /not a private key/],
    [['--source', 'https://example.com/bundle.tar.gz', '--key', 'signing.pem'], /must be a Git repository/],
    [[...source, '--key', 'signing.pem', '--listen', '8282'], /HOST:PORT/],
    [[...source, '--key', 'signing.pem', '--listen', '0.0.0.0:0'], /a token is needed/],
    [[...source, '--key', 'signing.pem', '--token-env', 'TEST_PUBLISH_NOT_SET'], /TEST_PUBLISH_NOT_SET/],
    [[...source, '--key', 'signing.pem', '--poll', 'often'], /--poll must be a time/],
    [[...source, '--key', 'signing.pem', '--cert', 'x.pem'], /go together/],
  ] as const) {
    const { code, stderr } = await commandLine(['publish', ...args], { cwd: folder });
    assert.deepEqual([code, said.test(stderr)], [2, true], stderr);
  }
});

async function startOpa(path: string, key: string, name: string) {
  const { origin } = new URL(publisher.url);
  const config = {
    services: { publisher: { url: origin, credentials: { bearer: { token } } } },
    keys: { default: { algorithm: 'ES256', key } },
    bundles: {
      grantgate: {
        service: 'publisher',
        resource: 'bundles/grantgate-rego',
        polling: { long_polling_timeout_seconds: 30, min_delay_seconds: 1, max_delay_seconds: 2 },
        signing: { keyid: 'default' },
      },
    },
  };
  const [file, socket] = [join(folder, `opa-${name}.json`), join(folder, `opa-${name}.sock`)];
  await writeFile(file, JSON.stringify(config));
  const child: ChildProcess = spawn(
    path,
    ['run', '--server', '--addr', `unix://${socket}`, '--skip-version-check', '--config-file', file],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise((done) => child.once('exit', done));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return {
    output: () => output,
    async decide(operation: string, subject: string): Promise<{ allow: boolean } | undefined> {
      const input = {
        ...{ subject, groups: [], api: 'orders', operation, method: 'GET', path: '/', networks: [] },
        ...{ mfa: false, time: Date.parse('2026-11-23T10:00:00Z') / 1000 },
      };
      const text = await new Promise<string>((done) => {
        const path = '/v1/data/grantgate/authz/decision';
        const sent = request({ socketPath: socket, method: 'POST', path }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => {
            body += chunk.toString();
          });
          response.on('end', () => done(body));
        });
        // It does not listen yet.
        sent.on('error', () => done('{}'));
        sent.end(JSON.stringify({ input }));
      });
      return (JSON.parse(text) as { result?: { allow: boolean } }).result;
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
