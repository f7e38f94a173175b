import * as assert from 'node:assert/strict';
import { renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { openRecordWriter } from '../../../gateway/record/recordWriter.ts';
import { suite } from '../../_suite.ts';
import { day, entry, files, folder, lines, opener, removesFolders, start, usageFrom } from './_logs.ts';

const test = suite('usage of what is written');
removesFolders(test);

test('counts the usage of allowed decisions per day, grant and operation, and counts again after a crash', () => {
  const root = folder();
  const usage = join(root, 'usage');
  const open = () =>
    openRecordWriter({ folder: join(root, 'decisions'), usage, instance: 'gw-1', now: () => start });
  const writer = open();
  writer.write(entry(start));
  writer.write(entry(start + 100));
  writer.write(entry(start + 200, true, 429));
  writer.write(entry(start + 300, false, 403));
  writer.heartbeat();
  writer.flush();
  const coverage = {
    ...{ seq: [1, 4], records: 4, minutes: 1, runs: [[1, 4, 1439, 1439]] },
    ...{ beats: [[1439, 1440]], seen: [[1439, 1440]], ends: [], lines: 3, uses: 4 },
  };
  const at = (ms: number) => new Date(start + ms).toISOString();
  const [of, what] = [
    { day: '2026-11-23', instance: 'gw-1' },
    { api: 'orders', operation: 'getOrder' },
  ];
  const used = { count: 2, first: at(0), last: at(100), busiest: 2, mfa: 0 };
  const expected = [
    { ...of, coverage },
    { ...of, grant: 'orders-read', ...what, ...used },
    { ...of, denied: 'limited', ...what, count: 1, first: at(200), last: at(200) },
    { ...of, denied: 'no-grant', ...what, count: 1, first: at(300), last: at(300) },
  ];
  assert.deepEqual(usageFrom(writer, '2026-11-23'), expected);
  assert.deepEqual(usageFrom(writer, '2026-11-24'), []);
  writer.close();
  // As if the process had died before it saved: the decision file is the truth.
  rmSync(join(usage, 'gw-1', '2026-11-23.ndjson'));
  const again = open();
  assert.deepEqual(usageFrom(again, '2026-11-23'), [
    { ...of, coverage: { ...coverage, ends: [1439] } },
    ...expected.slice(1),
  ]);
  again.close();
});

/** Allowed uses per day, from the files as they lie there. */
const uses = (root: string): Record<string, number> =>
  Object.fromEntries(
    files(join(root, 'usage', 'gw-1')).map((name) => [
      name.slice(0, 10),
      lines(join(root, 'usage', 'gw-1'), name).reduce((sum, line) => sum + (line.grant ? line.count : 0), 0),
    ]),
  );
test('the end of a stream takes a number, and is no use', () => {
  const root = folder();
  const writer = openRecordWriter({
    folder: join(root, 'decisions'),
    usage: join(root, 'usage'),
    instance: 'gw-1',
    now: () => start,
  });
  writer.write(entry(start));
  writer.writeClosed({
    timestamp: new Date(start).toISOString(),
    decision_id: 'x',
    event: 'stream-closed',
    bundles: { grantgate: { revision: 'abc' } },
    closed_by: { revision: 'def' },
    reason: 'revoked',
    subject: 'user:ann@example.com',
    api: 'orders',
    operation: 'getOrder',
    grants: ['orders-read'],
  });
  writer.write(entry(start));
  writer.flush();
  const [coverage, use, ...more] = usageFrom(writer, '2026-11-23') as Record<string, unknown>[];
  writer.close();
  assert.deepEqual(coverage?.coverage, {
    ...{ seq: [1, 3], records: 3, minutes: 1, runs: [[1, 3, 1439, 1439]] },
    ...{ beats: [[1439, 1440]], seen: [[1439, 1440]], ends: [], lines: 1, uses: 2 },
  });
  assert.equal(use?.count, 2);
  assert.deepEqual(more, []);
});

test('a decision on the edge of midnight costs neither day its usage, over restarts too', () => {
  const root = folder();
  let now = start;
  const open = opener(root, () => now);
  const first = open();
  for (const at of [0, 100, 200]) first.write(entry(start + at));
  first.heartbeat();
  first.flush();
  // Decided before midnight, written after it.
  first.write(entry(start + 1900));
  now = start + 2100;
  first.heartbeat();
  first.close();
  assert.deepEqual(uses(root), { '2026-11-23': 3, '2026-11-24': 1 });
  open().close();
  assert.deepEqual(uses(root), { '2026-11-23': 3, '2026-11-24': 1 });
});

test('a clock set back over midnight loses no usage and gives no number twice', () => {
  const root = folder();
  let now = start;
  const open = opener(root, () => now);
  for (const restart of [false, true]) {
    let writer = open();
    for (const at of [start, start + day, start]) {
      now = at;
      if (restart) {
        writer.close();
        writer = open();
      }
      writer.write(entry(at));
      writer.heartbeat();
      writer.flush();
    }
    writer.heartbeat();
    writer.close();
  }
  const home = join(root, 'decisions', 'gw-1');
  const seqs = files(home).flatMap((name) =>
    lines(home, name)
      .filter((line) => !line.heartbeat)
      .map(({ seq }) => seq),
  );
  assert.deepEqual(
    seqs.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6],
  );
  assert.equal(
    Object.values(uses(root)).reduce((sum, count) => sum + count, 0),
    6,
  );
});

test('a day of several files is counted from all of them', () => {
  const root = folder();
  let now = start;
  const open = opener(root, () => now);
  const home = join(root, 'decisions', 'gw-1');
  const first = open();
  first.write(entry(start));
  first.close();
  renameSync(join(home, '2026-11-23.ndjson'), join(home, 'first'));
  const second = open();
  second.write(entry(start));
  second.close();
  renameSync(join(home, '2026-11-23.ndjson'), join(home, '2026-11-23-1.ndjson'));
  renameSync(join(home, 'first'), join(home, '2026-11-23.ndjson'));
  const [old, saved, late] = [new Date(start), new Date(start + 1000), new Date(start + 2000)];
  utimesSync(join(home, '2026-11-23.ndjson'), old, old);
  utimesSync(join(root, 'usage', 'gw-1', '2026-11-23.ndjson'), saved, saved);
  utimesSync(join(home, '2026-11-23-1.ndjson'), late, late);
  now += day;
  open().close();
  assert.equal(uses(root)['2026-11-23'], 2);
});

test('a day that is over and was counted whole is not counted again at the next start', () => {
  const root = folder();
  let now = start;
  const open = opener(root, () => now);
  const first = open();
  first.write(entry(start));
  first.close();
  const usage = join(root, 'usage', 'gw-1', '2026-11-23.ndjson');
  const decisions = join(root, 'decisions', 'gw-1', '2026-11-23.ndjson');
  const restart = (recorded: number, counted: number) => {
    utimesSync(decisions, new Date(recorded), new Date(recorded));
    utimesSync(usage, new Date(counted), new Date(counted));
    const { ino } = statSync(usage);
    open().close();
    return statSync(usage).ino === ino;
  };
  assert.equal(restart(start, start + 1000), false, 'the day may still get lines');
  now += day;
  assert.equal(restart(start + 1000, start), false, 'records are newer');
  assert.equal(restart(start, start), false, 'records may be newer');
  assert.equal(restart(start, start + 1000), true);
});

test('usage that cannot be saved is told, and is counted from the records at the next start', () => {
  const root = folder();
  const failures: unknown[] = [];
  const [decisions, usage] = [join(root, 'decisions'), join(root, 'usage')];
  const writer = openRecordWriter({
    folder: decisions,
    usage,
    instance: 'gw-1',
    now: () => start,
    onUsageFailure: (error) => failures.push(error),
  });
  rmSync(usage, { recursive: true });
  writer.write(entry(start));
  writer.flush();
  writer.heartbeat();
  assert.equal(failures.length, 1);
  assert.throws(() => writer.close());
  opener(root, () => start)().close();
  assert.deepEqual(uses(root), { '2026-11-23': 1 });
});

test('a day whose first file was moved away keeps the usage that was counted from it', () => {
  const root = folder();
  let now = start;
  const open = () =>
    openRecordWriter({
      folder: join(root, 'decisions'),
      usage: join(root, 'usage'),
      state: join(root, 'state'),
      instance: 'gw-1',
      now: () => now,
    });
  const home = join(root, 'decisions', 'gw-1');
  const first = open();
  for (const at of [0, 1, 2]) first.write(entry(start + at));
  first.close();
  renameSync(join(home, '2026-11-23.ndjson'), join(home, '2026-11-23.ndjson.gz'));
  const second = open();
  second.write(entry(start + 3));
  second.close();
  now += day;
  open().close();
  assert.equal(uses(root)['2026-11-23'], 4);
});
