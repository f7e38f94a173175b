import * as assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import type { ReleaseTerms } from '../../../bundle/archive/release.ts';
import { assemble } from '../../../bundle/assemble.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { createLapse } from '../../../gateway/decision/lapse.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { folder, keyPair } from '../../bundle/_opa.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('lapse');
const hour = 3_600_000;
const start = Date.parse('2026-11-23T10:00:00Z');

let world: World | null = null;
let files: Awaited<ReturnType<typeof folder>> | null = null;
const startIt = async (options: Parameters<typeof startWorld>[0]) => {
  world = await startWorld(options);
  return world;
};
test.after.each(async () => {
  await world?.close();
  await files?.remove();
  [world, files] = [null, null];
});

/** A lapse with two clocks: the one of the machine, which can be set, and the one that runs. */
function clocks(maxStalenessMs: number | null) {
  const at = { wall: start, ran: 5000 };
  const lapse = createLapse({
    maxStalenessMs: () => maxStalenessMs,
    now: () => at.wall,
    elapsed: () => at.ran,
  });
  const pass = (ms: number) => {
    at.wall += ms;
    at.ran += ms;
  };
  return { at, lapse, pass };
}

test('a bundle is stale once nobody has confirmed it for longer than allowed, and good again at once', () => {
  const { lapse, pass } = clocks(hour);
  lapse.took({}, 0);
  pass(hour);
  assert.equal(lapse.current(), null);
  pass(1);
  assert.equal(lapse.current(), 'policy-stale');
  assert.throws(() => lapse.assertNone(), { status: 503, code: 'policy-stale' });
  lapse.confirmed();
  assert.equal(lapse.current(), null);
  lapse.assertNone();
});

test('setting the clock neither makes a bundle stale nor keeps it from becoming so', () => {
  for (const jump of [400 * 24 * hour, -400 * 24 * hour]) {
    const { at, lapse, pass } = clocks(hour);
    lapse.took({}, 0);
    at.wall += jump;
    assert.equal(lapse.current(), null);
    pass(hour + 1);
    assert.equal(lapse.current(), 'policy-stale');
  }
});

test('a kept bundle is as old as its source word for it; of unknown age it is stale', () => {
  for (const [age, later, lapsed] of [
    [hour / 2, hour / 2, null],
    [hour / 2, hour / 2 + 1, 'policy-stale'],
    [2 * hour, 0, 'policy-stale'],
    [null, 0, 'policy-stale'],
  ] as const) {
    const { lapse, pass } = clocks(hour);
    lapse.took({}, age);
    pass(later);
    assert.equal(lapse.current(), lapsed, `${age} and ${later}`);
  }
  const unbounded = clocks(null);
  unbounded.lapse.took({}, null);
  unbounded.pass(1000 * hour);
  assert.equal(unbounded.lapse.current(), null);
});

test('a bundle ends when it says so, also on a clock that was set back meanwhile', () => {
  const validUntil = new Date(start + hour).toISOString();
  const { at, lapse, pass } = clocks(null);
  lapse.took({ validUntil }, 0);
  pass(hour - 1);
  assert.equal(lapse.current(), null);
  pass(1);
  assert.equal(lapse.current(), 'bundle-expired');
  lapse.confirmed();
  assert.equal(lapse.current(), 'bundle-expired', 'no look makes it longer');
  at.wall -= 10 * hour;
  assert.equal(lapse.current(), 'bundle-expired');
  lapse.took({}, 0);
  assert.equal(lapse.current(), null);
});

const reload = async ({ gateway }: World) => {
  const response = await fetch(`${gateway.admin}/reload`, { method: 'POST' });
  return { status: response.status, ...((await response.json()) as { code?: string }) };
};
const answer = async ({ get }: World) => {
  const response = await get('/orders/v1/orders');
  const { code = 'ok' } = (await response.json()) as { code?: string };
  return [response.status, code];
};
const ready = async ({ gateway }: World) => {
  const response = await fetch(`${gateway.admin}/health/ready`);
  return [response.status, ((await response.json()) as { status: string }).status];
};
const lapsedGauge = async (given: World) =>
  /^grantgate_bundle_lapsed (\d)$/m.exec(await given.metrics())?.[1];
test('closes when its source was not seen for too long, ends what is open, and opens by itself', async () => {
  const given = await startIt({ config: { bundle: { max_staleness: '2h' } } });
  assert.deepEqual(await answer(given), [200, 'ok']);
  given.upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: begin\n\n');
  });
  const token = await given.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
  const headers = { authorization: `Bearer ${token}` };
  const cut = new Promise<string>((done) => {
    const sent = request(`${given.gateway.url}/orders/v1/orders`, { headers }, (response) => {
      response.resume();
      response.once('close', () => done(response.complete ? 'whole' : 'cut'));
    });
    sent.end();
  });
  await until(async () => /^grantgate_open_requests 1$/m.test(await given.metrics()));

  await rename(given.tree.root, `${given.tree.root}.away`);
  assert.equal((await reload(given)).status, 409);
  given.upstream.answer(null);
  assert.deepEqual(await answer(given), [200, 'ok'], 'a look that failed is no reason yet');
  given.passed.ms += 2 * hour + 1;
  assert.deepEqual(await answer(given), [503, 'policy-stale']);
  assert.deepEqual(await ready(given), [503, 'policy-stale']);
  assert.equal(await cut, 'cut');
  await until(async () => (await lapsedGauge(given)) === '1');
  assert.equal((await given.closings())[0]?.reason, 'policy-stale');
  assert.match(await given.metrics(), /outcome="broken",reason="policy-stale"\} 1/);

  await rename(`${given.tree.root}.away`, given.tree.root);
  assert.equal((await reload(given)).status, 200);
  assert.deepEqual(await answer(given), [200, 'ok']);
  assert.deepEqual(await ready(given), [200, 'ok']);
  await until(async () => (await lapsedGauge(given)) === '0');
});

test('without a bound it goes on without its source', async () => {
  const given = await startIt({});
  await rename(given.tree.root, `${given.tree.root}.away`);
  assert.equal((await reload(given)).status, 409);
  given.passed.ms += 1000 * hour;
  assert.deepEqual(await answer(given), [200, 'ok']);
  await rename(`${given.tree.root}.away`, given.tree.root);
});

const keys = keyPair('ec');

/** A world that follows a signed file; `publish` makes the file of what is committed. */
async function signedWorld() {
  files = await folder({ 'key.pem': keys.open });
  const file = join(files.path, 'bundle.tar.gz');
  const given = await startIt({
    config: { bundle: { source: `file:${file}`, key: join(files.path, 'key.pem') } },
  });
  const publish = async (terms: ReleaseTerms = {}) => {
    const tree = await gitTree(given.tree.root, 'main');
    const made = { ...(await assemble({ tree, opa: await findOpa() })), ...terms };
    await writeFile(`${file}.new`, await pack(made, readSigningKey(keys.secret)));
    await rename(`${file}.new`, file);
    return reload(given);
  };
  return { given, publish };
}

test('takes no bundle whose time is over, closes when it ends in force, and opens with the next', async () => {
  const { given, publish } = await signedWorld();
  const refused = await publish({ validUntil: '2026-11-23T10:00:00Z' });
  assert.deepEqual([refused.status, refused.code], [409, 'bundle-expired']);
  assert.deepEqual(await answer(given), [503, 'no-bundle']);

  assert.equal((await publish({ validUntil: '2026-11-23T11:00:00Z' })).status, 200);
  assert.deepEqual(await answer(given), [200, 'ok']);
  assert.match(await given.metrics(), /^grantgate_bundle_valid_until_timestamp_seconds 1795431600$/m);
  given.clock.now = start + hour - 1;
  assert.deepEqual(await answer(given), [200, 'ok']);
  given.clock.now = start + hour;
  assert.deepEqual(await answer(given), [503, 'bundle-expired']);
  assert.deepEqual(await ready(given), [503, 'bundle-expired']);
  await until(async () => (await lapsedGauge(given)) === '1');
  assert.equal((await reload(given)).status, 200, 'the source holds nothing else');
  assert.deepEqual(await answer(given), [503, 'bundle-expired']);

  // The same commit, signed anew with a later end.
  assert.equal((await publish({ validUntil: '2026-11-24T00:00:00Z' })).status, 200);
  assert.deepEqual(await answer(given), [200, 'ok']);
  // Those that were signed before cannot be played again to be rid of it; the next commit may be without an end.
  for (const terms of [{}, { validUntil: '2026-11-23T12:00:00Z' }])
    assert.equal((await publish(terms)).code, 'counter-rollback');
  await given.tree.commit({}, 'grants: one more');
  assert.equal((await publish()).status, 200);
  given.clock.now = start + 100 * hour;
  assert.deepEqual(await answer(given), [200, 'ok'], 'one without an end');
});
