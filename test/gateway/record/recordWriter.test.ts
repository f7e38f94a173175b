import * as assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appendWhole } from '../../../gateway/record/lineFile.ts';
import { openRecordWriter, RecordError } from '../../../gateway/record/recordWriter.ts';
import { createSyncLater } from '../../../gateway/record/syncLater.ts';
import { suite } from '../../_suite.ts';
import { allLines, day, entry, files, folder, lines, opener, removesFolders, start } from './_logs.ts';

const test = suite('recordWriter');
removesFolders(test);

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
  const told: string[] = [];
  const onLines = (some: readonly string[]) => void told.push(...some);
  const writer = openRecordWriter({ folder: root, instance: 'gw-1', now: () => now, onLines });
  symlinkSync('/dev/full', join(root, 'gw-1', '2026-11-23.ndjson'));
  // What has no number of its own gives none back.
  writer.heartbeat();
  const errors = await Promise.all(
    [1, 2].map(() => new Promise<Error | null>((done) => writer.write(entry(start), done))),
  );
  assert.ok(errors.every((error) => error instanceof RecordError && error.code === 'decisions-unwritable'));
  assert.deepEqual(told, [], 'nobody follows what is on no record');
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
  writer.probe();
  assert.deepEqual([writer.fault, told, files(home)], [null, [], ['2026-11-23.ndjson']]);
  writer.heartbeat();
  writer.flush();
  writer.probe();
  assert.equal(writer.fault?.code, 'decisions-unwritable');
  rmSync(join(home, '2026-11-23.ndjson'));
  // The line would fit, but not much more.
  symlinkSync('/dev/full', join(home, '.room'));
  writer.probe();
  assert.deepEqual([writer.fault?.code, files(home)], ['decisions-unwritable', []]);
  writer.probe();
  assert.deepEqual([writer.fault, told], [null, ['decisions-unwritable', null]]);
  assert.deepEqual(readdirSync(home).sort(), ['.lock', '2026-11-23.ndjson']);
  // Nor does it wait for a record that does not fit.
  symlinkSync('/dev/full', join(home, '.room'));
  writer.probe();
  assert.deepEqual([writer.fault?.code, told.length], ['decisions-unwritable', 3]);
  writer.probe();
  assert.deepEqual([writer.fault, told.length], [null, 4]);
  writer.close();
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

test('a write of which only a part has room is taken back, and little room is none', () => {
  const root = folder();
  writeFileSync(join(root, 'a'), 'x'.repeat(500));
  const code = `
    import { fstatSync, openSync } from 'node:fs';
    import { appendWhole, assertRoom } from ${JSON.stringify(new URL('../../../gateway/record/lineFile.ts', import.meta.url))};
    const codeOf = (work) => { try { work(); } catch (error) { return error.code; } };
    const file = { fd: openSync('a', 'a'), size: 500 };
    console.log(codeOf(() => appendWhole(file, Buffer.alloc(9000))), fstatSync(file.fd).size, file.size);
    console.log(codeOf(() => assertRoom('room')));
  `;
  // No file of it may be longer than two blocks.
  const limited = `trap '' XFSZ; ulimit -f 2; exec "$0" --input-type=module -e "$1"`;
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_COMPILE_CACHE: '' } } as const;
  const { stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, code], options);
  assert.equal(stdout, 'EFBIG 500 500\nEFBIG\n', stderr);
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
