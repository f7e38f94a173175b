import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { rateOf } from '../../../bundle/format/rate.ts';
import { createLimit } from '../../../gateway/limits/limit.ts';
import { openDatabase } from '../../../reviewer/evidence/database.ts';
import { fitNetworks } from '../../../reviewer/recommend/fitNetworks.ts';
import { fitPrincipal } from '../../../reviewer/recommend/fitPrincipal.ts';
import { createRateTrial, isSafe, ratesFor, rounded } from '../../../reviewer/recommend/fitRate.ts';
import { useTable } from '../../../reviewer/recommend/observeSql.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, recordLine } from '../_review.ts';

const test = suite('what fits observed use');

const times = fc
  .array(fc.integer({ min: 0, max: 300_000 }), { minLength: 1, maxLength: 60 })
  .map((all) => all.sort((a, b) => a - b));
const busiestOf = (all: readonly number[]) =>
  Math.max(
    ...Map.groupBy(all, (ms) => Math.floor(ms / 60_000))
      .values()
      .map(({ length }) => length),
  );

test('a use at the instant of the review is observed, and none after it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-observed-'));
  const database = await openDatabase('100MB');
  try {
    const file = join(folder, 'gw-1.ndjson');
    const lines = [-1, 0, 1].map((more, seq) =>
      recordLine({ grant: 'a', at: asOfMs + more }, 'gw-1', seq + 1),
    );
    await writeFile(file, lines.join('\n'));
    await database.connection.run(useTable([file], asOfMs / 1000));
    assert.deepEqual(
      (await database.read('SELECT ms FROM use ORDER BY ms')).map(({ ms }) => Number(ms)),
      [asOfMs - 1, asOfMs],
    );
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
});

test('the meter refuses what the gateway refuses', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 30 }), (all, count) => {
      const limit = createLimit();
      const admits = createRateTrial(count);
      for (const ms of all)
        assert.equal(admits('a', 1e12 + ms), Number(limit('a', rateOf(count, 60_000), 1e12 + ms)) <= 0);
    }),
  );
});

test('a rate of twice the busiest minute refuses nothing, whatever comes when; callers count apart', () => {
  fc.assert(
    fc.property(times, (all) => {
      const busiest = busiestOf(all);
      const count = 2 * busiest;
      assert.ok(isSafe(count, { usual: 1, busiest }));
      const admits = createRateTrial(count);
      for (const caller of ['a', 'b']) for (const ms of all) assert.ok(admits(caller, ms));
    }),
  );
  assert.equal(isSafe(9, { usual: 1, busiest: 5 }), false);
});

test('rates to try begin at the usual minute with its margin, rounded up, and end at the busiest', () => {
  assert.deepEqual(ratesFor({ usual: 31, busiest: 500 }, 2, 60), [62, 1000]);
  assert.deepEqual(ratesFor({ usual: 3, busiest: 4 }, 2, 60), [60]);
  assert.deepEqual([1, 9, 10, 99, 101, 1234, 9999].map(rounded), [1, 9, 10, 99, 110, 1300, 10_000]);
});

test('networks are the fewest that every use came from, and none where one did not or is not declared', () => {
  const declared = new Set(['home', 'office', 'vpn']);
  const at = (...names: string[]) => ({ names, uses: 1 });
  assert.deepEqual(fitNetworks([at('office', 'vpn'), at('vpn')], declared), ['vpn']);
  assert.deepEqual(fitNetworks([at('office'), at('vpn'), at('office', 'home')], declared), ['office', 'vpn']);
  assert.equal(fitNetworks([at('office'), at()], declared), null);
  assert.equal(fitNetworks([at('gone')], declared), null);
  assert.equal(fitNetworks([], declared), null);
});

test('whoever is enough is a group inside of it with all who used it, the smallest; else the one person', () => {
  const everybody = ['user:a', 'user:b', 'user:c', 'service:d'];
  const groups = new Map(
    Object.entries({
      'group:all': everybody,
      'group:ab': ['user:a', 'user:b'],
      'group:abc': ['user:a', 'user:b', 'user:c'],
      'group:outside': ['user:a', 'user:x'],
      'group:same': everybody,
    }),
  );
  const fit = (...users: string[]) => fitPrincipal({ principal: 'group:all' }, users, groups);
  assert.deepEqual(fit('user:A', 'user:b'), { principal: 'group:ab', members: 2 });
  assert.deepEqual(fit('user:b', 'user:c'), { principal: 'group:abc', members: 3 });
  assert.deepEqual(fit('user:a'), { principal: 'group:ab', members: 2 });
  assert.equal(fit('user:a', 'service:d'), null);
  assert.equal(fit('service:d'), null);
  assert.equal(fit('user:gone'), null);
  const flat = new Map([['group:all', ['user:a', 'user:b']]]);
  assert.deepEqual(fitPrincipal({ principal: 'group:all' }, ['user:b'], flat), {
    principal: 'user:b',
    members: 1,
  });
  assert.equal(fitPrincipal({ principal: 'group:all' }, ['user:a', 'user:b'], flat), null);
});
