import * as assert from 'node:assert/strict';
import { appendFile, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from '../../_suite.ts';
import { asOfMs, dayMs, daysAgo, logLines, recordLine } from '../_review.ts';
import { file, folder, inFolders, read, records, write } from './_usage.ts';

const test = suite('records that are missing, torn or others');
inFolders(test);

test('refuses a line that is no record, by file and line', async () => {
  const good = records([{ grant: 'a', at: asOfMs - 2000 }]);
  const bad = [
    '{"timestamp":"soon","instance":"gw-1","seq":2,"heartbeat":true}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":2}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":"x","heartbeat":true}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":2,"decision_id":"x","result":{"allow":true}}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":9223372036854775807,"heartbeat":true}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":9007199254740992,"stopped":true}',
    '{"timestamp":"2026-11-23T10:00:',
    '[]',
    'nonsense',
  ];
  for (const line of bad) {
    await write([...good, line, ...good]);
    await assert.rejects(read(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'decisions-malformed', line);
      assert.ok(error.message.includes(`${file()}:2:`), error.message);
      return true;
    });
  }
});

test('counts a last line torn by a crash, and refuses one torn in the middle', async () => {
  // One was refused before it was known what is asked.
  const early = { timestamp: '2026-11-23T10:00:00Z', instance: 'gw-1', seq: 2, decision_id: 'x' };
  const refused = JSON.stringify({ ...early, result: { allow: false } });
  await write([...records([{ grant: 'a', at: asOfMs - 2000 }]), refused]);
  await appendFile(file(), '{"timestamp":"2026-11-23T10:0');
  const { torn, uses } = await read();
  assert.equal(torn, 1);
  assert.equal(uses.length, 1);
  await appendFile(file(), '\n');
  await assert.rejects(read(), { code: 'decisions-malformed' });
});

test('finds heartbeats and missing sequence numbers, whatever the order of lines', async () => {
  const lines = logLines(
    [
      { grant: 'a', at: asOfMs - 90_000 },
      { grant: 'a', at: asOfMs - 30_000 },
    ],
    { days: 1 / 144 },
  );
  await write(lines.toReversed());
  const [whole] = (await read()).instances;
  const minute = Math.floor(asOfMs / 60_000);
  assert.deepEqual(whole?.beats, [{ from: minute - 10, to: minute + 1 }]);
  assert.deepEqual(whole?.gaps, []);
  await write(lines.filter((line) => !line.includes('"decision_id":"gw-1-1"')));
  assert.deepEqual((await read()).instances[0]?.gaps, [{ from: minute - 2, to: minute }]);
});

test('an orderly end is a sign of life, and no record', async () => {
  const end = { stopped: true, timestamp: new Date(asOfMs - 500).toISOString(), instance: 'gw-1', seq: 1 };
  await write([...records([{ grant: 'a', at: asOfMs - 1000 }]), JSON.stringify(end)]);
  const { records: counted, instances } = await read();
  assert.equal(counted, 1);
  assert.deepEqual(instances[0]?.gaps, []);
  assert.equal(instances[0]?.beats.length, 1);
});

test('takes no records as no evidence, and a named file that is not there as an error', async () => {
  const { uses, instances, records: counted, files } = await read({ sources: [join(folder, 'nowhere')] });
  assert.deepEqual([uses, instances, counted, files], [[], [], 0, 0]);
  await assert.rejects(read({ sources: [join(folder, 'nowhere.ndjson')] }), { code: 'decisions-unreadable' });
});

const closing = (seq: number, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    timestamp: new Date(asOfMs - 500).toISOString(),
    decision_id: 'gw-1-1',
    instance: 'gw-1',
    seq,
    event: 'stream-closed',
    bundles: { grantgate: { revision: 'abc' } },
    closed_by: { revision: 'def' },
    reason: 'revoked',
    subject: 'user:ann@example.com',
    api: 'orders',
    operation: 'get',
    grants: ['a'],
    ...more,
  });

test('the end of a stream has its number in the log, and is no decision and no use', async () => {
  const used = records([{ grant: 'a', at: asOfMs - 1000 }]);
  const after = recordLine({ grant: 'a', at: asOfMs - 100 }, 'gw-1', 3);
  await write([...used, closing(2), after]);
  const { uses, records: counted, instances } = await read();
  assert.deepEqual(
    uses.map(({ grant, count }) => [grant, count]),
    [['a', 2]],
  );
  assert.equal(counted, 2);
  assert.deepEqual(instances[0]?.gaps, []);
  // Without it a number is missing.
  await write([...used, after]);
  assert.equal((await read()).instances[0]?.gaps.length, 1);
  // A copy of the file changes neither.
  await write([...used, closing(2), after]);
  await copyFile(file(), join(folder, 'gw-1', 'copy.ndjson'));
  assert.equal((await read()).records, 2);
});

test('an event that says it was allowed is no use either; one without a number is refused', async () => {
  await write([closing(1, { result: { allow: true, grants: ['a'] }, input: { operation: 'get' } })]);
  assert.deepEqual((await read()).uses, []);
  await write([closing(1), closing(2, { seq: undefined })]);
  await assert.rejects(read(), /2026-11-23\.ndjson:2: must be a decision record/);
});

test('a file that cannot be unpacked is missing evidence, and is said', async () => {
  const lines = records(Array.from({ length: 400 }, (_, i) => ({ grant: 'a', at: asOfMs - 9000 + i })));
  await write(lines.slice(399));
  const packed = gzipSync(
    lines
      .slice(0, 399)
      .map((line) => `${line}\n`)
      .join(''),
  );
  const path = join(folder, 'gw-1', '2026-11-22.ndjson.gz');
  for (const bytes of [packed.subarray(0, packed.length / 2), Buffer.from('no gzip at all')]) {
    await writeFile(path, bytes);
    const { unreadable, instances } = await read();
    assert.deepEqual(
      unreadable.map(({ file: named }) => named),
      [path],
    );
    assert.ok(instances[0]?.whole === false || instances[0]?.gaps.length === 1);
  }
});

test('numbers before the first one that is there are missing', async () => {
  await write([recordLine({ grant: 'a', at: asOfMs - 1000 }, 'gw-1', 5001)]);
  assert.equal((await read()).instances[0]?.whole, false);
  await write(records([{ grant: 'a', at: asOfMs - 1000 }]));
  assert.equal((await read()).instances[0]?.whole, true);
  // A heartbeat tells as well that nothing, or something, came before.
  for (const [seq, whole] of [
    [0, true],
    [1, false],
  ] as const) {
    await write([JSON.stringify({ heartbeat: true, timestamp: daysAgo(0, -500), instance: 'gw-1', seq })]);
    assert.equal((await read()).instances[0]?.whole, whole);
  }
});

test('numbers that two decisions have are no copies, and both are use', async () => {
  const [first = ''] = records([{ grant: 'a', at: asOfMs - 600_000 }]);
  const again = JSON.stringify({ ...JSON.parse(first), decision_id: 'other', timestamp: daysAgo(0, -1000) });
  await write([first, again]);
  const { uses, instances } = await read();
  assert.equal(uses[0]?.count, 2);
  assert.equal(instances[0]?.repeated, 1);
  const minute = Math.floor(asOfMs / 60_000);
  assert.deepEqual(instances[0]?.gaps, [{ from: minute - 10, to: minute }]);
  await write([first, first]);
  const copied = await read();
  assert.deepEqual([copied.uses[0]?.count, copied.instances[0]?.repeated], [1, 0]);
});

test('finds each missing number among many thousands, and none where all are there', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) =>
    recordLine({ grant: 'a', at: asOfMs - 6_000_000 + i * 1000 }, 'gw-1', i + 1),
  );
  await write(lines);
  assert.deepEqual((await read()).instances[0]?.gaps, []);
  for (const missing of [1, 1023, 1024, 2048, 4998]) {
    await write(lines.filter((_, i) => i !== missing));
    const minuteOf = (i: number) => Math.floor((asOfMs - 6_000_000 + i * 1000) / 60_000);
    assert.deepEqual((await read()).instances[0]?.gaps, [
      { from: minuteOf(missing - 1), to: minuteOf(missing + 1) + 1 },
    ]);
  }
});

test('numbers that are missing after a quiet day are missing since its last heartbeat', async () => {
  const quiet = logLines([{ grant: 'a', at: asOfMs - 2.9 * dayMs }], { days: 3, until: asOfMs - dayMs });
  const later = logLines([], { days: 0.5 }).map((line) => line.replace('"seq":0', '"seq":3'));
  await write([...quiet, ...later]);
  const { instances } = await read();
  const minutes = (days: number) => (asOfMs - days * dayMs) / 60_000;
  assert.deepEqual(instances[0]?.gaps, [{ from: minutes(1), to: minutes(0.5) + 1 }]);
});

test('an orderly end is one until something follows it', async () => {
  const stop = JSON.stringify({ stopped: true, timestamp: daysAgo(0, -60_000), instance: 'gw-1', seq: 1 });
  const minute = Math.floor(asOfMs / 60_000) - 1;
  await write([...records([{ grant: 'a', at: asOfMs - 70_000 }]), stop]);
  assert.deepEqual((await read()).instances[0]?.ends, [minute]);
  await write([stop, ...records([{ grant: 'a', at: asOfMs - 59_000 }])]);
  assert.deepEqual((await read()).instances[0]?.ends, []);
});

test('a line too long to be read makes its file missing evidence, alone and beside others', async () => {
  const [good = ''] = records([{ grant: 'a', at: asOfMs - 2000 }]);
  await write([good, JSON.stringify({ ...JSON.parse(good), seq: 2, path: 'x'.repeat(40_000_000) })]);
  const reason = 'a line of it is too long to be read';
  const alone = await read();
  assert.deepEqual([alone.uses, alone.unreadable], [[], [{ file: file(), reason }]]);
  await writeFile(join(folder, 'gw-1', '2026-11-22.ndjson'), `${good}\n`);
  const beside = await read();
  assert.deepEqual([beside.uses.length, beside.unreadable], [1, [{ file: file(), reason }]]);
});
