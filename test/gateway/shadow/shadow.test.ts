import * as assert from 'node:assert/strict';
import { parseConfig } from '../../../gateway/config/config.ts';
import type { Admission, Carrier } from '../../../gateway/decision/admission.ts';
import type { Enforcement } from '../../../gateway/decision/enforcement.ts';
import { createCompare } from '../../../gateway/shadow/compare.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { runGit } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('shadow');
const path = '/orders/v1/orders';
const billing = 'grants/access/orders/billing.yaml';

const count = async (world: World, operation: string, result: string) =>
  Number(
    new RegExp(
      `shadow_decisions_total\\{api="orders",operation="${operation}",result="${result}"\\} (\\d+)`,
    ).exec(await world.metrics())?.[1] ?? 0,
  );
const status = async (world: World) => {
  const ready = await fetch(`${world.gateway.admin}/health/ready`);
  return { code: ready.status, ...((await ready.json()) as { bundle: { shadow: { state: string } } }) };
};

test('a branch is tried beside what is enforced: counted, and never felt', async () => {
  const plain = await startWorld();
  const world = await startWorld({
    config: {
      bundle: {
        source: `git+file://${plain.tree.root}#main`,
        poll: '1h',
        shadow: { source: `git+file://${plain.tree.root}#next` },
      },
    },
    commit: false,
  });
  try {
    const reload = () => fetch(`${world.gateway.admin}/reload`, { method: 'POST' });
    // No such branch yet: nothing but the comparison is missing.
    await reload();
    await until(async () => (await status(world)).bundle.shadow.state !== 'ok');
    assert.equal((await status(world)).code, 200);
    assert.equal((await world.get(path)).status, 200);
    assert.equal(await count(world, 'listOrders', 'same'), 0);
    runGit(plain.tree.root, 'checkout', '--quiet', '-b', 'next');
    await plain.tree.commit({
      [billing]: `- id: orders-dana-read
  principal: user:dana@example.com
  api: orders
  role: reader
  reason: Only in the next quarter
  owner: group:billing
  granted: 2026-03-01
`,
      'grants/review.yaml': null,
    });
    runGit(plain.tree.root, 'checkout', '--quiet', 'main');
    await reload();
    await until(async () => (await status(world)).bundle.shadow.state === 'ok');
    const allowed = await world.get(path);
    assert.equal(allowed.status, 200);
    const names = [...allowed.headers.keys()].filter((name) => /shadow/.test(name));
    assert.deepEqual(names, []);
    const seen = JSON.stringify((await world.records()).at(-1));
    assert.doesNotMatch(seen, /shadow|would/);
    assert.equal((await world.get(path, { as: 'dana@example.com' })).status, 403);
    await until(async () => (await count(world, 'listOrders', 'would-deny')) === 1);
    await until(async () => (await count(world, 'listOrders', 'would-allow')) === 1);
    // It breaks: what is enforced goes on.
    runGit(plain.tree.root, 'checkout', '--quiet', 'next');
    await plain.tree.commit({ [billing]: '- id: x\n  nonsense: 1\n' });
    runGit(plain.tree.root, 'checkout', '--quiet', 'main');
    assert.equal((await reload()).status, 200);
    assert.equal((await status(world)).bundle.shadow.state, 'failing');
    assert.equal((await status(world)).code, 200);
    assert.equal((await world.get(path)).status, 200);
  } finally {
    await world.close();
    await plain.close();
  }
});

const admission = (allow: boolean, operation = 'list') =>
  ({
    id: 'id',
    canonical: { method: 'GET' },
    headers: { rawHeaders: [] },
    route: { api: 'orders', operation },
    identity: { subject: 'user:ann' },
    address: '',
    decision: { result: { allow, grants: [], reason: 'r' }, input: { time: 1 } },
    enforcement: { snapshot: { revision: 'a' } },
  }) as unknown as Admission;
const enforcement = (decide: () => unknown) =>
  ({
    snapshot: { revision: 'b' },
    route: () => ({ api: 'orders', operation: 'list' }),
    networksOf: () => [],
    decide,
  }) as unknown as Enforcement;
const answers = (allow: boolean, more = {}) =>
  enforcement(() => ({ result: { allow, grants: [], reason: 's' }, failure: null, nanoseconds: 1, ...more }));
const turn = () => new Promise((done) => setTimeout(done, 30));
function comparing(sample = 1, random = () => 0.5) {
  const results: string[] = [];
  const lines: object[] = [];
  let dropped = 0;
  const log = { info: (facts: object) => lines.push(facts), warn: (facts: object) => lines.push(facts) };
  const compare = createCompare({
    onResult: (_api, _operation, result) => results.push(result),
    onDropped: () => {
      dropped += 1;
    },
    log: log as never,
    now: () => 0,
    sample,
    random,
  });
  return { compare, results, lines, dropped: () => dropped };
}

test('compares only when the answer is over', async () => {
  const { compare, results } = comparing();
  compare.use(answers(false));
  const ends: (() => void)[] = [];
  const carrier: Carrier = { destroyed: false, onEnd: (listener) => void ends.push(listener) };
  compare.offer(admission(true), carrier);
  await turn();
  assert.deepEqual(results, []);
  for (const end of ends) end();
  assert.deepEqual(results, []);
  await turn();
  assert.deepEqual(results, ['would-deny']);
});

test('what throws, fails or answers for another operation is counted as that, and asked again', async () => {
  const { compare, results } = comparing();
  const offer = async (next: Enforcement, given = admission(true)) => {
    compare.use(next);
    compare.offer(given, undefined);
    await turn();
  };
  await offer(
    enforcement(() => {
      throw new Error('broken');
    }),
  );
  await offer(answers(false, { failure: new Error('broken') }));
  await offer(answers(true), admission(true, 'other'));
  await offer(answers(true));
  assert.deepEqual(results, ['failed', 'failed', 'other-operation', 'same']);
});

test('what would hold up requests is not asked again until the next revision', async () => {
  const { compare, results } = comparing();
  compare.use(answers(true, { nanoseconds: 60e6 }));
  for (let i = 0; i < 3; i += 1) compare.offer(admission(true), undefined);
  await turn();
  compare.offer(admission(true), undefined);
  await turn();
  assert.deepEqual(results, ['same']);
  compare.use(answers(true));
  compare.offer(admission(true), undefined);
  await turn();
  assert.equal(results.length, 2);
});

test('what waits is bounded, drops are counted, and lines a minute are few', async () => {
  const { compare, results, lines, dropped } = comparing();
  compare.use(answers(false));
  for (let i = 0; i < 1500; i += 1) compare.offer(admission(true), undefined);
  assert.equal(dropped(), 500);
  await until(() => results.length === 1000);
  assert.equal(lines.length, 60);
});

test('takes the share it is told', async () => {
  let next = 0;
  const { compare, results } = comparing(0.1, () => {
    next = (next + 0.01) % 1;
    return next;
  });
  compare.use(answers(true));
  for (let i = 0; i < 1000; i += 1) compare.offer(admission(true), undefined);
  await until(() => results.length > 0);
  await turn();
  assert.ok(results.length >= 80 && results.length <= 120, `${results.length}`);
});

test('an unsigned source and a share of nothing are refused', () => {
  const parse = (shadow: object) =>
    parseConfig({ bundle: { source: 'git+https://x.example/y', shadow } }, '/etc/gateway.yaml');
  assert.throws(() => parse({ source: 'https://x.example/b.tar.gz' }), /"bundle\.shadow\.key" is needed/);
  assert.throws(
    () => parse({ source: 'git+https://x.example/z', sample: 0 }),
    /"bundle\.shadow\.sample" must be above 0/,
  );
  const { bundle } = parse({ source: 'file:next.tar.gz', key: 'k.pem' });
  assert.equal(bundle.shadow?.source, 'file:/etc/next.tar.gz');
  assert.equal(bundle.shadow?.key, '/etc/k.pem');
});
