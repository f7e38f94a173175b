import * as assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { revisionFacts } from '../../../gateway/admin/revisionFacts.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { raw, startWorld, type World } from '../_gateway.ts';

const test = suite('admin');
let world: World;

test.before(async () => {
  process.env.TEST_ADMIN_WEBHOOK = 'the-webhook-secret';
  world = await startWorld({ config: { webhook: { secret: { env: 'TEST_ADMIN_WEBHOOK' } } } });
});
test.after(() => world.close());

const ask = (line: string, host: string, extra: string[] = []) =>
  raw(
    world.gateway.admin,
    [`${line} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...extra, '', ''].join('\r\n'),
  );

const revision = async () =>
  (await (await fetch(`${world.gateway.admin}/revision`)).json()) as Record<string, unknown>;

test('a page whose name resolves to this machine learns nothing and presses no button', async () => {
  for (const line of [
    'GET /usage',
    'GET /revision',
    'GET /metrics',
    'GET /health/ready',
    'POST /reload?force',
  ]) {
    for (const host of [
      'evil.example.com',
      'localhost.evil.example.com',
      '127.0.0.1.evil.example.com:9090',
      '',
    ]) {
      assert.match(await ask(line, host), /^HTTP\/1\.1 421 /, `${line} ${host}`);
    }
    for (const host of ['localhost', '127.0.0.1:9090', '[::1]:9090']) {
      assert.match(await ask(line, host), /^HTTP\/1\.1 200 /, `${line} ${host}`);
    }
  }
});

test('a webhook that comes through a proxy keeps its name, and is held to its signature', async () => {
  for (const forge of ['github', 'gitlab', 'gitea', 'bitbucket'])
    assert.match(
      await ask(`POST /webhooks/${forge}`, 'gateway.example.com', ['Content-Length: 0']),
      /^HTTP\/1\.1 401 /,
    );
  assert.match(await ask('POST /webhooks/other', 'localhost', ['Content-Length: 0']), /^HTTP\/1\.1 404 /);
});

test('a push of any forge makes the gateway look, and a replayed one does no more', async () => {
  const after = await world.tree.commit({
    'grants/networks.yaml': 'office: [127.0.0.0/8]\nlab: [10.9.0.0/16]\n',
  });
  const deliver = async () =>
    fetch(`${world.gateway.admin}/webhooks/gitlab`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-gitlab-event': 'Push Hook',
        'x-gitlab-token': 'the-webhook-secret',
      },
      body: JSON.stringify({ object_kind: 'push', ref: 'refs/heads/main', after }),
    });
  for (let time = 0; time < 2; time += 1) assert.equal((await deliver()).status, 202);
  for (let tries = 0; world.gateway.revision() !== after; tries += 1) {
    assert.ok(tries < 600, 'it did not look');
    await new Promise((done) => setTimeout(done, 50));
  }
});

test('with a token the name does not matter, but the token does', async () => {
  process.env.TEST_ADMIN_TOKEN = 'the-admin-token';
  const guarded = await startWorld({
    config: { admin: { port: 0, token: { env: 'TEST_ADMIN_TOKEN' } } },
    commit: false,
  });
  try {
    const revision = (authorization: string) =>
      raw(
        guarded.gateway.admin,
        `GET /revision HTTP/1.1\r\nHost: gw.example.com\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
      );
    assert.match(await revision('Bearer the-admin-token'), /^HTTP\/1\.1 (?:200|503) /);
    for (const wrong of ['Bearer the-admin-tokem', 'Bearer the-admin-token2', 'Basic the-admin-token', ''])
      assert.match(await revision(wrong), /^HTTP\/1\.1 401 /, wrong);
  } finally {
    await guarded.close();
  }
});

test('a body that is too large hears so, and a target that is no path is the caller’s mistake', async () => {
  const response = await fetch(`${world.gateway.admin}/webhooks/github`, {
    method: 'POST',
    body: Buffer.alloc(26 * 1024 * 1024),
  });
  assert.equal(response.status, 413);
  assert.match(await ask('GET //', 'localhost'), /^HTTP\/1\.1 400 /);
});

test('tells the revision in force, and how long after the commit it came into force', async () => {
  const first = await revision();
  assert.deepEqual(Object.keys(first), [
    'revision',
    'counter',
    'digest',
    'grants',
    'loaded_at',
    'committed_at',
    'lag_ms',
    'source',
  ]);
  assert.deepEqual([first.lag_ms, first.committed_at], [0, '2026-11-23T10:00:00Z']);
  world.clock.now += 1800;
  await world.push({ 'README.md': 'more\n' });
  const second = await revision();
  assert.equal(second.counter, Number(first.counter) + 1);
  assert.deepEqual([second.lag_ms, second.loaded_at], [1800, '2026-11-23T10:00:01.800Z']);
});

test('a commit that was pushed long after it was made lags behind its push', async () => {
  const [before, { now }] = [await revision(), world.clock];
  world.clock.now += 7_200_000;
  await fetch(`${world.gateway.admin}/reload`, { method: 'POST' });
  world.clock.now += 900;
  // Commits of the sample are all of one second, two hours ago by now.
  await world.push({ 'README.md': 'late\n' });
  const after = await revision();
  assert.equal(after.counter, Number(before.counter) + 1);
  assert.equal(after.lag_ms, 900);
  world.clock.now = now;
});

test('a commit older than the process has no lag: it would tell of the restart', () => {
  const snapshot = {
    revision: 'a',
    counter: 1,
    digest: 'sha256:b',
    grants: 0,
    loadedMs: Date.parse('2026-11-23T10:00:09Z'),
    committedAt: '2026-11-23T10:00:05Z',
  };
  const lag = (startedAt: string) =>
    revisionFacts(snapshot, { source: 'file:/x', startedMs: Date.parse(startedAt) }).lag_ms;
  assert.equal(lag('2026-11-23T10:00:05.900Z'), 4000);
  assert.equal(lag('2026-11-23T10:00:06Z'), null);
  // The committer's clock may run ahead of ours.
  const early = { ...snapshot, loadedMs: Date.parse('2026-11-23T10:00:04Z') };
  assert.equal(revisionFacts(early, { source: 'file:/x', startedMs: 0 }).lag_ms, 0);
});

test('while no decision can be recorded it is alive and not ready, and ready by itself once there is room', async () => {
  const state = async () => {
    const ready = await fetch(`${world.gateway.admin}/health/ready`);
    const { status, records } = (await ready.json()) as { status: string; records: unknown };
    const [failing] = /^grantgate_records_failing \d$/m.exec(await world.metrics()) ?? [];
    return { code: ready.status, status, records, failing };
  };
  const well = {
    ...{ code: 200, status: 'ok', records: { state: 'ok' } },
    failing: 'grantgate_records_failing 0',
  };
  assert.deepEqual(await state(), well);
  const home = join(world.folder, '.grantgate/decisions/gw-1');
  await symlink('/dev/full', join(home, '2026-11-24.ndjson'));
  world.clock.now += 86_400_000;
  const refused = await world.get('/orders/v1/orders');
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /"code":"record-unwritable"/);
  assert.deepEqual(await state(), {
    ...{ code: 503, status: 'record-unwritable', failing: 'grantgate_records_failing 1' },
    records: {
      ...{ state: 'failing', cause: 'ENOSPC' },
      message: `the decision log in ${home} could not be written`,
    },
  });
  assert.equal((await fetch(`${world.gateway.admin}/health/live`)).status, 200);
  await rm(join(home, '2026-11-24.ndjson'));
  // Nobody sends a request.
  await until(async () => (await state()).code === 200);
  assert.deepEqual(await state(), well);
});
