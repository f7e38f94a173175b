import * as assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openDatabase } from '../../../reviewer/evidence/database.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, dayMs, daysAgo } from '../_review.ts';
import { file, folder, inFolders, open, read, records, seconds, write } from './_usage.ts';

const test = suite('usage');
inFolders(test);

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

test('stops when it is told to', async () => {
  await write(records([{ grant: 'a', at: asOfMs - 2000 }]));
  await assert.rejects(read({ signal: AbortSignal.abort() }), { code: 'aborted' });
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
