import * as assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRate } from '../../../bundle/format/rate.ts';
import { createLimit, type Limit } from '../../../gateway/limits/limit.ts';
import { openSharedLimit } from '../../../gateway/limits/sharedLimit.ts';
import { suite } from '../../_suite.ts';
import { type Store, startStore } from '../_redis.ts';

const test = suite('limit');
let store: Store;
let fallbacks = 0;
const closes: (() => void)[] = [];

/** One gateway's limit over the store; its own count is out of the way, so that what is seen is the store's. */
async function shared(
  local = createLimit as () => (...all: Parameters<Limit>) => number,
  patienceMs?: number,
) {
  const states: string[] = [];
  const opened = await openSharedLimit({
    url: store.url,
    password: 'secret',
    local: local(),
    ...(patienceMs !== undefined && { patienceMs }),
    onFallback: () => {
      fallbacks += 1;
    },
    onState: (failure) => states.push(failure === null ? 'up' : 'down'),
  });
  closes.push(opened.close);
  const ready = async () => {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const before = fallbacks;
      await opened.limit('ready', parseRate('999999/s'), 0);
      if (before === fallbacks) return;
      await sleep(25);
    }
    throw new Error('the store is not reached');
  };
  await ready();
  return { ...opened, ready, states };
}
/** A store on a busy machine is not one that is silent. */
const patientMs = 60_000;
const blind = () => () => Number.NEGATIVE_INFINITY;

test.before(async () => {
  store = await startStore('secret');
});
test.after(async () => {
  for (const close of closes) close();
  await store.stop();
});

type Clock = {
  limit: Limit;
  now: () => number;
  advance: (ms: number) => Promise<unknown>;
  /** The milliseconds that have passed by the clock which counts. */
  passed: () => number;
};

/** The same on both: in memory the clock is ours, at the store it is the store's. */
const kinds: Record<string, () => Promise<Clock>> = {
  'in memory': async () => {
    let at = 1_000_000;
    return {
      limit: createLimit(),
      now: () => at,
      advance: async (ms) => {
        at += ms;
      },
      passed: () => at - 1_000_000,
    };
  },
  'in the store': async () => {
    const { limit } = await shared(blind, patientMs);
    const begun = performance.now();
    return { limit, now: () => 0, advance: (ms) => sleep(ms), passed: () => performance.now() - begun };
  },
};

for (const [where, open] of Object.entries(kinds)) {
  test(`${where}: lets the whole count through at once, then one per interval`, async () => {
    const { limit, now, advance, passed } = await open();
    for (let left = 4; left >= 0; left -= 1)
      assert.equal(0 - (await limit('a', parseRate('5/min'), now())), left);
    const wait = await limit('a', parseRate('5/min'), now());
    assert.ok(wait > 12_000 - Math.ceil(passed()) - 5 && wait <= 12_000, String(wait));
    // A store goes by its own clock, and a busy machine may take longer than an interval: so many more may pass then.
    const begun = passed();
    const untilRefused = async () => {
      let admitted = 0;
      while ((await limit('c', parseRate('4/s'), now())) <= 0) admitted += 1;
      return admitted;
    };
    const first = await untilRefused();
    assert.ok(first >= 4 && first <= 4 + (passed() - begun) / 250, String(first));
    await advance(260);
    const further = await untilRefused();
    assert.ok(further >= 1 && first + further <= 4 + (passed() - begun) / 250, String(further));
  });

  test(`${where}: counts each key for itself`, async () => {
    const { limit, now } = await open();
    assert.ok((await limit('d', parseRate('1/h'), now())) <= 0);
    assert.ok((await limit('d', parseRate('1/h'), now())) > 0);
    assert.ok((await limit('e', parseRate('1/h'), now())) <= 0);
  });

  test(`${where}: many at once get no more than the count`, async () => {
    const { limit, now } = await open();
    const answers = await Promise.all(Array.from({ length: 50 }, () => limit('f', parseRate('20/h'), now())));
    assert.equal(answers.filter((answer) => answer <= 0).length, 20);
  });

  test(`${where}: a rate that is raised keeps nobody waiting for the old one`, async () => {
    const { limit, now, advance } = await open();
    for (let request = 0; request < 3; request += 1) await limit('g', parseRate('2/day'), now());
    assert.ok((await limit('g', parseRate('5/s'), now())) <= 1000);
    await advance(210);
    assert.ok((await limit('g', parseRate('5/s'), now())) <= 0);
  });
}

test('lets no more through than a full burst and the rate', () => {
  const limit = createLimit();
  const admitted: number[] = [];
  for (let at = 0; at < 10_000; at += 7) if (limit('a', parseRate('10/s'), at) <= 0) admitted.push(at);
  for (const from of admitted) {
    // A full bucket drains at once and refills while it does: at most twice the count minus one within a period.
    assert.ok(admitted.filter((at) => at >= from && at < from + 1000).length <= 20);
  }
  assert.ok(admitted.length <= 10 + 10_000 / 100 + 1, `${admitted.length}`);
});

test('what is no rate lets nothing through', () => {
  for (const rate of ['600/fortnight', 'abc', '', '0/s', 'NaN/s'])
    assert.throws(() => parseRate(rate), RangeError, rate);
});

test('a clock that is set back keeps nobody waiting longer than the rate says', () => {
  const limit = createLimit();
  const now = 10 * 3_600_000;
  for (let request = 0; request < 60; request += 1) limit('a', parseRate('60/min'), now);
  const earlier = now - 3_600_000;
  assert.ok(limit('a', parseRate('60/min'), earlier) <= 1000);
  assert.ok(limit('a', parseRate('60/min'), earlier + 1000) <= 0);
});

test('two gateways with one store count together; each alone would let the count through again', async () => {
  const [first, second] = [await shared(undefined, patientMs), await shared(undefined, patientMs)];
  for (let request = 0; request < 3; request += 1) {
    assert.ok((await first.limit('both', parseRate('6/h'), 0)) <= 0);
    assert.ok((await second.limit('both', parseRate('6/h'), 0)) <= 0);
  }
  assert.ok((await first.limit('both', parseRate('6/h'), 0)) > 0);
  assert.ok((await second.limit('both', parseRate('6/h'), 0)) > 0);
});

test('what is over the rate here needs no question to the store', async () => {
  const { limit } = await shared();
  await limit('here', parseRate('1/h'), 0);
  assert.equal(typeof limit('here', parseRate('1/h'), 0), 'number');
});

test('a store that hangs or is gone makes nobody wait and lets nobody through without limit', async () => {
  const { limit, ready, states } = await shared();
  states.length = 0;
  for (const [fail, mend] of [
    [() => store.hang(true), () => store.hang(false)],
    [() => store.stop(), () => store.start()],
  ] as const) {
    const key = `lost ${fail}`;
    assert.ok((await limit(key, parseRate('5/h'), 0)) <= 0);
    await fail();
    await sleep(50);
    const began = performance.now();
    const before = fallbacks;
    const answers = [];
    for (let request = 0; request < 20; request += 1) answers.push(await limit(key, parseRate('5/h'), 0));
    // Each would have waited for an answer that never comes; the bound is for a loaded machine.
    assert.ok(performance.now() - began < 15_000);
    assert.equal(answers.filter((answer) => answer <= 0).length, 4);
    assert.ok(fallbacks - before >= 4);
    await mend();
    await ready();
  }
  assert.deepEqual(states, ['down', 'up', 'down', 'up']);
});

test('a store that refuses the password is told, and is no reason to let everybody through', async () => {
  const told: string[] = [];
  const { limit, close } = await openSharedLimit({
    url: store.url,
    password: 'wrong',
    local: createLimit(),
    onFallback: () => told.push('fallback'),
    onState: (failure) => told.push(failure === null ? 'up' : 'down'),
  });
  for (let attempt = 0; attempt < 100 && told.length === 0; attempt += 1) await sleep(20);
  assert.equal(told[0], 'down');
  assert.ok((await limit('x', parseRate('1/h'), 0)) <= 0);
  assert.ok((await limit('x', parseRate('1/h'), 0)) > 0);
  assert.deepEqual(told.slice(0, 2), ['down', 'fallback']);
  close();
});
