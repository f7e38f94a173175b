import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import type { KeyTexts } from '../../../bundle/archive/keys.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { assemble } from '../../../bundle/assemble.ts';
import { dataDigest, sha256 } from '../../../bundle/format/digest.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { sourcesDigest } from '../../../bundle/policy/examine/policyReads.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { saveLastGood } from '../../../gateway/load/lastGood.ts';
import { type Reload, startReload } from '../../../gateway/load/reload.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { sampleTree } from '../../bundle/_organisation.ts';
import { largeDocument } from '../_document.ts';
import { startWarmLoader } from './_warmLoader.ts';

const test = suite('loader');

const keys = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    secret: readSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    open: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
};
const [ours, theirs] = [keys(), keys()];

let bundles: Bundle[] = [];
let folder: string;
let path: string;
let stateFolder: string;
let open: Reload[] = [];
let logged: string[] = [];
let swaps: { revision: string; origin: string; confirmedMsAgo: number | null }[] = [];

test.before(async () => {
  const tree = await sampleTree({}, { git: true });
  const opa = await findOpa();
  const revisions = [
    await tree.commit({}, 'one'),
    await tree.commit({}, 'two'),
    await tree.commit({}, 'three'),
  ];
  bundles = [];
  for (const revision of revisions)
    bundles.push(await assemble({ tree: await gitTree(tree.root, revision), opa }));
  await tree.remove();
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-loader-'));
  path = join(folder, 'bundle.tar.gz');
  stateFolder = join(folder, 'state');
  [open, logged, swaps] = [[], [], []];
});
test.after.each(async () => {
  await Promise.all(open.map((reload) => reload.close()));
  await rm(folder, { recursive: true, force: true });
});

const bundle = (index: number): Bundle => {
  const found = bundles[index];
  if (found === undefined) throw new Error('no such bundle');
  return found;
};
async function publish(from: Bundle, key: typeof ours | null = ours): Promise<void> {
  const archive = await pack(from, key?.secret ?? null);
  await writeFile(join(folder, 'new'), archive);
  await rename(join(folder, 'new'), path);
}
function start(verifyKeyPem: KeyTexts = ours.open): Reload {
  const log = (_: object, message: string) => {
    logged.push(message);
  };
  const reload = startReload({
    source: { url: `file:${path}`, stateFolder, verifyKeyPem },
    pollMs: 600_000,
    onSwap: ({ revision }, origin, confirmedMsAgo) => swaps.push({ revision, origin, confirmedMsAgo }),
    log: { info: log, warn: log, error: log },
    startWorker: startWarmLoader,
  });
  open.push(reload);
  return reload;
}
test('takes a signed file, and its successor as soon as it is there', async () => {
  await publish(bundle(0));
  const reload = start();
  await reload.started;
  assert.equal(reload.current()?.revision, bundle(0).revision);
  await publish(bundle(1));
  await until(() => reload.current()?.revision === bundle(1).revision);
});

test('keeps what is in force when the next file is unsigned, signed by another, older, or no archive', async () => {
  await publish(bundle(1));
  const reload = start();
  await reload.started;
  const refused = async (code: string) => {
    await until(() => reload.status().lastError?.code === code);
    assert.equal(reload.status().state, 'failing');
    assert.equal(reload.current()?.revision, bundle(1).revision);
  };
  await publish(bundle(2), null);
  await refused('signature-missing');
  await publish(bundle(2), theirs);
  await refused('signature-invalid');
  await publish(bundle(0));
  await refused('counter-rollback');
  await writeFile(path, '<html>');
  await until(() => /^archive-/.test(reload.status().lastError?.code ?? ''));
  await publish(bundle(2));
  await until(() => reload.current()?.revision === bundle(2).revision);
  await until(() => reload.status().state === 'ok');
});

test('goes back to no older file after a restart', async () => {
  await publish(bundle(1));
  const first = start();
  await first.started;
  await first.close();
  await publish(bundle(0));
  const second = start();
  await second.started;
  assert.equal(second.current()?.revision, bundle(1).revision);
  assert.equal(second.status().lastError?.code, 'counter-rollback');
});

test('goes back by a bundle signed as a way back, once: neither it nor what it undid can be played again', async () => {
  const rollback = { from: bundle(2).counter, nth: 1 };
  const refused = async (reload: Reload, from: Bundle, inForce: Bundle) => {
    await publish(from);
    await assert.rejects(reload.look(), { code: 'counter-rollback' }, from.revision);
    assert.equal(reload.current()?.revision, inForce.revision);
  };
  await publish(bundle(2));
  const first = start();
  await first.started;
  await refused(first, bundle(0), bundle(2));
  await publish({ ...bundle(0), rollback });
  assert.equal((await first.look()).revision, bundle(0).revision);
  await refused(first, bundle(1), bundle(0));
  await refused(first, bundle(2), bundle(0));
  await first.close();

  // The place it took is kept with it.
  const second = start();
  await second.started;
  assert.equal(second.current()?.revision, bundle(0).revision);
  assert.equal(second.status().lastError?.code, 'counter-rollback');
  // Back from the way back: by the next number, for one that is not newer leads nowhere.
  await publish({ ...bundle(1), rollback: { ...rollback, nth: 2 } });
  assert.equal((await second.look()).revision, bundle(1).revision);
  await refused(second, { ...bundle(0), rollback }, bundle(1));

  const next = { ...bundle(2), counter: bundle(2).counter + 1, revision: 'f'.repeat(40) };
  await publish(next);
  assert.equal((await second.look()).revision, next.revision);
  await refused(second, { ...bundle(0), rollback }, next);
  await refused(second, { ...bundle(1), rollback: { ...rollback, nth: 2 } }, next);
});

test('no force makes an older signed bundle good', async () => {
  await publish(bundle(1));
  const reload = start();
  await reload.started;
  await publish(bundle(0));
  await assert.rejects(reload.look({ force: true }), { code: 'counter-rollback' });
  assert.equal(reload.current()?.revision, bundle(1).revision);
});

test('verifies the kept bundle by the key of today', async () => {
  await publish(bundle(1));
  const first = start();
  await first.started;
  await first.close();
  await rm(path);
  const same = start();
  await same.started;
  assert.equal(same.current()?.revision, bundle(1).revision);
  await same.close();
  const other = start(theirs.open);
  await other.started;
  assert.equal(other.current(), null);
  assert.equal(other.status().state, 'empty');
});

test('knows how old the word of its source is when it starts with the kept bundle', async () => {
  await publish(bundle(1));
  const first = start();
  await first.started;
  await until(() => existsSync(join(stateFolder, 'last-good.bundle')));
  await first.close();
  await rm(path);
  const age = async (seconds: number) => {
    const at = Date.now() / 1000 - seconds;
    await utimes(join(stateFolder, 'last-good.bundle'), at, at);
    const next = start();
    await next.started;
    await next.close();
    const swap = swaps.at(-1);
    assert.equal(swap?.origin, 'last-good');
    return swap.confirmedMsAgo;
  };
  assert.equal(swaps[0]?.confirmedMsAgo, 0);
  assert.ok(Math.abs(((await age(7200)) ?? 0) - 7_200_000) < 30_000);
  assert.equal(await age(-7200), null, 'from the future: nobody knows');
  // Each look that ends well counts anew, also for a start after it.
  await publish(bundle(1));
  const again = start();
  await again.started;
  await again.look();
  await again.close();
  await rm(path);
  const last = start();
  await last.started;
  assert.ok((swaps.at(-1)?.confirmedMsAgo ?? Number.NaN) < 30_000);
});

test('a kept bundle whose time is over still bars the way to older ones', async () => {
  // As long as such a start takes here and now, several times over.
  const began = Date.now();
  await publish(bundle(0));
  const probe = start();
  await probe.started;
  await probe.close();
  const ends = Date.now() + 1000 + 4 * (Date.now() - began);
  const soon = new Date(ends).toISOString();
  await publish({ ...bundle(1), validUntil: soon });
  const first = start();
  await first.started;
  assert.equal(first.current()?.validUntil, soon);
  await first.close();
  await sleep(Math.max(0, ends - Date.now()) + 1);
  await publish(bundle(0));
  const second = start();
  await second.started;
  assert.equal(second.status().lastError?.code, 'counter-rollback');
  assert.equal(second.current()?.validUntil, soon);
  await publish(bundle(2));
  assert.equal((await second.look()).revision, bundle(2).revision);
});

test('verifies the kept bundle by the keys of today, of which one may be new', async () => {
  await publish(bundle(1));
  const first = start();
  await first.started;
  await first.close();
  await rm(path);
  for (const [texts, inForce] of [
    [{ default: ours.open, next: theirs.open }, bundle(1).revision],
    [{ next: theirs.open }, undefined],
    [{ default: theirs.open, next: ours.open }, undefined],
  ] as const) {
    const next = start(texts);
    await next.started;
    assert.equal(next.current()?.revision, inForce, JSON.stringify(Object.keys(texts)));
    await next.close();
  }
});

test('keeps a release anew that is signed by the next key, so that the first one can go', async () => {
  const both = { default: ours.open, next: theirs.open };
  await publish(bundle(1));
  const first = start(both);
  await first.started;
  const resigned = await pack(bundle(1), { ...theirs.secret, keyid: 'next' });
  await writeFile(path, resigned);
  assert.equal((await first.look()).changed, false);
  const kept = join(stateFolder, 'last-good.bundle');
  await until(async () => (await readFile(kept)).subarray(-resigned.length).equals(resigned));
  await first.close();
  // The same once more is only confirmed: the file is not written at each start.
  const { ino } = await stat(kept);
  const second = start(both);
  await second.started;
  await second.look();
  await second.close();
  assert.equal((await stat(kept)).ino, ino);
  await rm(path);
  const third = start({ next: theirs.open });
  await third.started;
  assert.equal(third.current()?.revision, bundle(1).revision);
});

test('does not take a kept bundle that was swapped for one without a signature', async () => {
  await publish(bundle(1));
  const first = start();
  await first.started;
  await first.close();
  await rm(path);
  // As an attacker would who can write the file and knows its form.
  const name = JSON.parse(
    (await readFile(join(stateFolder, 'last-good.bundle'))).toString('latin1').split('\n')[0] ?? '',
  ).source;
  await saveLastGood(stateFolder, name, { archive: await pack(bundle(2), null), counter: 99 });
  const second = start();
  await second.started;
  assert.equal(second.current(), null);
  assert.ok(logged.some((line) => /not signed/.test(line)));
});

test('refuses a policy that allows an empty request, and one that answers no decision', async () => {
  await publish(bundle(0));
  const reload = start();
  await reload.started;
  const policy = async (rego: string) => {
    const policies = new Map([['policies/authz/decision.rego', Buffer.from(rego)]]);
    const wasm = await compilePolicy(await findOpa(), policies, 'grantgate/authz/decision', {
      cache: join(folder, 'cache'),
    });
    const sources = [sourcesDigest(policies), bundle(1).reads.sources[1] ?? ''];
    const reads = { ...bundle(1).reads, sources, wasm: sha256(wasm) };
    await publish({ ...bundle(1), wasm, policies, reads });
    await until(() => reload.status().lastError !== undefined);
    return reload.status().lastError;
  };
  const open = await policy(
    'package grantgate.authz\n\ndecision := {"allow": true, "grants": ["x"], "reason": "granted"}\n',
  );
  assert.equal(open?.code, 'policy-unusable');
  assert.match(open?.message ?? '', /allows an empty request/);
  await publish(bundle(1));
  await until(() => reload.current()?.revision === bundle(1).revision);
  await until(() => reload.status().lastError === undefined);
  const none = await policy('package grantgate.authz\n\ndecision := true\n');
  assert.match(none?.message ?? '', /does not answer/);
  assert.equal(reload.current()?.revision, bundle(1).revision);
});

test('refuses a signed bundle whose own questions get other answers here, also when it was kept', async () => {
  const question = { api: 'orders', operation: 'listOrders', subject: 'service:invoicer', mfa: false };
  const asked = { ...question, networks: [], time: 1_795_428_000 };
  const grants = ['orders-billing-read', 'orders-invoicer-read'];
  const right = { ...asked, expect: { allow: true, grants, reason: 'granted' } };
  const wrong = { ...asked, expect: { allow: false, grants: [], reason: 'no-grant' } };
  await publish({ ...bundle(0), golden: [right] });
  const reload = start();
  await reload.started;
  assert.equal(reload.current()?.revision, bundle(0).revision);
  await publish({ ...bundle(1), golden: [right, wrong] });
  await assert.rejects(reload.look(), { code: 'golden-mismatch', message: /decision 2 of 2/ });
  await assert.rejects(reload.look({ force: true }), { code: 'golden-mismatch' });
  assert.equal(reload.current()?.revision, bundle(0).revision);
  assert.equal(reload.status().state, 'failing');
  await reload.close();

  const archive = await pack({ ...bundle(1), golden: [wrong] }, ours.secret);
  await saveLastGood(stateFolder, `file:${path}`, { archive, counter: bundle(1).counter });
  await rm(path);
  const second = start();
  await second.started;
  assert.equal(second.current(), null);
  assert.ok(logged.some((line) => /carried by the bundle/.test(line)));
});

test('leaves the serving thread free while it loads a large bundle', async () => {
  const data = largeDocument(100_000);
  await publish(bundle(0));
  const reload = start();
  await reload.started;
  await publish({ ...bundle(1), data, grants: 100_000, digest: `sha256:${dataDigest(data)}` });
  let longest = 0;
  // The time that this very thread has worked: on a loaded machine it may also have to wait for its turn.
  const worked = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = worked();
  const beat = setInterval(() => {
    longest = Math.max(longest, worked() - last);
    last = worked();
  }, 1);
  await until(() => reload.current()?.grants === 100_000);
  clearInterval(beat);
  assert.ok(longest < 250, `the serving thread stood still for ${longest.toFixed()} ms`);
  assert.equal(reload.current()?.lines.count, 110_000);
});
