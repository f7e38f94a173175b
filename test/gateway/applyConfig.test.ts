import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { parseConfig } from '../../gateway/config/config.ts';
import { trustedBy } from '../../gateway/trustedBy.ts';
import { suite } from '../_suite.ts';
import { until } from '../_until.ts';
import { startIssuer } from './_issuer.ts';
import { type Fleet, startFleet } from './_workers.ts';

const test = suite('applyConfig');
const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));

let gateway: Fleet;
let written: Record<string, unknown>;
test.before(async () => {
  gateway = await startFleet({
    workers: 1,
    config: { admin: { port: 0, token: { file: 'admin.token' } } },
    files: { 'admin.token': 'first-token' },
  });
});
test.after(() => gateway.close());

const path = '/orders/v1/orders';
const taken = /^configuration (?:taken over|read anew)/;
const refused = /^configuration refused/;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
/** Writes gateway.yaml, sends the signal and gives the line of the log that tells of it. */
async function signal(text: string, message: RegExp, name: NodeJS.Signals = 'SIGHUP') {
  await writeFile(gateway.file, text);
  const line = gateway.logged(message);
  gateway.process.kill(name);
  return line;
}
const change = (changes: Record<string, unknown>) => JSON.stringify({ ...written, ...changes });

async function call(token = gateway.token, dispatcher?: Agent): Promise<number> {
  const { statusCode, body } = await request(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  await body.dump();
  return statusCode;
}

test('a new setting is in force on kept connections too, and no request is lost while many are under way', async () => {
  written = JSON.parse(await readFile(gateway.file, 'utf8')) as Record<string, unknown>;
  const agent = new Agent({ connections: 8, pipelining: 1 });
  const failures: unknown[] = [];
  const times: number[] = [];
  let ending = false;
  const callers = Array.from({ length: 8 }, async () => {
    while (!ending) {
      try {
        const status = await call(gateway.token, agent);
        times.push(status);
        if (status !== 200) failures.push(status);
      } catch (error) {
        failures.push(error);
      }
      // Some are always under way; more of them would only keep the machine busy.
      await pause(20);
    }
  });
  // One that is under way all the while.
  gateway.upstream.answer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('begun ');
    void pause(1000).then(() => response.end('ended'));
  });
  const slow = fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${gateway.token}` } });
  const answer = await slow;
  gateway.upstream.answer(null);
  for (let round = 0; round < 2; round += 1) {
    const before = times.length;
    const line = await signal(
      change({ limits: { body: `${round + 1}kB`, upstream_timeout: `${20 + round}s` } }),
      taken,
      round % 2 === 0 ? 'SIGHUP' : 'SIGUSR2',
    );
    assert.deepEqual(line.changed, ['limits']);
    await until(async () => times.length > before + 20);
    const largest = (round + 1) * 1000;
    const post = async (length: number) => {
      const { statusCode, body } = await request(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.token}` },
        body: 'x'.repeat(length),
      });
      await body.dump();
      return statusCode;
    };
    assert.equal(await post(largest + 1), 413);
    assert.notEqual(await post(largest), 413);
  }
  assert.equal(await answer.text(), 'begun ended');
  ending = true;
  await Promise.all(callers);
  await agent.close();
  assert.deepEqual(failures, []);
});

test('a file with a mistake keeps what is in force, and the log says where the mistake is', async () => {
  const line = await signal('listen:\n  port: 0\nlimtis: {}\n', refused);
  assert.match(String((line.err as Error).message), /gateway\.yaml:3:1: .*limtis/);
  const broken = await signal('{"listen": ', refused);
  assert.match(String((broken.err as Error).message), /gateway\.yaml:\d+:\d+/);
  assert.equal(await call(), 200);
});

test('what only a new process can serve by is refused by name, with everything beside it', async () => {
  const line = await signal(
    change({ state: 'elsewhere', listen: { port: 1 }, workers: 3, hosts: ['other.example.com'] }),
    refused,
  );
  const { message } = line.err as Error;
  for (const setting of ['state', 'listen', 'workers'])
    assert.match(message, new RegExp(`"${setting}" cannot change in a running process: restart needed`));
  assert.equal(await call(), 200);
});

test('a secret that is missing is refused by its setting, and a new one counts at once', async () => {
  const reload = (token: string) =>
    fetch(`${gateway.admin}/reload`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const missing = await signal(change({ webhook: { secret: { file: 'no-such-secret' } } }), refused);
  assert.match(String((missing.err as Error).message), /"webhook\.secret": .*no-such-secret/);
  assert.equal((await reload('first-token')).status, 200);
  await writeFile(gateway.file.replace('gateway.yaml', 'admin.token'), 'second-token');
  await signal(change({}), taken);
  assert.equal((await reload('first-token')).status, 401);
  assert.equal((await reload('second-token')).status, 200);
});

test('an issuer comes and goes without those of others; its streams end with it', async () => {
  const other = await startIssuer();
  const token = await other.token({ sub: 'ann@example.com', exp: Math.floor(Date.now() / 1000) + 3600 });
  const both = [
    ...(written.issuers as object[]),
    { issuer: other.url, audience: 'grantgate', people: ['@example.com'] },
  ];
  try {
    assert.equal(await call(token), 401);
    await signal(change({ issuers: both }), taken);
    assert.equal(await call(token), 200);
    gateway.upstream.answer((_, response) => void response.writeHead(200).write('begun'));
    const open = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const kept = await fetch(`${gateway.url}${path}`, {
      headers: { authorization: `Bearer ${gateway.token}` },
    });
    gateway.upstream.answer(null);
    // The one that stays does not answer any more, and need not.
    await gateway.issuer.close();
    await signal(change({}), taken);
    await assert.rejects(open.text());
    assert.equal(await call(token), 401);
    assert.equal(await call(), 200);
    const ends = await Promise.race([kept.text().then(String, String), pause(300).then(() => 'open')]);
    assert.equal(ends, 'open');
    await kept.body?.cancel().catch(() => undefined);
  } finally {
    await other.close();
  }
});

test('a configuration that is refused leaves the keys of an issuer known, though it would believe it otherwise', async () => {
  const [issuer] = written.issuers as object[];
  // Its place is the last thing to be judged.
  const log = { access: 'combined', access_file: 'no/such/folder/access.log' };
  await signal(change({ issuers: [{ ...issuer, keys: { max_age: '1h' } }], log }), refused);
  // The issuer has not answered since the test before.
  await signal(change({ limits: { body: '2kB' } }), taken);
  assert.equal(await call(), 200);
});

test('who waits for an issuer while the configuration changes twice is held to the last one', async () => {
  const other = await startIssuer();
  const token = await other.token({ sub: 'ann@example.com', exp: Math.floor(Date.now() / 1000) + 3600 });
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const keys = createServer((_, response) => {
    asked.resolve();
    void answer.promise
      .then(() => fetch(`${other.url}/jwks`))
      .then(async (found) => {
        response.setHeader('content-type', 'application/json');
        response.end(await found.text());
      });
  });
  await new Promise<void>((done) => keys.listen(0, '127.0.0.1', done));
  const jwks_uri = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/`;
  const both = [
    ...(written.issuers as object[]),
    { issuer: other.url, audience: 'grantgate', people: ['@example.com'], jwks_uri },
  ];
  try {
    await signal(change({ issuers: both }), taken);
    const waiting = call(token);
    await asked.promise;
    await signal(change({ issuers: both, limits: { body: '1kB' } }), taken);
    await signal(change({}), taken);
    answer.resolve();
    assert.equal(await waiting, 401);
  } finally {
    answer.resolve();
    keys.closeAllConnections();
    await new Promise((done) => keys.close(done));
    await other.close();
  }
});

test('another branch is followed, and what is in force stays until it has a revision', async () => {
  const revision = async () =>
    ((await (await fetch(`${gateway.admin}/health/ready`)).json()) as { revision: string }).revision;
  const before = await revision();
  const source = (written.bundle as { source: string }).source;
  const line = await signal(change({ bundle: { source: `${source}-none`, poll: '1h' } }), taken);
  assert.deepEqual(line.changed, ['bundle']);
  assert.equal(await revision(), before);
  assert.equal(await call(), 200);
  const next = await gateway.tree.commit({
    'grants/networks.yaml': 'office: [127.0.0.0/8]\nlab: [10.9.0.0/16]\n',
  });
  assert.notEqual(next, before);
  await signal(change({}), taken);
  await until(async () => (await revision()) !== before);
  assert.equal(await call(), 200);
});

test('an access log begins when it is asked for, and SIGUSR1 opens its file anew', async () => {
  const file = join(gateway.folder, 'access.log');
  const there = (path: string) => async () => (await readFile(path, 'utf8').catch(() => '')).includes('GET');
  const log = (access_file: string) => change({ log: { access: 'combined', access_file } });
  const refusal = await signal(log('no/such/folder/access.log'), refused);
  assert.match(String((refusal.err as Error).message), /"log\.access_file"/);
  await signal(log('access.log'), taken);
  assert.equal(await call(), 200);
  await until(there(file));
  await rename(file, `${file}.1`);
  gateway.process.kill('SIGUSR1');
  await until(async () => {
    assert.equal(await call(), 200);
    return there(file)();
  });
  await signal(change({}), taken);
});

test('a signal that comes while it is starting does not end it, and is heard once it serves', async () => {
  const folder = join(gateway.folder, 'second');
  await mkdir(folder);
  const file = join(folder, 'gateway.yaml');
  const { issuers, bundle } = written;
  await writeFile(
    file,
    JSON.stringify({ listen: { port: 0 }, admin: { port: 0 }, state: 'state', bundle, issuers }),
  );
  const child = spawn(process.execPath, [cli, 'serve', '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const exited = new Promise((done) => child.once('exit', (code, signal) => done(signal ?? code)));
  try {
    // Its places are made just before it begins.
    await until(async () => existsSync(join(folder, 'state')));
    for (const name of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(name);
    await until(async () => child.exitCode !== null || child.signalCode !== null || /read anew/.test(told));
    assert.match(told, /"msg":"configuration read anew/);
    child.kill('SIGTERM');
    assert.equal(await exited, 0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('an issuer that is believed otherwise than before is another one, how long its word counts apart', () => {
  const issuer = { issuer: 'https://login.example.com', audience: 'a' };
  const asked = {
    issuer: 'https://opaque.example.com',
    endpoint: 'https://opaque.example.com/i',
    client_id: 'g',
    client_secret: { env: 'S' },
    audience: 'a',
  };
  const of = (changes: object, introspection: object | undefined = asked) =>
    parseConfig(
      {
        bundle: { source: 'git+file:///srv/access.git' },
        issuers: [{ ...issuer, ...changes }],
        ...(introspection === undefined ? {} : { introspection }),
      },
      '/srv/gateway.yaml',
    );
  const jwt = { method: 'jwt', issuer: issuer.issuer } as const;
  const opaque = { method: 'introspection', issuer: asked.issuer } as const;
  const believes = (next: ReturnType<typeof of>) => [jwt, opaque].map(trustedBy(of({}), next));
  assert.deepEqual(believes(of({ keys: { max_age: '5min' } }, { ...asked, cache: '1s' })), [true, true]);
  assert.deepEqual(believes(of({ audience: 'b' }, { ...asked, audience: 'b' })), [false, false]);
  assert.deepEqual(believes(of({ login_claim: 'email' }, { ...asked, login_claim: 'email' })), [
    false,
    false,
  ]);
  assert.deepEqual(
    trustedBy(
      of({}),
      parseConfig({ bundle: { source: 'git+file:///srv/access.git' } }, '/srv/g.yaml'),
    )(opaque),
    false,
  );
});
