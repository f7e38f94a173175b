import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { LoadError } from '../../../gateway/load/loadError.ts';
import { type Reload, type ReloadOptions, startReload } from '../../../gateway/load/reload.ts';
import { createSlices } from '../../../gateway/revision/slices.ts';
import type { Snapshot } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { runGit, type SampleTree, sampleTree } from '../../bundle/_organisation.ts';
import { startWarmLoader } from './_warmLoader.ts';

const test = suite('reload');

let tree: SampleTree;
let stateFolder: string;
let open: Reload[] = [];
let swaps: { revision: string; origin: string }[] = [];
let failures: LoadError[] = [];
let logged: string[] = [];

test.before.each(async () => {
  tree = await sampleTree({ 'grants/review.yaml': null }, { git: true });
  stateFolder = await mkdtemp(join(tmpdir(), 'grantgate-state-'));
  [open, swaps, failures, logged] = [[], [], [], []];
});
test.after.each(async () => {
  await Promise.all(open.map((reload) => reload.close()));
  await tree.remove();
  await rm(stateFolder, { recursive: true, force: true });
});

function start(more: Partial<ReloadOptions> = {}): Reload {
  const log = (_: object, message: string) => {
    logged.push(message);
  };
  const reload = startReload({
    source: { url: `git+file://${tree.root}#main`, stateFolder },
    pollMs: 600_000,
    onSwap: ({ revision }, origin) => swaps.push({ revision, origin }),
    onFailure: (error) => failures.push(error),
    log: { info: log, warn: log, error: log },
    startWorker: startWarmLoader,
    ...more,
  });
  open.push(reload);
  return reload;
}

const grantsOf = (snapshot: Snapshot | null, subject: string): unknown => {
  assert.ok(snapshot);
  const slices = createSlices(snapshot);
  const groups = slices.principal(subject)?.groups ?? [];
  return JSON.parse(Buffer.from(slices.slice('orders', subject, groups)).toString()).grants.orders;
};

const head = () => runGit(tree.root, 'rev-parse', 'HEAD').trim();
const broken = { 'grants/access/orders/new.yaml': '- id: [\n' };

test('puts the newest commit in force, and after another look the next one', async () => {
  const reload = start();
  await reload.started;
  assert.equal(reload.current()?.revision, head());
  assert.equal(reload.current()?.counter, 1);
  assert.deepEqual(Object.keys(grantsOf(reload.current(), 'service:invoicer') as object).sort(), [
    'group:billing',
    'service:invoicer',
  ]);
  assert.deepEqual(await reload.look(), { changed: false, revision: head() });

  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  assert.deepEqual(await reload.look(), { changed: true, revision });
  assert.deepEqual(Object.keys(grantsOf(reload.current(), 'service:invoicer') as object), [
    'service:invoicer',
  ]);
  assert.deepEqual(
    swaps.map(({ origin }) => origin),
    ['source', 'source'],
  );
  assert.equal(reload.status().state, 'ok');
});

test('finds a commit by polling', async () => {
  const reload = start({ pollMs: 50 });
  await reload.started;
  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  await until(() => reload.current()?.revision === revision);
});

test('keeps the last good revision while a commit is broken, says where, and recovers at the next good one', async () => {
  const reload = start();
  await reload.started;
  const good = head();
  await tree.commit(broken);
  await assert.rejects(reload.look(), (error: LoadError) => {
    assert.equal(error.code, 'grants-invalid');
    assert.match(error.problems[0] ?? '', /^grants\/access\/orders\/new\.yaml:\d+:\d+: /);
    return true;
  });
  assert.equal(reload.current()?.revision, good);
  assert.equal(reload.status().state, 'failing');
  assert.equal(reload.status().lastError?.code, 'grants-invalid');
  await assert.rejects(reload.look(), { code: 'grants-invalid' });
  assert.equal(logged.filter((line) => line.startsWith('bundle not loaded')).length, 1);

  const mended = await tree.commit({ 'grants/access/orders/new.yaml': null });
  assert.deepEqual(await reload.look(), { changed: true, revision: mended });
  assert.equal(reload.status().state, 'ok');
  assert.equal(reload.status().lastError, undefined);
});

test('is empty while there is nothing good, and begins with the first good commit', async () => {
  await tree.commit(broken);
  const reload = start({ pollMs: 50 });
  await reload.started;
  assert.equal(reload.current(), null);
  assert.equal(reload.status().state, 'empty');
  assert.equal(reload.status().lastError?.code, 'grants-invalid');
  const mended = await tree.commit({ 'grants/access/orders/new.yaml': null });
  await until(() => reload.current()?.revision === mended);
  assert.equal(reload.status().state, 'ok');
});

test('refuses a branch that was set back to an older commit, unless forced or once it is ahead', async () => {
  const first = head();
  await tree.commit({ 'grants/access/orders/billing.yaml': null });
  const reload = start();
  await reload.started;
  const inForce = reload.current()?.revision;
  runGit(tree.root, 'reset', '--quiet', '--hard', first);
  await assert.rejects(reload.look(), { code: 'counter-rollback' });
  assert.equal(reload.current()?.revision, inForce);
  // Nor after a restart, which knows the revision in force from the state folder only.
  await reload.close();
  const again = start();
  await again.started;
  assert.equal(again.current()?.revision, inForce);
  assert.equal(again.status().lastError?.code, 'counter-rollback');
  // An operator may say that it is meant; then that is what a restart begins with.
  assert.deepEqual(await again.look({ force: true }), { changed: true, revision: first });
  await again.close();
  await rename(tree.root, `${tree.root}.away`);
  const third = start();
  await third.started;
  await rename(`${tree.root}.away`, tree.root);
  assert.equal(third.current()?.revision, first);
  await tree.commit({}, 'on another way');
  const ahead = await tree.commit({}, 'and further');
  assert.deepEqual(await third.look(), { changed: true, revision: ahead });
});

test('says that a branch was deleted, and goes on when it is back', async () => {
  const reload = start();
  await reload.started;
  runGit(tree.root, 'checkout', '--quiet', '-b', 'aside');
  runGit(tree.root, 'branch', '--quiet', '-D', 'main');
  await assert.rejects(reload.look(), { code: 'branch-missing' });
  runGit(tree.root, 'checkout', '--quiet', '-b', 'main');
  assert.deepEqual(await reload.look(), { changed: false, revision: head() });
  assert.equal(reload.status().state, 'ok');
});

test('starts from the kept revision when its source is gone', async () => {
  const first = start();
  await first.started;
  await until(() => swaps.length === 1);
  await first.close();
  const revision = head();
  await rename(tree.root, `${tree.root}.away`);
  const second = start();
  await second.started;
  await rename(`${tree.root}.away`, tree.root);
  assert.deepEqual(swaps.at(-1), { revision, origin: 'last-good' });
  assert.equal(second.status().state, 'failing');
  assert.equal(second.status().lastError?.code, 'source-not-found');
  assert.deepEqual(await second.look(), { changed: false, revision });
  assert.equal(second.status().state, 'ok');
});

test('stays closed when the kept revision was changed on disk and the source is gone', async () => {
  const first = start();
  await first.started;
  await first.close();
  const path = join(stateFolder, 'last-good.bundle');
  const bytes = await readFile(path);
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  await writeFile(path, bytes);
  await rename(tree.root, `${tree.root}.away`);
  const second = start();
  await second.started;
  await rename(`${tree.root}.away`, tree.root);
  assert.equal(second.current(), null);
  assert.equal(second.status().state, 'empty');
  assert.ok(logged.some((line) => /kept bundle is damaged/.test(line)));
});

test('answers those who ask together with few looks, each with what was there when it came', async () => {
  const looks: string[] = [];
  const reload = start({ onLook: (result) => looks.push(result) });
  await reload.started;
  looks.length = 0;
  const first = reload.look();
  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  const others = await Promise.all(Array.from({ length: 50 }, () => reload.look()));
  await first;
  assert.ok(others.every((answer) => answer.revision === revision));
  assert.ok(looks.length <= 3, `${looks.length} looks`);
});

test('replaces a loader that was killed, in the middle of a look too', async () => {
  let killed: Worker | undefined;
  let starts = 0;
  const startWorker: ReloadOptions['startWorker'] = (workerData) => {
    starts += 1;
    if (starts > 1) return startWarmLoader(workerData);
    killed = new Worker(new URL('../../../gateway/load/loader.ts', import.meta.url), { workerData });
    return killed;
  };
  const reload = start({ startWorker });
  await reload.started;
  const good = reload.current();
  const looking = reload.look();
  void killed?.terminate();
  await assert.rejects(looking, { code: 'loader-crashed' });
  assert.equal(reload.current(), good);
  assert.equal(reload.status().state, 'failing');
  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  await until(() => reload.current()?.revision === revision);
  assert.equal(starts, 2);
  assert.equal(reload.status().state, 'ok');
});

test('replaces a loader that hangs', async () => {
  let workers = 0;
  const startWorker: ReloadOptions['startWorker'] = (workerData) => {
    workers += 1;
    if (workers > 1) return startWarmLoader(workerData);
    // Blocked for good, as in an endless loop, but without the core that one would take from others.
    const code = `require('node:worker_threads').parentPort.postMessage({ kind: 'attempt' });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const hung = new Worker(code, { eval: true });
    ended = once(hung, 'exit');
    return hung;
  };
  let ended: Promise<unknown> | undefined;
  const reload = start({ startWorker, lookTimeoutMs: 8000 });
  await until(() => reload.current() !== null);
  assert.equal(failures[0]?.code, 'loader-hung');
  await ended;
});

test('keeps the revision in force when the next cannot be put in force, and tries it again when forced', async () => {
  let refuse = false;
  const reload = start({
    onSwap: ({ revision }, origin) => {
      if (refuse) throw new Error('two equal routes');
      swaps.push({ revision, origin });
    },
  });
  await reload.started;
  const good = reload.current();
  refuse = true;
  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  await assert.rejects(
    reload.look(),
    (error: LoadError) => error.code === 'swap-failed' && /two equal routes/.test(error.message),
  );
  assert.equal(reload.current(), good);
  refuse = false;
  await assert.rejects(reload.look(), { code: 'swap-failed' });
  assert.deepEqual(await reload.look({ force: true }), { changed: true, revision });
});

test('holds a commit that takes many grants away, until forced', async () => {
  const grant = (i: number) =>
    `- { id: many-${i}, principal: "user:ann@example.com", api: orders, operations: [listOrders], reason: r, owner: group:commerce, granted: 2026-01-01 }\n`;
  await tree.commit({
    'grants/access/orders/many.yaml': Array.from({ length: 100 }, (_, i) => grant(i)).join(''),
  });
  const reload = start();
  await reload.started;
  assert.equal(reload.current()?.grants, 105);
  const fewer = await tree.commit({
    'grants/access/orders/many.yaml': Array.from({ length: 80 }, (_, i) => grant(i)).join(''),
  });
  assert.deepEqual(await reload.look(), { changed: true, revision: fewer });
  const revision = await tree.commit({
    'grants/access/orders/many.yaml': null,
    'grants/access/orders/billing.yaml': null,
  });
  await assert.rejects(reload.look(), { code: 'grants-held' });
  assert.equal(reload.current()?.revision, fewer);
  assert.equal(reload.status().state, 'held');
  assert.deepEqual(await reload.look({ force: true }), { changed: true, revision });
});

test('lets two gateways share a state folder', async () => {
  const [one, two] = [start(), start()];
  await Promise.all([one.started, two.started]);
  for (let i = 0; i < 2; i += 1) {
    const revision = await tree.commit({}, `change ${i}`);
    const answers = await Promise.all([one.look(), two.look()]);
    assert.deepEqual(
      answers.map((answer) => answer.revision),
      [revision, revision],
    );
  }
});

test('recovers the mirror from locks of a killed process and from broken objects, and takes none that was cut short', async () => {
  const first = start();
  await first.started;
  await first.close();
  const [mirror = ''] = await mirrorsIn(stateFolder);
  await mkdir(join(mirror, 'refs/grantgate'), { recursive: true });
  const lock = join(mirror, 'refs/grantgate/head.lock');
  await writeFile(lock, '');
  await utimes(lock, 1, 1);
  const revision = await tree.commit({ 'grants/access/orders/billing.yaml': null });
  const second = start();
  await second.started;
  assert.equal(second.current()?.revision, revision);
  await second.close();

  runGit(mirror, 'update-ref', '-d', 'refs/grantgate/head');
  await rm(join(mirror, 'objects'), { recursive: true });
  await mkdir(join(mirror, 'objects'));
  await writeFile(join(mirror, 'refs/grantgate/head'), `${revision}\n`);
  const next = await tree.commit({}, 'one more');
  const third = start();
  await third.started;
  assert.equal(third.current()?.revision, next);

  // One that was cut short counts no commits.
  const [whole = ''] = await mirrorsIn(stateFolder);
  await writeFile(join(whole, 'shallow'), `${next}\n`);
  await tree.commit({}, 'and another');
  await assert.rejects(third.look(), { code: 'shallow' });
});

test('refuses what it is asked after it was closed', async () => {
  const reload = start();
  await reload.started;
  // It was answered or turned away, but not left waiting.
  const waiting = reload.look().catch((error: LoadError) => assert.equal(error.code, 'closed'));
  await reload.close();
  await waiting;
  await assert.rejects(reload.look(), { code: 'closed' });
});

test('refuses sources that are not allowed before it starts anything', () => {
  const invalid = { code: 'source-invalid' };
  for (const url of [
    'git+http://example.com/grants.git#main',
    'git+ssh://git@example.com/grants.git#main',
    'git+file:///grants#--upload-pack=x',
    'git+https://user:secret@example.com/grants.git#main',
    'http://example.com/bundle.tar.gz',
    'ftp://example.com/bundle.tar.gz',
    'file:relative.tar.gz',
    'ext::sh -c id',
    'file://elsewhere/bundle.tar.gz',
    'git+file:///a%zz#main',
    'nonsense',
  ])
    assert.throws(() => start({ source: { url, stateFolder, verifyKeyPem: 'x' } }), invalid, url);
  assert.throws(() => start({ source: { url: 'file:/tmp/bundle.tar.gz', stateFolder } }), invalid);
  const key = { url: 'file:/tmp/bundle.tar.gz', stateFolder, verifyKeyPem: 'no key' };
  assert.throws(() => start({ source: key }), { code: 'key-unsupported' });
});

async function mirrorsIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'mirrors'));
  return names.filter((name) => name.endsWith('.git')).map((name) => join(folder, 'mirrors', name));
}
