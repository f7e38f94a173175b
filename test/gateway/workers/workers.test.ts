import * as assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { parseConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { raw } from '../_gateway.ts';
import { type Fleet, startFleet } from '../_workers.ts';

const test = suite('workers');

let fleet: Fleet;
test.before(async () => {
  fleet = await startFleet({ workers: 2, waits: false });
});
test.after(() => fleet.close());

const path = '/orders/v1/orders';
const allowed =
  'grantgate_requests_total{api="orders",operation="listOrders",outcome="allowed",reason="granted"}';

/** One request on a connection of its own. */
async function once({ token = fleet.token, method = 'GET', query = '' } = {}): Promise<number> {
  const { statusCode, body } = await request(`${fleet.url}${path}${query}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    reset: true,
  });
  await body.dump();
  return statusCode;
}

/** Callers that ask until told to end: `kept` on a connection each, one request after the other, and `anew` on a new one for each. */
function load(kept: number, anew: number) {
  const agent = new Agent({ connections: kept, pipelining: 1 });
  const failures: unknown[] = [];
  let sent = 0;
  let ending = false;
  const keep = async () => {
    const { statusCode, body } = await request(`${fleet.url}${path}`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${fleet.token}` },
    });
    await body.dump();
    return statusCode;
  };
  const caller = async (call: () => Promise<number>) => {
    while (!ending) {
      sent += 1;
      const status = await call().catch((error: unknown) => error);
      if (status !== 200) failures.push(status);
      // So that the workers have a core to start on.
      await pause(40);
    }
  };
  const callers = Array.from({ length: kept + anew }, (_, at) => caller(at < kept ? keep : once));
  return {
    failures,
    sent: () => sent,
    end: async () => {
      ending = true;
      await Promise.all(callers);
      await agent.close();
    },
  };
}

/** Asks until the grant's 60 a minute are used up; how many got through, and in how many milliseconds. */
async function useUp(): Promise<{ passed: number; within: number }> {
  const began = performance.now();
  let passed = 0;
  const caller = async () => {
    for (let refused = 0; refused < 3; ) {
      const status = await once({ method: 'POST' });
      if (status === 429) refused += 1;
      else {
        assert.equal(status, 200);
        passed += 1;
      }
    }
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
  return { passed, within: performance.now() - began };
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Per instance, the numbers of its records must be 1, 2, 3, … */
async function assertGapless(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { instance, seq } of await fleet.records()) {
    assert.equal(seq, (counts.get(instance) ?? 0) + 1, instance);
    counts.set(instance, seq);
  }
  return counts;
}

test('both workers serve one port once all are ready, each with records of its own, and their metrics add up', async () => {
  await until(async () => (await fetch(`${fleet.admin}/health/ready`)).status === 200);
  assert.equal((await fleet.metrics())['grantgate_workers{state="serving"}'], 2);
  for (let count = 0; count < 20; count += 1) assert.equal(await once(), 200);
  const counts = await assertGapless();
  assert.deepEqual([...counts.keys()].sort(), ['gw-1-w1', 'gw-1-w2']);
  assert.equal(
    [...counts.values()].reduce((a, b) => a + b),
    20,
  );
  const metrics = await fleet.metrics();
  assert.equal(metrics[allowed], 20);
  assert.equal(metrics.grantgate_decision_seconds_count, 20);
  assert.equal(metrics['grantgate_decision_seconds_bucket{le="+Inf"}'], 20);
  // Of what both have in common there is one.
  assert.equal(metrics.grantgate_bundle_grants, 5);
  assert.equal(metrics['grantgate_workers{state="serving"}'], 2);
  const usage = (await (await fetch(`${fleet.admin}/usage`)).text()).trimEnd().split('\n');
  const uses = usage.map((line) => JSON.parse(line)).filter(({ grant }) => grant !== undefined);
  assert.equal(
    uses.reduce((sum, { count }) => sum + count, 0),
    20,
  );
});

test('whoever follows the decisions hears of those of every worker, in whole lines', async () => {
  const past = (await (await fetch(`${fleet.admin}/decisions`)).text()).trimEnd().split('\n');
  assert.equal(past.length, 20);
  const stop = new AbortController();
  const response = await fetch(`${fleet.admin}/decisions?follow`, { signal: stop.signal });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => {});
  for (let count = 0; count < 20; count += 1) await once();
  await until(() => text.split('\n').length === 41);
  const seen = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { instance: string });
  assert.deepEqual([...new Set(seen.map(({ instance }) => instance))].sort(), ['gw-1-w1', 'gw-1-w2']);
  stop.abort();
  await reading;
});

test('a reload has reached every worker when it is answered, and tells the revision of all', async () => {
  await fleet.tree.commit({ 'grants/networks.yaml': 'office: [127.0.0.0/8]\n' });
  const before = (await (await fetch(`${fleet.admin}/revision`)).json()) as { counter: number };
  const reloaded = (await (await fetch(`${fleet.admin}/reload`, { method: 'POST' })).json()) as {
    changed: boolean;
    revision: string;
  };
  assert.equal(reloaded.changed, true);
  const ready = (await (await fetch(`${fleet.admin}/health/ready`)).json()) as {
    revision: string;
    workers: { revision: string }[];
  };
  assert.deepEqual(
    [ready.revision, ...ready.workers.map(({ revision }) => revision)],
    [reloaded.revision, reloaded.revision, reloaded.revision],
  );
  const after = (await (await fetch(`${fleet.admin}/revision`)).json()) as {
    counter: number;
    lag_ms: number | null;
  };
  // The sample's commits are from another day, but the branch has moved since the last look.
  assert.equal(after.counter, before.counter + 1);
  assert.ok(after.lag_ms !== null && after.lag_ms < 300_000, String(after.lag_ms));
  const page = await fetch(`${fleet.admin}/reload`, {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  });
  assert.equal(page.status, 403);
});

test('whoever loses access loses it at every worker at once, and what is open there ends', async () => {
  const directory = await readFile(join(fleet.tree.root, 'grants/directory/okta.yaml'), 'utf8');
  fleet.upstream.answer((_, response) => void response.writeHead(200).write('begun '));
  const open: Promise<string>[] = [];
  const instances = new Set<string>();
  for (let tries = 0; instances.size < 2; tries += 1) {
    assert.ok(tries < 20);
    const { body } = await request(`${fleet.url}${path}`, {
      headers: { authorization: `Bearer ${fleet.token}` },
      reset: true,
    });
    open.push(body.text().catch(() => 'cut'));
    const last = (await (await fetch(`${fleet.admin}/decisions`)).text()).trimEnd().split('\n').at(-1);
    instances.add((JSON.parse(last ?? '') as { instance: string }).instance);
  }
  fleet.upstream.answer(null);
  const suspended = directory.replace('id: 00u1, status: active', 'id: 00u1, status: suspended');
  const reload = async (text: string) => {
    await fleet.tree.commit({ 'grants/directory/okta.yaml': text });
    assert.equal((await fetch(`${fleet.admin}/reload`, { method: 'POST' })).status, 200);
    return Promise.all([once(), once(), once(), once()]);
  };
  assert.deepEqual(new Set(await reload(suspended)), new Set([403]));
  assert.deepEqual(new Set(await Promise.all(open)), new Set(['cut']));
  assert.deepEqual(new Set(await reload(directory)), new Set([200]));
});

test('a rate holds over all workers: no more get through than with one, and no less', async () => {
  const { passed, within } = await useUp();
  assert.ok(passed >= 60 && passed <= 61 + within / 1000, `${passed} in ${within} ms`);
});

test('a restart under load replaces every worker and drops no request, one that comes while a worker goes neither', async () => {
  const before = await fleet.pids();
  const counted = (await fleet.metrics())[allowed] ?? 0;
  await useUp();
  const usedUp = performance.now();
  const held: (() => void)[] = [];
  fleet.upstream.answer(({ url }, response) => {
    if (url?.endsWith('?hold')) held.push(() => response.end('late'));
    else response.end('ok');
  });
  const slow = [once({ query: '?hold' }), once({ query: '?hold' })];
  await until(() => held.length === 2);
  const traffic = load(6, 2);
  const begun = fleet.logged('restart: one worker after the other');
  const restarted = fleet.logged('restarted');
  fleet.process.kill('SIGUSR2');
  await begun;
  await pause(300);
  // The primary hears nothing for a while: neither of these callers, nor that the worker listens no more.
  fleet.process.kill('SIGSTOP');
  const next = Array.from({ length: 4 }, () => once());
  await pause(100);
  for (const release of held) release();
  await pause(500);
  fleet.process.kill('SIGCONT');
  assert.deepEqual(await Promise.all([...slow, ...next]), [200, 200, 200, 200, 200, 200]);
  await restarted;
  await traffic.end();
  fleet.upstream.answer(null);
  assert.deepEqual(traffic.failures, []);
  assert.ok(traffic.sent() > 50, String(traffic.sent()));
  const after = await fleet.pids();
  assert.equal(after.length, 2);
  for (const pid of after) assert.ok(!before.includes(pid) && alive(pid));
  for (const pid of before) assert.equal(alive(pid), false);
  // What the former workers have counted is not lost with them: for metrics, nor for limits.
  const metrics = await fleet.metrics();
  assert.equal(metrics[allowed], counted + traffic.sent() + 6);
  assert.equal(metrics['grantgate_worker_restarts_total{cause="planned"}'], 2);
  await assertGapless();
  const { passed } = await useUp();
  assert.ok(passed <= 1 + (performance.now() - usedUp) / 1000, `${passed} since the restart`);
});

test('with a mistake in gateway.yaml a restart replaces nobody', async () => {
  const before = await fleet.pids();
  const text = await readFile(fleet.file, 'utf8');
  await writeFile(fleet.file, text.replace('"audience"', '"audiences"'));
  const stopped = fleet.logged('restart stopped half way');
  fleet.process.kill('SIGUSR2');
  assert.match(JSON.stringify(await stopped), /audience/);
  await writeFile(fleet.file, text);
  assert.deepEqual(await fleet.pids(), before);
  assert.equal(await once(), 200);
});

test('what only a new process can serve by, and what cannot be served, replaces nobody and is named', async () => {
  const before = await fleet.pids();
  const text = await readFile(fleet.file, 'utf8');
  for (const [changes, named] of [
    [{ state: 'elsewhere', workers: 3 }, /\\"state\\" cannot change.*\\"workers\\" cannot change/],
    [{ bundle: { ...JSON.parse(text).bundle, token: { env: 'GRANTGATE_UNSET' } } }, /bundle\.token/],
  ] as const) {
    await writeFile(fleet.file, JSON.stringify({ ...JSON.parse(text), ...changes }));
    const stopped = fleet.logged('restart stopped half way');
    fleet.process.kill('SIGUSR2');
    assert.match(JSON.stringify(await stopped), named);
  }
  await writeFile(fleet.file, text);
  assert.deepEqual(await fleet.pids(), before);
  assert.equal(await once(), 200);
});

test('kill -9 of a worker costs the requests it was busy with at most, and it is replaced', async () => {
  const before = await fleet.pids();
  fleet.upstream.received.length = 0;
  const kept = 6;
  const traffic = load(kept, 0);
  await until(() => traffic.sent() > 40);
  const scraped = (await fleet.metrics())[allowed] ?? 0;
  process.kill(before[0] ?? 0, 'SIGSTOP');
  // One of them is on its way to the worker when that dies: it is let go. The other worker serves.
  const callers = Promise.allSettled([once(), once()]);
  await pause(300);
  process.kill(before[0] ?? 0, 'SIGKILL');
  assert.deepEqual((await callers).map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await until(async () => {
    const [first = 0] = await fleet.pids();
    return first !== before[0] && alive(first);
  });
  await until(async () => (await fleet.metrics())['grantgate_workers{state="serving"}'] === 2);
  await traffic.end();
  assert.ok(traffic.failures.length <= kept, String(traffic.failures));
  assert.equal(traffic.failures.filter((one) => typeof one === 'number').length, 0);
  assert.equal((await fleet.pids())[1], before[1]);
  const metrics = await fleet.metrics();
  assert.ok((metrics[allowed] ?? 0) >= scraped);
  assert.equal(metrics['grantgate_worker_restarts_total{cause="SIGKILL"}'], 1);
  await assertGapless();
  const ids = new Set((await fleet.records()).map(({ decision_id }) => decision_id));
  for (const { headers } of fleet.upstream.received)
    assert.ok(ids.has(headers['x-grantgate-decision']?.[0] ?? ''));
});

test('SIGTERM lets the request under way end, and leaves no process behind', async () => {
  const before = await fleet.pids();
  let arrived = () => {};
  const reached = new Promise<void>((done) => {
    arrived = done;
  });
  fleet.upstream.answer((_request, response) => {
    arrived();
    setTimeout(() => response.end('late'), 500);
  });
  const slow = request(`${fleet.url}${path}`, { headers: { authorization: `Bearer ${fleet.token}` } });
  await reached;
  const stopped = fleet.stop();
  const { statusCode, body } = await slow;
  assert.deepEqual([statusCode, await body.text()], [200, 'late']);
  assert.equal(await stopped, 0);
  for (const pid of before) assert.equal(alive(pid), false);
  await assert.rejects(raw(fleet.url, 'GET / HTTP/1.1\r\n\r\n'));
});

test('when the process that looks after them is gone, no worker goes on without it', async () => {
  const orphaned = await startFleet({ waits: false });
  try {
    const pids = await orphaned.pids();
    assert.equal(pids.length, 2);
    orphaned.process.kill('SIGKILL');
    await until(() => pids.every((pid) => !alive(pid)));
  } finally {
    await orphaned.close();
  }
});

test('what a worker cannot start for ends the start, with its reason', async () => {
  await assert.rejects(
    startFleet({ config: { webhook: { secret: { env: 'GRANTGATE_TEST_NOT_SET' } } } }),
    /ended with 2: grantgate: the environment variable GRANTGATE_TEST_NOT_SET is not set/,
  );
});

test('a number of workers that makes no sense is refused', () => {
  const source = 'git+file:///access.git#main';
  assert.equal(parseConfig({ bundle: { source }, workers: 64 }, '/gateway.yaml').workers, 64);
  for (const workers of [0, 65, 1.5, '2'])
    assert.throws(() => parseConfig({ bundle: { source }, workers }, '/gateway.yaml'), /"workers"/);
});
