import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite } from '../../_suite.ts';
import { crowd, loginOf } from '../_crowd.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('hold');

let shared: World;
test.before(async () => {
  shared = await startWorld({ files: crowd(40) });
});
test.after(() => shared.close());
/** Everybody of the crowd is let in, whatever the test before it left. */
const whole = async () => {
  await shared.tree.commit(crowd(40));
  assert.equal((await reload(shared, '?force')).status, 200);
  return shared;
};

let world: World | null = null;
const start = async (options: Parameters<typeof startWorld>[0]) => {
  world = await startWorld(options);
  return world;
};
test.after.each(async () => {
  await world?.close();
  world = null;
});

const callAll = async ({ get }: World, people: number, from = 0) =>
  Promise.all(
    Array.from({ length: people - from }, async (_, index) => {
      const response = await get('/orders/v1/orders', { as: loginOf(from + index) });
      await response.text();
      return response.status;
    }),
  );
const statuses = async (given: World, people: number, from = 0) => [
  ...new Set(await callAll(given, people, from)),
];
const reload = async ({ gateway }: World, query = '') => {
  const response = await fetch(`${gateway.admin}/reload${query}`, { method: 'POST' });
  return { status: response.status, ...((await response.json()) as { code?: string; detail?: string }) };
};
const ready = async ({ gateway }: World) =>
  (await fetch(`${gateway.admin}/health/ready`)).json() as Promise<{
    status: string;
    bundle: { state: string; lastError?: { code: string } };
  }>;
const gauge = async (given: World) => /^grantgate_bundle_held (\d)$/m.exec(await given.metrics())?.[1];

test('an ordinary revocation is taken at once, one of a third of all grants is held with an alarm', async () => {
  const given = await whole();
  await given.tree.commit(crowd(40, 36));
  assert.equal((await reload(given)).status, 200);

  const revision = given.gateway.revision();
  await given.tree.commit(crowd(40, 22));
  const refused = await reload(given);
  assert.deepEqual([refused.status, refused.code], [409, 'grants-held']);
  assert.match(refused.detail ?? '', /takes away 14 of 41 grants/);
  assert.equal(given.gateway.revision(), revision);
  const { status, bundle } = await ready(given);
  assert.deepEqual([status, bundle.state, bundle.lastError?.code], ['ok', 'held', 'grants-held']);
  assert.equal(await gauge(given), '1');
  assert.deepEqual(await statuses(given, 36, 30), [200], 'what it would take away is still there');

  // Looking again changes nothing; a second release of the same state says that it is meant.
  assert.equal((await reload(given)).code, 'grants-held');
  const second = await given.tree.commit({}, 'grants: yes, we mean it');
  assert.equal((await reload(given)).status, 200);
  assert.equal(given.gateway.revision(), second);
  assert.deepEqual([(await ready(given)).bundle.state, await gauge(given)], ['ok', '0']);
  assert.deepEqual(await statuses(given, 36, 30), [403]);
});

test('another state that takes as much away is no confirmation, and an operator may let it through', async () => {
  const given = await whole();
  await given.tree.commit(crowd(40, 20));
  assert.equal((await reload(given)).code, 'grants-held');
  const other = await given.tree.commit(crowd(40, 19));
  assert.equal((await reload(given)).code, 'grants-held');
  assert.equal((await reload(given, '?force')).status, 200);
  assert.equal(given.gateway.revision(), other);
});

test('goes on when the commit that was held is taken back', async () => {
  const given = await whole();
  await given.tree.commit(crowd(40, 10));
  assert.equal((await reload(given)).code, 'grants-held');
  const back = await given.tree.commit(crowd(40));
  assert.equal((await reload(given)).status, 200);
  assert.deepEqual([given.gateway.revision(), await gauge(given)], [back, '0']);
});

test('holds what would turn away many of those who called lately, though no grant is gone', async () => {
  const given = await whole();
  assert.deepEqual(await statuses(given, 40), [200]);
  const suspended = (from: number) => {
    const files = crowd(40);
    const path = 'grants/directory/crowd.yaml';
    const text = (files[path] ?? '').split('\n');
    const cut = text.map((line) =>
      Number(/id: c(\d+),/.exec(line)?.[1] ?? -1) >= from ? line.replace('active', 'suspended') : line,
    );
    return { ...files, [path]: cut.join('\n') };
  };
  await given.tree.commit(suspended(36));
  assert.equal((await reload(given)).status, 200, 'a tenth of them');
  assert.deepEqual(await statuses(given, 40, 36), [403]);

  await given.tree.commit(suspended(20));
  const refused = await reload(given);
  assert.equal(refused.code, 'grants-held');
  // The four that are denied already are none of its doing.
  assert.match(refused.detail ?? '', /would deny 16 of 40 calls/);
  assert.deepEqual(await statuses(given, 36, 20), [200]);
  await given.tree.commit({}, 'grants: yes, we mean it');
  assert.equal((await reload(given)).status, 200);
  assert.deepEqual(await statuses(given, 36, 20), [403]);
});

test('calls that applications asked about count too, and nobody is told anything once the bundle has lapsed', async () => {
  const secret = 'a-secret-of-the-invoicer-0123456789';
  const hash = createHash('sha256').update(secret).digest('hex');
  const services = `services:\n  - { name: invoicer, owner: "group:billing", state: active, credentials: [{ api_key_sha256: "${hash}" }] }\n`;
  const given = await start({
    files: { ...crowd(40), 'grants/directory/services.yaml': services },
    config: {
      bundle: { hold: { grants: 1 }, max_staleness: '2h' },
      decision_point: { listen: { port: 0 }, authzen: { callers: ['service:invoicer'] } },
    },
  });
  const ask = async (index: number) => {
    const response = await fetch(`${given.gateway.decisionPoint}/access/v1/evaluation`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': `gg_invoicer_${secret}` },
      body: JSON.stringify({
        subject: { type: 'user', id: loginOf(index) },
        action: { name: 'listOrders' },
        resource: { type: 'api', id: 'orders' },
      }),
    });
    return (await response.json()) as { decision?: boolean; code?: string };
  };
  for (let index = 0; index < 40; index += 1) assert.equal((await ask(index)).decision, true);
  await given.tree.commit(crowd(40, 20));
  const refused = await reload(given);
  assert.deepEqual([refused.code, /would deny 20 of 40/.test(refused.detail ?? '')], ['grants-held', true]);
  given.passed.ms += 3 * 3_600_000;
  assert.equal((await ask(0)).code, 'policy-stale', 'a bundle that is held is no good look');
  assert.equal((await reload(given, '?force')).status, 200);
  assert.deepEqual([(await ask(0)).decision, (await ask(30)).decision], [true, false]);
});

test('few callers and few grants are never held, and the shares are what is configured', async () => {
  const few = await start({ files: crowd(12) });
  assert.deepEqual(await statuses(few, 12), [200]);
  await few.tree.commit(crowd(12, 0));
  assert.equal((await reload(few)).status, 200);
  assert.deepEqual(await statuses(few, 12), [403]);
  await few.close();

  const bundle = { hold: { grants: 0.6, recent_callers: 1 } };
  const lenient = await start({ files: crowd(40), config: { bundle } });
  assert.deepEqual(await statuses(lenient, 40), [200]);
  await lenient.tree.commit(crowd(40, 20));
  assert.equal((await reload(lenient)).status, 200);
  await lenient.tree.commit(crowd(40, 3));
  assert.equal((await reload(lenient)).code, 'grants-held');
});
