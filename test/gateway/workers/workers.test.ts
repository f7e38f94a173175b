import * as assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parseConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';
import { raw } from '../_gateway.ts';
import { type Fleet, startFleet } from '../_workers.ts';

const test = suite('workers');

let fleet: Fleet;
/** One for what leaves nobody serving for a while: begun by the first test that needs it. */
let other: Fleet;
test.before(async () => {
  fleet = await startFleet({ workers: 2 });
});
test.after(async () => {
  await fleet.close();
  await other.close();
});

const path = '/orders/v1/orders';
const allowed =
  'grantgate_requests_total{api="orders",operation="listOrders",outcome="allowed",reason="granted"}';

/** One request on a connection of its own. */
async function once(of: Fleet, token = of.token): Promise<number> {
  const { statusCode, body } = await request(`${of.url}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    reset: true,
  });
  await body.dump();
  return statusCode;
}

/** Requests over `connections` kept-alive connections, one after the other on each, until told to end. */
function load(of: Fleet, connections: number) {
  const agent = new Agent({ connections, pipelining: 1 });
  const failures: unknown[] = [];
  let sent = 0;
  let ending = false;
  const caller = async () => {
    while (!ending) {
      sent += 1;
      try {
        const { statusCode, body } = await request(`${of.url}${path}`, {
          dispatcher: agent,
          headers: { authorization: `Bearer ${of.token}` },
        });
        await body.dump();
        if (statusCode !== 200) failures.push(statusCode);
      } catch (error) {
        failures.push(error);
      }
      await pause(20);
    }
  };
  const callers = Array.from({ length: connections }, caller);
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

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(what: () => boolean | Promise<boolean>, ms = 120_000): Promise<void> {
  for (const end = Date.now() + ms; !(await what()); ) {
    if (Date.now() > end) throw new Error('it did not come about');
    await pause(50);
  }
}

/** Per instance, the numbers of its records must be 1, 2, 3, … */
async function assertGapless(of: Fleet): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { instance, seq } of await of.records()) {
    assert.equal(seq, (counts.get(instance) ?? 0) + 1, instance);
    counts.set(instance, seq);
  }
  return counts;
}

test('both workers serve one port, each with records of its own, and their metrics add up', async () => {
  for (let count = 0; count < 20; count += 1) assert.equal(await once(fleet), 200);
  const counts = await assertGapless(fleet);
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
  for (let count = 0; count < 20; count += 1) await once(fleet);
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

test('a restart under load replaces every worker and drops no request', async () => {
  const before = await fleet.pids();
  const counted = (await fleet.metrics())[allowed] ?? 0;
  const traffic = load(fleet, 8);
  const restarted = fleet.logged('restarted');
  fleet.process.kill('SIGUSR2');
  await restarted;
  await traffic.end();
  assert.deepEqual(traffic.failures, []);
  assert.ok(traffic.sent() > 100, String(traffic.sent()));
  const after = await fleet.pids();
  assert.equal(after.length, 2);
  for (const pid of after) assert.ok(!before.includes(pid) && alive(pid));
  for (const pid of before) assert.equal(alive(pid), false);
  // What the former workers have counted is not lost with them.
  const metrics = await fleet.metrics();
  assert.equal(metrics[allowed], counted + traffic.sent());
  assert.equal(metrics['grantgate_worker_restarts_total{cause="planned"}'], 2);
  await assertGapless(fleet);
});

test('who is ready serves every request: at the start, in a restart, and when a worker has died', async () => {
  other = await startFleet({ waits: false });
  const answers = new Map<number | string, number>();
  /** Callers on fresh connections, so that each may come to any worker. */
  const callUntil = async (over: () => Promise<boolean>) => {
    let ending = false;
    const caller = async () => {
      while (!ending) {
        const answer = await once(other).catch((error: Error) => error.name);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        // So that the workers have a core to start on.
        await pause(10);
      }
    };
    const callers = [caller(), caller(), caller()];
    await until(over, 60_000).finally(() => {
      ending = true;
    });
    await Promise.all(callers);
  };
  const servers = async () => (await other.metrics())['grantgate_workers{state="serving"}'];
  await until(async () => (await fetch(`${other.admin}/health/ready`)).status === 200, 60_000);
  assert.equal(await servers(), 2);
  for (let time = 0; time < 20; time += 1) assert.equal(await once(other), 200);

  let done = false;
  void other.logged('restarted').then(() => {
    done = true;
  });
  other.process.kill('SIGUSR2');
  await callUntil(async () => done);
  assert.deepEqual([...answers.keys()], [200]);

  answers.clear();
  const [first = 0] = await other.pids();
  process.kill(first, 'SIGKILL');
  await callUntil(async () => {
    const [next = 0] = await other.pids();
    return next !== first && (await servers()) === 2;
  });
  // What the worker was busy with when it died has no answer; every answer is a good one.
  assert.deepEqual(
    [...answers.keys()].filter((answer) => typeof answer === 'number'),
    [200],
  );
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
  assert.equal(await once(fleet), 200);
});

test('kill -9 of a worker costs the requests it was busy with at most, and it is replaced', async () => {
  const before = await fleet.pids();
  fleet.upstream.received.length = 0;
  const connections = 8;
  const traffic = load(fleet, connections);
  await until(() => traffic.sent() > 50);
  const scraped = (await fleet.metrics())[allowed] ?? 0;
  process.kill(before[0] ?? 0, 'SIGKILL');
  await until(async () => {
    const [first = 0] = await fleet.pids();
    return first !== before[0] && alive(first);
  });
  await until(async () => (await fleet.metrics())['grantgate_workers{state="serving"}'] === 2);
  await traffic.end();
  assert.ok(traffic.failures.length <= connections, String(traffic.failures));
  assert.equal(traffic.failures.filter((one) => typeof one === 'number').length, 0);
  assert.equal((await fleet.pids())[1], before[1]);
  const metrics = await fleet.metrics();
  assert.ok((metrics[allowed] ?? 0) >= scraped);
  assert.equal(metrics['grantgate_worker_restarts_total{cause="SIGKILL"}'], 1);
  await assertGapless(fleet);
  const ids = new Set((await fleet.records()).map(({ decision_id }) => decision_id));
  for (const { headers } of fleet.upstream.received)
    assert.ok(ids.has(headers['x-grantgate-decision']?.[0] ?? ''));
});

test('a connection that comes while a worker goes is served by the other one', async () => {
  const held: (() => void)[] = [];
  other.upstream.answer((_request, response) => held.push(() => response.end('late')));
  const slow = [once(other), once(other)];
  await until(() => held.length === 2);
  const begun = other.logged('restart: one worker after the other');
  other.process.kill('SIGUSR2');
  await begun;
  await pause(300);
  // The primary hears nothing for a while: neither of these callers, nor that the worker listens no more.
  other.process.kill('SIGSTOP');
  const restarted = other.logged('restarted');
  other.upstream.answer(null);
  const next = Array.from({ length: 4 }, () => once(other));
  await pause(100);
  for (const release of held) release();
  await pause(1000);
  other.process.kill('SIGCONT');
  assert.deepEqual(await Promise.all([...slow, ...next]), [200, 200, 200, 200, 200, 200]);
  await restarted;
});

test('a caller on its way to a worker that dies is let go', async () => {
  const [first = 0] = await other.pids();
  process.kill(first, 'SIGSTOP');
  const callers = Promise.allSettled([once(other), once(other)]);
  await pause(300);
  process.kill(first, 'SIGKILL');
  const ends = await callers;
  assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
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

test('a rate holds over all workers: no more get through than with one', async () => {
  const limited = await startFleet({ rate: '30/day' });
  try {
    const statuses = (
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          const own: number[] = [];
          for (let count = 0; count < 15; count += 1) own.push(await once(limited));
          return own;
        }),
      )
    ).flat();
    assert.equal(statuses.filter((status) => status === 200).length, 30);
    assert.equal(statuses.filter((status) => status === 429).length, 60);
    assert.ok((await assertGapless(limited)).size > 1);
    // It also outlives the workers that asked.
    const restarted = limited.logged('restarted');
    limited.process.kill('SIGUSR2');
    await restarted;
    assert.equal(await once(limited), 429);
    // When the process that looks after them is gone, however, no worker goes on without it.
    const pids = await limited.pids();
    limited.process.kill('SIGKILL');
    await until(() => pids.every((pid) => !alive(pid)));
  } finally {
    await limited.close();
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
