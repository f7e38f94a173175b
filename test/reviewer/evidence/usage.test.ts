import * as assert from 'node:assert/strict';
import { appendFile, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readUsage } from '../../../reviewer/evidence/usage.ts';
import { suite } from '../../_suite.ts';
import { asOf, dayMs, logLines, recordLine, type Use } from '../_review.ts';

const test = suite('usage');
let folder = '';
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-usage-test-'));
  await mkdir(join(folder, 'gw-1'));
});
test.after.each(() => rm(folder, { recursive: true, force: true }));

const seconds = asOf / 1000;
const file = () => join(folder, 'gw-1', '2026-11-23.ndjson');
const write = (lines: readonly string[]) => writeFile(file(), lines.map((line) => `${line}\n`).join(''));
const read = (options: Partial<Parameters<typeof readUsage>[0]> = {}) =>
  readUsage({ sources: [folder], asOf: seconds, since: seconds - 86_400, ...options });
const records = (uses: readonly Use[]) => uses.map((use, i) => recordLine(use, 'gw-1', i + 1));

test('counts uses by grant, operation and day, with the first and the last', async () => {
  const noon = asOf - 3_600_000;
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
  const at = asOf - 1000;
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
      { grant: 'now', at: asOf },
      { grant: 'later', at: asOf + 1 },
    ]),
  );
  const { uses, instances } = await read();
  assert.deepEqual(
    uses.map(({ grant }) => grant),
    ['now'],
  );
  assert.equal(instances[0]?.last, Math.floor(asOf / 60_000));
});

test('refuses a line that is no record, by file and line', async () => {
  const good = records([{ grant: 'a', at: asOf - 2000 }]);
  const bad = [
    '{"timestamp":"soon","instance":"gw-1","seq":2,"heartbeat":true}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":2}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":"x","heartbeat":true}',
    '{"timestamp":"2026-11-23T10:00:00Z","instance":"gw-1","seq":2,"decision_id":"x","result":{"allow":true}}',
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
  await write(records([{ grant: 'a', at: asOf - 2000 }]));
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
      { grant: 'a', at: asOf - 2000 },
      { grant: 'a', at: asOf - 1000 },
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
      { grant: 'a', at: asOf - 90_000 },
      { grant: 'a', at: asOf - 30_000 },
    ],
    { days: 1 / 144 },
  );
  await write(lines.toReversed());
  const [whole] = (await read()).instances;
  const minute = Math.floor(asOf / 60_000);
  assert.deepEqual(whole?.beats, [{ from: minute - 10, to: minute + 1 }]);
  assert.deepEqual(whole?.gaps, []);
  await write(lines.filter((line) => !line.includes('"decision_id":"gw-1-1"')));
  assert.deepEqual((await read()).instances[0]?.gaps, [{ from: minute - 2, to: minute }]);
});

test('an orderly end is a sign of life, and no record', async () => {
  const end = { stopped: true, timestamp: new Date(asOf - 500).toISOString(), instance: 'gw-1', seq: 1 };
  await write([...records([{ grant: 'a', at: asOf - 1000 }]), JSON.stringify(end)]);
  const { records: counted, instances } = await read();
  assert.equal(counted, 1);
  assert.deepEqual(instances[0]?.gaps, []);
  assert.equal(instances[0]?.beats.length, 1);
});

test('takes no records as no evidence, and a named file that is not there as an error', async () => {
  assert.deepEqual(await read({ sources: [join(folder, 'nowhere')] }), {
    uses: [],
    instances: [],
    records: 0,
    files: 0,
    torn: 0,
  });
  await assert.rejects(read({ sources: [join(folder, 'nowhere.ndjson')] }), { code: 'decisions-unreadable' });
});

test('stops when it is told to', async () => {
  await write(records([{ grant: 'a', at: asOf - 2000 }]));
  await assert.rejects(read({ signal: AbortSignal.abort() }), { code: 'aborted' });
});

const closing = (seq: number, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    timestamp: new Date(asOf - 500).toISOString(),
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
  const used = records([{ grant: 'a', at: asOf - 1000 }]);
  const after = recordLine({ grant: 'a', at: asOf - 100 }, 'gw-1', 3);
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
