import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appendWhole } from '../../../gateway/record/lineFile.ts';
import type { NewRecord } from '../../../gateway/record/recordLine.ts';
import { openRecordWriter, RecordError, type RecordWriter } from '../../../gateway/record/recordWriter.ts';
import { createSyncLater } from '../../../gateway/record/syncLater.ts';
import type { UsageLine } from '../../../gateway/record/usageLine.ts';
import { suite } from '../../_suite.ts';
import { newRecord } from './_record.ts';

const test = suite('recordWriter');
const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'grantgate-records-'));
  folders.push(made);
  return made;
};
test.after(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

const start = Date.parse('2026-11-23T23:59:58Z');
const day = 86_400_000;
const entry = (at: number, allow = true, status?: number): NewRecord =>
  newRecord(at, {
    ...(!allow && { result: { allow, grants: [], reason: 'no-grant' } }),
    ...(status !== undefined && { status }),
  });
const allLines = (home: string, name: string) =>
  readFileSync(join(home, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
/** What was written between the file's header and the writer's word that it stops. */
const lines = (home: string, name: string) =>
  allLines(home, name).filter(({ stopped, chain }) => stopped !== true && chain === undefined);
/** What `/usage` answers. */
const usageFrom = ({ usage }: RecordWriter, since: string): UsageLine[] => {
  const text = Buffer.concat([...(usage?.texts(since) ?? [])]).toString();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
};
const files = (home: string) =>
  readdirSync(home)
    .filter((name) => name.endsWith('.ndjson'))
    .sort();

test('writes one JSON line per decision, with the fields in their order', () => {
  const root = folder();
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  writer.write(entry(start, false, 403));
  writer.close();
  const text = readFileSync(join(root, 'gw-1', '2026-11-23.ndjson'), 'utf8');
  assert.equal(
    text,
    '{"heartbeat":true,"timestamp":"2026-11-23T23:59:58.000Z","instance":"gw-1","seq":0,"chain":{"place":1,"previous":null,"notes":null}}\n{"timestamp":"2026-11-23T23:59:58.000Z","decision_id":"id-1795478398000","instance":"gw-1","seq":1,"path":"grantgate/authz/decision","bundles":{"grantgate":{"revision":"abc"}},"input":{"subject":"user:ann@example.com","groups":[],"api":"orders","operation":"getOrder","method":"GET","path":"/v1/orders/{orderId}","networks":[],"mfa":false,"time":1795478398},"result":{"allow":false,"grants":[],"reason":"no-grant"},"status":403}\n{"stopped":true,"timestamp":"2026-11-23T23:59:58.000Z","instance":"gw-1","seq":1}\n',
  );
});

test('calls back only once the line is in the file', async () => {
  const root = folder();
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  let told = false;
  const seen = new Promise<number>((done) => {
    writer.write(entry(start), (error) => {
      assert.equal(error, null);
      told = true;
      done(lines(join(root, 'gw-1'), '2026-11-23.ndjson').length);
    });
  });
  assert.equal(told, false);
  assert.equal(await seen, 1);
  writer.close();
});

test('a day goes on in its file while the one before is flushed; where that fails, the next batch is turned away', () => {
  const root = folder();
  let now = start;
  let flushed = (_error: Error | null): void => assert.fail('nothing is flushed yet');
  const syncLater = createSyncLater((_fd, done) => {
    flushed = done;
  });
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => now, syncLater });
  const outcomes: string[] = [];
  const write = () => {
    writer.write(entry(now), (error) => outcomes.push(error === null ? 'written' : error.message));
    writer.flush();
  };
  write();
  now += 86_400_000;
  write();
  write();
  assert.deepEqual(outcomes, ['written', 'written', 'written']);
  flushed(new Error('EIO'));
  write();
  write();
  assert.deepEqual(outcomes.slice(3), [
    `the decision log in ${join(root, 'gw-1')} could not be written`,
    'written',
  ]);
  const home = join(root, 'gw-1');
  assert.deepEqual(
    lines(home, files(home).at(-1) ?? '').map(({ seq }) => seq),
    [2, 3, 4],
  );
  writer.close();
});

test('starts a new file at midnight UTC and goes on counting over restarts', () => {
  const root = folder();
  let now = start;
  for (const restart of [0, 1]) {
    const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => now });
    writer.write(entry(now));
    writer.heartbeat();
    writer.flush();
    now += 1500 + restart;
    writer.write(entry(now));
    writer.close();
  }
  const home = join(root, 'gw-1');
  assert.deepEqual(files(home), ['2026-11-23.ndjson', '2026-11-24.ndjson']);
  const all = files(home).flatMap((name) => lines(home, name));
  assert.deepEqual(
    all.filter((line) => !line.heartbeat).map((line) => line.seq),
    [1, 2, 3, 4],
  );
  assert.deepEqual(
    all.filter((line) => line.heartbeat).map((line) => line.seq),
    [1, 3],
  );
});

test('cuts a line torn by a crash and never gives its number twice to whole lines', () => {
  const root = folder();
  const open = () => openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  const first = open();
  first.write(entry(start));
  first.close();
  appendFileSync(join(root, 'gw-1', '2026-11-23.ndjson'), '{"timestamp":"2026-11-23T23:59:58.0');
  const second = open();
  second.write(entry(start));
  second.close();
  assert.deepEqual(
    lines(join(root, 'gw-1'), '2026-11-23.ndjson').map((line) => line.seq),
    [1, 2],
  );
});

test('refuses an instance name that another living process holds, and takes over from a dead one', async () => {
  const root = folder();
  const script = `
    const { openRecordWriter } = await import(${JSON.stringify(fileURLToPath(new URL('../../../gateway/record/recordWriter.ts', import.meta.url)))});
    openRecordWriter({ folder: ${JSON.stringify(root)}, instance: 'gw-1', now: Date.now });
    console.log('open');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((done) => child.stdout.once('data', done));
  const open = () => openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  assert.throws(open, (error) => error instanceof RecordError && error.code === 'decisions-in-use');
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
  open().close();
});

test('a log that cannot be written is told to everyone who waits for it', async () => {
  const root = folder();
  // /dev/full answers every write with "no space left on device".
  let now = start;
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => now });
  symlinkSync('/dev/full', join(root, 'gw-1', '2026-11-23.ndjson'));
  const errors = await Promise.all(
    [1, 2].map(() => new Promise<Error | null>((done) => writer.write(entry(start), done))),
  );
  assert.ok(errors.every((error) => error instanceof RecordError && error.code === 'decisions-unwritable'));
  rmSync(join(root, 'gw-1', '2026-11-23.ndjson'));
  // Their requests were turned away, so they leave no gap. The device cannot even be synced when its day is over:
  // that too is told once, when it is known, and the next day's file is taken all the same.
  now += day;
  const next = () => new Promise<Error | null>((done) => writer.write(entry(now), done));
  let written = 0;
  while ((await next()) === null) {
    written += 1;
    assert.ok(written < 100_000, 'nobody is told');
  }
  assert.equal(await next(), null);
  writer.close();
  assert.deepEqual(
    lines(join(root, 'gw-1'), '2026-11-24.ndjson').map((line) => line.seq),
    Array.from({ length: written + 1 }, (_, at) => at + 1),
  );
});

test('what cannot be written is a fault until there is room for more than a line, and nobody but the writer has to try', () => {
  const root = folder();
  const home = join(root, 'gw-1');
  const told: (string | null)[] = [];
  const onFault = (fault: RecordError | null) => void told.push(fault?.code ?? null);
  // The device cannot be synced.
  const syncLater = createSyncLater((_fd, done) => done(null));
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => start, onFault, syncLater });
  symlinkSync('/dev/full', join(home, '2026-11-23.ndjson'));
  writer.retry();
  assert.deepEqual([writer.fault, told, files(home)], [null, [], ['2026-11-23.ndjson']]);
  writer.heartbeat();
  writer.flush();
  writer.retry();
  assert.equal(writer.fault?.code, 'decisions-unwritable');
  rmSync(join(home, '2026-11-23.ndjson'));
  // The line would fit, but not much more.
  symlinkSync('/dev/full', join(home, '.room'));
  writer.retry();
  assert.deepEqual([writer.fault?.code, files(home)], ['decisions-unwritable', []]);
  writer.retry();
  assert.deepEqual([writer.fault, told], [null, ['decisions-unwritable', null]]);
  assert.deepEqual(readdirSync(home).sort(), ['.lock', '2026-11-23.ndjson']);
  writer.close();
});

test('goes on in a further file where the open one was removed, replaced or cut short', () => {
  const root = folder();
  const home = join(root, 'gw-1');
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  const next = () => {
    writer.write(entry(start));
    writer.heartbeat();
    writer.flush();
    return files(home);
  };
  const [first, second, third] = ['2026-11-23.ndjson', '2026-11-23-1.ndjson', '2026-11-23-2.ndjson'];
  assert.deepEqual(next(), [first]);
  rmSync(join(home, first));
  assert.deepEqual(next(), [first]);
  renameSync(join(home, first), join(home, 'away'));
  writeFileSync(join(home, first), 'restored from elsewhere\n');
  assert.deepEqual(next(), [second, first]);
  writeFileSync(join(home, second), '');
  assert.deepEqual(next(), [second, third, first]);
  writer.close();
  assert.equal(readFileSync(join(home, second), 'utf8'), '');
  assert.deepEqual(
    lines(home, third).map(({ seq }) => seq),
    [4, 4],
  );
});

test('the rest of a write that could not be taken back is cut off by the next', () => {
  const path = join(folder(), 'a');
  writeFileSync(path, '{"a":1}\n{"b":');
  const file = { fd: openSync(path, 'a'), size: 8, torn: true };
  appendWhole(file, Buffer.from('{"c":3}\n'));
  closeSync(file.fd);
  assert.equal(readFileSync(path, 'utf8'), '{"a":1}\n{"c":3}\n');
  assert.deepEqual([file.size, file.torn], [16, false]);
  assert.throws(() => appendWhole({ fd: openSync('/dev/full', 'a'), size: 0 }, Buffer.from('x')), /ENOSPC/);
});

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
const opener = (root: string, now: () => number) => () =>
  openRecordWriter({ folder: join(root, 'decisions'), usage: join(root, 'usage'), instance: 'gw-1', now });

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

test('a day goes on where the clock is set back a little over midnight, and not where it was days ahead', () => {
  const root = folder();
  let now = start;
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => now });
  for (const at of [start, start + 3 * day, start, start + 4000, start - 1_800_000, start + 4000]) {
    now = at;
    writer.write(entry(at));
    writer.flush();
  }
  writer.close();
  const home = join(root, 'gw-1');
  assert.deepEqual(
    files(home).map((name) => [name, lines(home, name).map(({ seq }) => seq)]),
    [
      ['2026-11-23-1.ndjson', [3]],
      ['2026-11-23.ndjson', [1]],
      ['2026-11-24.ndjson', [4, 5, 6]],
      ['2026-11-26.ndjson', [2]],
    ],
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

test('a file without a whole line, or without a number in it, says nothing: the first one is 1', () => {
  for (const text of ['', '{"seq":7', '{"odd":true}\n', '{"seq":"7"}\n']) {
    const root = folder();
    const home = join(root, 'decisions', 'gw-1');
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, '2026-11-23.ndjson'), text);
    const writer = opener(root, () => start)();
    writer.write(entry(start));
    writer.close();
    const written = files(home).flatMap((name) => lines(home, name));
    assert.deepEqual(
      written.filter((line) => 'result' in line).map(({ seq }) => seq),
      [1],
      JSON.stringify(text),
    );
  }
});

test('of the files that a start reads and an end writes, none stays open', () => {
  const root = folder();
  let now = start;
  const open = () =>
    openRecordWriter({
      ...{ folder: join(root, 'decisions'), usage: join(root, 'usage'), state: join(root, 'state') },
      ...{ instance: 'gw-1', now: () => now, syncLater: createSyncLater((_fd, done) => done(null)) },
    });
  /** The lowest one that is free. */
  const nextDescriptor = () => {
    const fd = openSync(root, 'r');
    closeSync(fd);
    return fd;
  };
  const before = nextDescriptor();
  for (let round = 0; round < 3; round += 1) {
    const writer = open();
    writer.write(entry(now));
    writer.flush();
    now += day;
    writer.write(entry(now));
    assert.equal([...(writer.usage?.texts('2026-01-01') ?? [])].length > 0, true);
    writer.close();
    assert.equal(nextDescriptor(), before);
  }
});

test('goes on after a line longer than any window, whole or torn', () => {
  const root = folder();
  const open = opener(root, () => start);
  const long = entry(start);
  const groups = Array.from({ length: 4000 }, (_, index) => `group:${'g'.repeat(100)}-${index}`);
  const first = open();
  first.write({ ...long, input: { ...long.input, groups } });
  first.close();
  const file = join(root, 'decisions', 'gw-1', '2026-11-23.ndjson');
  const bytes = readFileSync(file);
  const line = bytes.indexOf('\n') + 1;
  appendFileSync(file, bytes.subarray(line, line + 300_000));
  const second = open();
  second.write(entry(start));
  second.close();
  assert.deepEqual(
    lines(join(root, 'decisions', 'gw-1'), '2026-11-23.ndjson').map(({ seq }) => seq),
    [1, 2],
  );
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

test('says that it stops as its last line, with the last number, and only where it wrote something', () => {
  const root = folder();
  const open = () => openRecordWriter({ folder: root, instance: 'gw-1', now: () => start });
  open().close();
  assert.deepEqual(files(join(root, 'gw-1')), []);
  const writer = open();
  writer.write(entry(start));
  writer.close();
  open().close();
  const home = join(root, 'gw-1');
  assert.deepEqual(
    allLines(home, '2026-11-23.ndjson').map(({ seq, stopped }) => [seq, stopped]),
    [
      [0, undefined],
      [1, undefined],
      [1, true],
    ],
  );
});

/** Writes one line in a run of its own and answers its number; a crash leaves the lock and says nothing. */
function runOnce(root: string, crash = false): number {
  const writer = openRecordWriter({
    folder: join(root, 'decisions'),
    state: join(root, 'state'),
    instance: 'gw-1',
    now: () => start,
  });
  const home = join(root, 'decisions', 'gw-1');
  writer.write(entry(start));
  writer.flush();
  const seq = Number(lines(home, files(home).at(-1) ?? '').at(-1)?.seq);
  if (!crash) writer.close();
  return seq;
}

test('gives no number twice after its files were moved away, compressed or cut', () => {
  const root = folder();
  const home = join(root, 'decisions', 'gw-1');
  assert.deepEqual([runOnce(root), runOnce(root)], [1, 2]);
  rmSync(home, { recursive: true });
  assert.equal(runOnce(root), 3, 'an orderly end leaves no gap');
  assert.equal(runOnce(root, true), 4);
  assert.equal(runOnce(root, true), 5, 'a crash leaves none while the files are there');
  rmSync(home, { recursive: true });
  const after = runOnce(root, true);
  assert.ok(after > 5, 'a crash without files goes past all that may have been given out');
  const [file = ''] = files(home);
  renameSync(join(home, file), join(home, `${file}.gz`));
  assert.ok(runOnce(root) > after);
  assert.deepEqual(
    files(home),
    ['2026-11-23-1.ndjson'],
    'nobody appends beside a compressed file of its name',
  );
});

test('a note on the sequence that cannot be read stops the start, not the counting', async () => {
  const root = folder();
  const { mkdirSync, writeFileSync } = await import('node:fs');
  mkdirSync(join(root, 'state', 'seq'), { recursive: true });
  for (const text of ['', '{}', 'nonsense', '{"seq":"7","reserved":9}']) {
    writeFileSync(join(root, 'state', 'seq', 'gw-1'), text);
    assert.throws(
      () => runOnce(root),
      (error) => error instanceof RecordError && error.code === 'decisions-unwritable',
    );
  }
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
