import * as assert from 'node:assert/strict';
import { appendFile, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openDatabase } from '../../../reviewer/evidence/database.ts';
import { type DayOfUse, readUsage, type Usage } from '../../../reviewer/evidence/usage.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, dayMs, daysAgo, logLines, recordLine, type Use } from '../_review.ts';

const test = suite('usage');
let folder = '';
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-usage-test-'));
  await mkdir(join(folder, 'gw-1'));
});
test.after.each(() => rm(folder, { recursive: true, force: true }));

const seconds = asOfMs / 1000;
const file = () => join(folder, 'gw-1', '2026-11-23.ndjson');
const write = (lines: readonly string[]) => writeFile(file(), lines.map((line) => `${line}\n`).join(''));
const opened: Usage[] = [];
test.after.each(async () => {
  for (const usage of opened.splice(0)) await usage.close();
});
const open = async (options: Partial<Parameters<typeof readUsage>[0]> = {}) => {
  const usage = await readUsage({ sources: [folder], asOf: seconds, since: seconds - 86_400, ...options });
  opened.push(usage);
  return usage;
};
const read: (...args: Parameters<typeof open>) => Promise<Omit<Usage, 'uses'> & { uses: DayOfUse[] }> =
  async (options) => {
    const usage = await open(options);
    return { ...usage, uses: await usage.uses() };
  };
const records = (uses: readonly Use[]) => uses.map((use, i) => recordLine(use, 'gw-1', i + 1));

test('counts uses by grant, operation and day, with the first and the last', async () => {
  const noon = asOfMs - 3_600_000;
  await write(
    records([
      { grant: 'a', operation: 'get', at: noon - dayMs },
      { grant: ['a', 'b'], operation: 'get', at: noon },
      { grant: 'a', operation: 'get', at: noon + 1 },
      { grant: 'a', operation: 'list', at: noon + 2 },
    ]),
  );
  const { uses, records: counted } = await read();
  const day = Math.floor(noon / dayMs);
  assert.deepEqual(uses, [
    {
      grant: 'a',
      operation: 'get',
      day: day - 1,
      count: 1,
      first: (noon - dayMs) / 1000,
      last: (noon - dayMs) / 1000,
    },
    { grant: 'a', operation: 'get', day, count: 2, first: noon / 1000, last: (noon + 1) / 1000 },
    { grant: 'a', operation: 'list', day, count: 1, first: (noon + 2) / 1000, last: (noon + 2) / 1000 },
    { grant: 'b', operation: 'get', day, count: 1, first: noon / 1000, last: noon / 1000 },
  ]);
  assert.equal(counted, 3);
});

test('a failed upstream is use; a denied or limited request is not', async () => {
  const at = asOfMs - 1000;
  await write(
    records([
      { grant: 'failed', at, status: 502 },
      { grant: 'limited', at, status: 429 },
      { grant: 'denied', at, allow: false, status: 403 },
      { grant: 'unanswered', at },
    ]),
  );
  assert.deepEqual(
    (await read()).uses.map(({ grant }) => grant),
    ['failed', 'unanswered'],
  );
});

test('leaves out what came after the instant it is asked for', async () => {
  await write(
    records([
      { grant: 'now', at: asOfMs },
      { grant: 'later', at: asOfMs + 1 },
    ]),
  );
  const { uses, instances } = await read();
  assert.deepEqual(
    uses.map(({ grant }) => grant),
    ['now'],
  );
  assert.equal(instances[0]?.last, Math.floor(asOfMs / 60_000));
});

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

test('counts a file once, however often it is named, and its copies too', async () => {
  await write(
    records([
      { grant: 'a', at: asOfMs - 2000 },
      { grant: 'a', at: asOfMs - 1000 },
    ]),
  );
  assert.equal((await read({ sources: [folder, file(), join(folder, '*', '*.ndjson')] })).uses[0]?.count, 2);
  await copyFile(file(), join(folder, 'gw-1', 'copy.ndjson'));
  const { uses, records: counted, instances } = await read();
  assert.equal(uses[0]?.count, 2);
  assert.equal(counted, 2);
  assert.deepEqual(instances[0]?.gaps, []);
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

test('stops when it is told to', async () => {
  await write(records([{ grant: 'a', at: asOfMs - 2000 }]));
  await assert.rejects(read({ signal: AbortSignal.abort() }), { code: 'aborted' });
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

test('lines of older, of this and of later versions are read together, whatever fields they have besides', async () => {
  const [used = ''] = records([{ grant: 'a', at: asOfMs - 5000 }]);
  const { metrics: _, bundles: __, ...record } = JSON.parse(used);
  const line = (fields: object) => JSON.stringify(fields);
  const at = (seq: number) => ({ ...record, seq, timestamp: daysAgo(0, seq * 1000 - 9000) });
  await write([
    // As the first version wrote them: no more than a decision is.
    line({ ...at(1), input: { operation: 'get' }, result: { allow: true, grants: ['a'] } }),
    line({ heartbeat: true, timestamp: daysAgo(0, -7500), instance: 'gw-1', seq: 1 }),
    line({ ...JSON.parse(used), seq: 2 }),
    // As a later one may.
    line({
      ...at(3),
      version: 7,
      trace: { id: 'x', parents: [['y']] },
      input: { ...record.input, device: { posture: 'good' }, operation: 'list' },
      result: { ...record.result, obligations: [{ log: true }] },
    }),
    line({ event: 'seal', timestamp: daysAgo(0, -5000), instance: 'gw-1', seq: 4, of: [1, 3] }),
    line({ heartbeat: true, timestamp: daysAgo(0, -4000), instance: 'gw-1', seq: 4, chain: {}, load: 0.5 }),
    line({ stopped: true, timestamp: daysAgo(0, -3000), instance: 'gw-1', seq: 4, why: 'drained' }),
  ]);
  const { uses, records: counted, instances } = await read();
  assert.deepEqual(
    uses.map(({ grant, operation, count }) => [grant, operation, count]),
    [
      ['a', 'get', 2],
      ['a', 'list', 1],
    ],
  );
  const [instance] = instances;
  assert.deepEqual([counted, instance?.gaps, instance?.repeated, instance?.whole], [3, [], 0, true]);
});

const moved = (line: string, offset: string, minutes: number) => {
  const record = JSON.parse(line);
  const local = new Date(Date.parse(record.timestamp) + minutes * 60_000).toISOString();
  return JSON.stringify({ ...record, timestamp: local.replace('Z', offset) });
};

test('an instant is the same in every offset', async () => {
  const [line = ''] = records([{ grant: 'a', at: asOfMs - 5_400_000 }]);
  for (const written of [line, moved(line, '+02:00', 120), moved(line, '-09:30', -570)]) {
    await write([written]);
    const { uses, instances } = await read();
    assert.equal(uses[0]?.last, asOfMs / 1000 - 5400, written);
    assert.equal(instances[0]?.last, Math.floor(asOfMs / 60_000) - 90);
  }
  for (const bare of ['2026-11-23T10:00:00', '2026-11-23 10:00:00 Europe/Berlin', '2026-11-23']) {
    await write([JSON.stringify({ ...JSON.parse(line), timestamp: bare })]);
    await assert.rejects(read(), { code: 'decisions-malformed' }, bare);
  }
});

test('reads compressed files like the others', async () => {
  const lines = records(Array.from({ length: 4 }, (_, i) => ({ grant: 'a', at: asOfMs - 9000 + i })));
  const text = (some: readonly string[]) => some.map((line) => `${line}\n`).join('');
  await write(lines.slice(3));
  await writeFile(join(folder, 'gw-1', '2026-11-21.ndjson.gz'), gzipSync(text(lines.slice(0, 2))));
  await writeFile(join(folder, 'gw-1', '2026-11-22.ndjson.zst'), zstdCompressSync(text(lines.slice(2, 3))));
  const { uses, instances, files } = await read();
  assert.deepEqual([uses[0]?.count, instances[0]?.whole, instances[0]?.gaps, files], [4, true, [], 3]);
  await writeFile(join(folder, 'gw-1', '2026-11-21.ndjson.gz'), gzipSync(`${lines[0]}\nnonsense\n`));
  await assert.rejects(read(), /2026-11-21\.ndjson\.gz:2/);
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

test('answers windows exactly, but for the day that a window cuts', async () => {
  const day = (days: number, ms = 0) => asOfMs - days * dayMs + ms;
  await write(
    records([
      { grant: ['a', 'b'], operation: 'get', at: day(3) },
      { grant: ['a', 'b'], operation: 'get', at: day(2, -1000) },
      { grant: ['b', 'a'], operation: 'list', at: day(2) },
      { grant: ['a', 'b', 'c'], operation: 'get', at: day(1) },
      { grant: 'b', operation: 'get', at: day(0.5) },
    ]),
  );
  const usage = await open();
  const from = day(2) / 1000;
  assert.deepEqual(
    await usage.windows([
      { grant: 'a', from },
      { grant: 'none', from },
      { grant: 'b', from },
      { grant: 'b', from: asOfMs / 1000 },
    ]),
    [
      { allows: 2, daysUsed: 2, operations: ['get', 'list'], lastUsedAt: day(1) / 1000 },
      null,
      { allows: 3, daysUsed: 3, operations: ['get', 'list'], lastUsedAt: day(0.5) / 1000 },
      { allows: 0, daysUsed: 0, operations: [], lastUsedAt: day(0.5) / 1000 },
    ],
  );
  assert.deepEqual(
    await usage.companions([
      { grant: 'a', from },
      { grant: 'b', from },
      { grant: 'c', from },
    ]),
    [['b'], [], ['a', 'b']],
  );
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

test('a database of evidence neither fetches nor loads extensions of its own accord', async () => {
  const database = await openDatabase('100MB');
  try {
    const rows = await database.read(
      "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions' ORDER BY name",
    );
    assert.deepEqual(
      rows.map(({ name, value }) => [name, value]),
      [
        ['autoinstall_known_extensions', 'false'],
        ['autoload_known_extensions', 'false'],
      ],
    );
  } finally {
    await database.close();
  }
});

test('days of use are the same whether a few grants are asked about or many', async () => {
  const noon = asOfMs - 3_600_000;
  await write(
    records([
      { grant: 'a', operation: 'get', at: noon - dayMs },
      { grant: ['a', 'b'], operation: 'get', at: noon },
    ]),
  );
  const usage = await open();
  const few = ['a', 'b'].map((grant) => ({ key: grant, grant }));
  const many = Array.from({ length: 300 }, (_, i) => ({ key: `${i}`, grant: `none-${i}` }));
  const found = await usage.daily(few, 0);
  assert.deepEqual(
    found.map(({ key, count }) => [key, count]),
    [
      ['a', 1],
      ['a', 1],
      ['b', 1],
    ],
  );
  assert.deepEqual(await usage.daily([...few, ...many], 0), found);
});

test('tells when tokens that name groups last brought somebody, and nobody who came otherwise', async () => {
  const at = (days: number) => asOfMs - days * dayMs;
  const groups = ['group:night', 'group:desk'];
  const lines = records([
    { grant: 'a', at: at(3), groups },
    { grant: 'a', at: at(2), groups: ['group:night'], subject: 'user:eve@example.com', status: 502 },
    // Denied, over its rate, by the directory, and after the instant.
    { grant: 'a', at: at(1), groups, allow: false },
    { grant: 'a', at: at(1), groups, status: 429 },
    { grant: 'a', at: at(1), subject: 'user:dana@example.com' },
    { grant: 'a', at: at(-1), groups },
  ]);
  const odd = (lines[0] ?? '').replace(JSON.stringify(groups), '"group:night"').replace('"seq":1', '"seq":7');
  await write([...lines, odd]);
  const names = ['group:night', 'group:desk', 'group:other', 'user:eve@example.com', 'user:dana@example.com'];
  const asked = names.map((key) => ({ key, grant: '' }));
  const usage = await open();
  assert.deepEqual(Object.fromEntries(await usage.brought(asked, seconds)), {
    'group:night': at(2) / 1000,
    'group:desk': at(3) / 1000,
    'user:eve@example.com': at(2) / 1000,
  });
  assert.equal((await usage.brought([], seconds)).size, 0);
});
