import * as assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createRows } from '../../../gateway/record/rows.ts';
import { createUsageDay } from '../../../gateway/record/usageDay.ts';
import { openUsageRollup } from '../../../gateway/record/usageRollup.ts';
import { suite } from '../../_suite.ts';

const test = suite('rows');
const day = '2026-11-23';
const entry = (minute: number, grants: readonly string[], operation: string) => ({
  timestamp: new Date(Date.parse(`${day}T00:00:00Z`) + minute * 60_000).toISOString(),
  ...{ result: { allow: grants.length > 0, grants, reason: 'no-grant' } },
  input: {
    ...{ subject: 'user:ann', groups: [], api: 'orders', operation, method: 'GET', path: '/' },
    ...{ networks: [], mfa: minute % 3 === 0, time: 0 },
  },
});
const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const entries = fc.array(fc.tuple(fc.nat(1439), fc.uniqueArray(names, { maxLength: 3 }), names), {
  maxLength: 40,
});

test('what a day was when it was frozen is read, in the order of all its lines, whatever is added meanwhile', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(entries, entries), { maxLength: 4 }), (turns) => {
      const one = createUsageDay(day, 'gw-1');
      let seq = 0;
      const add = (list: (typeof turns)[number][0]) => {
        for (const [minute, grants, operation] of list) {
          seq += 1;
          one.add(entry(minute, grants, operation), seq);
        }
      };
      for (const [before, meanwhile] of turns) {
        add(before);
        const [expected, frozen] = [[...one.lines()], one.freeze()];
        const read: unknown[] = [];
        const rest = [...meanwhile];
        for (const line of frozen) {
          add(rest.splice(0, 1));
          if (line !== null) read.push({ ...line });
        }
        one.thaw();
        add(rest);
        assert.deepEqual(read, expected);
      }
      const [head, ...lines] = one.lines();
      const counts = lines.map((line) => ('count' in line ? line.count : 0));
      assert.ok(head !== undefined && 'coverage' in head);
      assert.equal(
        head.coverage.uses,
        counts.reduce((sum, count) => sum + count, 0),
      );
    }),
    { numRuns: 200 },
  );
});

test('many rows come sorted, with places to stop between few of them, also when more have come since', () => {
  const rows = createRows<{ name: number }>((a, b) => a.name - b.name);
  const all: number[] = [];
  for (const count of [1234, 1, 0, 777]) {
    for (let at = 0; at < count; at += 1) {
      const name = (all.length * 7919) % 100_003;
      all.push(name);
      rows.add({ name });
    }
    let since = 0;
    const read: number[] = [];
    for (const row of rows.freeze()) {
      since = row === null ? 0 : since + 1;
      if (row !== null) read.push(row.name);
    }
    rows.thaw();
    assert.deepEqual(
      read,
      [...all].sort((a, b) => a - b),
    );
  }
});

const folders: string[] = [];
test.after.each(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});
function busyRollup() {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-rows-'));
  folders.push(root);
  const folder = join(root, 'usage');
  const now = () => Date.parse(`${day}T12:00:00Z`);
  const rollup = openUsageRollup({ decisions: join(root, 'none'), folder, instance: 'gw-1', now });
  let seq = 0;
  const add = (count: number) => {
    for (let at = 0; at < count; at += 1) {
      seq += 1;
      rollup.add(entry(720, [`grant-${seq % 3000}`], 'x'), seq, day);
    }
  };
  const saved = () => readFileSync(join(folder, `${day}.ndjson`), 'utf8');
  return { rollup, folder, add, saved };
}

test('a large day is saved beside requests, as it was when that began, and again when it has changed', async () => {
  const { rollup, folder, add, saved } = busyRollup();
  add(3000);
  const saving = rollup.saveInTurn();
  assert.ok(saving instanceof Promise);
  // While it is under way, it is not begun again.
  assert.equal(rollup.saveInTurn(), null);
  add(500);
  assert.equal(existsSync(join(folder, `${day}.ndjson`)), false);
  await saving;
  const first = saved();
  assert.match(
    first,
    /^\{"day":"2026-11-23","instance":"gw-1","coverage":\{"seq":\[1,3000\],"records":3000,/,
  );
  assert.equal(first.split('\n').length, 3002);
  await rollup.saveInTurn();
  assert.match(saved(), /"seq":\[1,3500\],"records":3500,.*"uses":3500/);
  assert.deepEqual(readdirSync(folder), [`${day}.ndjson`]);
});

test('a day that is saved as a whole meanwhile is not overwritten by what it was before', async () => {
  const { rollup, folder, add, saved } = busyRollup();
  add(3000);
  const saving = rollup.saveInTurn();
  add(7);
  rollup.save();
  const whole = saved();
  assert.match(whole, /"seq":\[1,3007\]/);
  await saving;
  assert.equal(saved(), whole);
  assert.deepEqual(readdirSync(folder), [`${day}.ndjson`]);
});

test('a day that could not be saved beside requests says so, and is saved at the next turn', async () => {
  const { rollup, folder, add, saved } = busyRollup();
  add(3000);
  const saving = rollup.saveInTurn();
  // Its file may be made in another thread just then.
  rmSync(folder, { recursive: true, maxRetries: 10 });
  await assert.rejects(async () => saving);
  mkdirSync(folder);
  await rollup.saveInTurn();
  assert.match(saved(), /"seq":\[1,3000\]/);
});
