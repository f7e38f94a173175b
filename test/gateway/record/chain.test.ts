import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Link } from '../../../gateway/record/record.ts';
import { openRecordWriter, type RecordWriter } from '../../../gateway/record/recordWriter.ts';
import { suite } from '../../_suite.ts';
import { newRecord } from './_record.ts';

const test = suite('chain');
const root = mkdtempSync(join(tmpdir(), 'grantgate-chain-'));
test.after(() => rmSync(root, { recursive: true, force: true }));
let worlds = 0;

const noon = Date.parse('2026-11-23T12:00:00Z');
const day = 86_400_000;
const record = (at: number) => newRecord(at, { input: { subject: 'user:änn@example.com' } });

/** A folder of its own, its clock, and what lies in it. */
function world(state = true) {
  worlds += 1;
  const folder = join(root, String(worlds));
  const home = join(folder, 'd', 'gw-1');
  const clock = { now: noon };
  return {
    ...{ folder, home, clock },
    open: () =>
      openRecordWriter({
        ...{ folder: join(folder, 'd'), instance: 'gw-1', now: () => clock.now },
        state: state ? join(folder, 's') : undefined,
      }),
    bytes: (name: string) => readFileSync(join(home, name)),
    link: (name: string): Link =>
      JSON.parse(String(readFileSync(join(home, name))).split('\n')[0] ?? '').chain,
    names: () =>
      readdirSync(home)
        .filter((name) => name.includes('.ndjson'))
        .sort(),
  };
}
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const write = (writer: RecordWriter, at: number) => {
  writer.write(record(at));
  writer.flush();
};

test('each file begins with the digest of the one before it, over days and restarts', () => {
  const { open, clock, bytes, link } = world();
  let writer = open();
  write(writer, clock.now);
  clock.now += day;
  write(writer, clock.now);
  writer.close();
  writer = open();
  // More than is hashed at once, and of more bytes than characters.
  for (let count = 0; count < 400; count += 1) write(writer, clock.now + count);
  clock.now += day;
  write(writer, clock.now);
  writer.close();
  assert.deepEqual(link('2026-11-23.ndjson'), { place: 1, previous: null, notes: null });
  for (const [place, name, before] of [
    [2, '2026-11-24.ndjson', '2026-11-23.ndjson'],
    [3, '2026-11-25.ndjson', '2026-11-24.ndjson'],
  ] as const)
    assert.deepEqual(link(name), {
      place,
      previous: { file: before, sha256: sha256(bytes(before)), bytes: bytes(before).length },
      notes: null,
    });
});

test('after kill -9 in the middle of a line the digest is of the bytes that are left', async () => {
  const { folder, home, clock, open, bytes, link } = world();
  const writer = fileURLToPath(new URL('../../../gateway/record/recordWriter.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { openRecordWriter } = await import(${JSON.stringify(writer)});
      const { appendFileSync } = await import('node:fs');
      const writer = openRecordWriter({ folder: ${JSON.stringify(join(folder, 'd'))}, instance: 'gw-1', now: () => ${noon} });
      for (let count = 0; count < 50; count += 1) { writer.write(${JSON.stringify(record(noon))}); writer.flush(); }
      appendFileSync(${JSON.stringify(join(home, '2026-11-23.ndjson'))}, '{"timestamp":"2026-11-2');
      console.log('written');
      setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((done) => child.stdout.once('data', done));
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
  const torn = bytes('2026-11-23.ndjson');
  clock.now += day;
  const next = open();
  write(next, clock.now);
  next.close();
  const left = bytes('2026-11-23.ndjson');
  assert.ok(left.length < torn.length);
  assert.equal(link('2026-11-24.ndjson').previous?.sha256, sha256(left));
});

test('nobody appends to a file that another was begun after, whatever the clock says', () => {
  const { open, clock, bytes, link, names } = world();
  for (const at of [noon, noon + day, noon, noon + day]) {
    clock.now = at;
    const writer = open();
    write(writer, at);
    writer.close();
  }
  assert.deepEqual(names(), [
    '2026-11-23-1.ndjson',
    '2026-11-23.ndjson',
    '2026-11-24-1.ndjson',
    '2026-11-24.ndjson',
  ]);
  assert.deepEqual(link('2026-11-23-1.ndjson').previous, {
    file: '2026-11-24.ndjson',
    sha256: sha256(bytes('2026-11-24.ndjson')),
    bytes: bytes('2026-11-24.ndjson').length,
  });
  assert.equal(link('2026-11-24-1.ndjson').place, 4);
});

test('goes on after a file that was compressed or moved away, as far as that is known', () => {
  const packs = { gz: gzipSync, zst: zstdCompressSync };
  for (const [ending, pack] of Object.entries(packs)) {
    const { open, home, clock, bytes, link } = world(false);
    const first = open();
    write(first, noon);
    first.close();
    const content = bytes('2026-11-23.ndjson');
    writeFileSync(join(home, `2026-11-23.ndjson.${ending}`), pack(content));
    unlinkSync(join(home, '2026-11-23.ndjson'));
    clock.now += day;
    const second = open();
    write(second, clock.now);
    second.close();
    const { place, previous } = link('2026-11-24.ndjson');
    assert.deepEqual([place, previous?.file, previous?.sha256], [2, '2026-11-23.ndjson', sha256(content)]);
  }
  for (const crash of [false, true]) {
    const { open, home, folder, clock, bytes, link } = world();
    const first = open();
    write(first, noon);
    first.heartbeat();
    first.flush();
    if (!crash) first.close();
    const content = bytes('2026-11-23.ndjson');
    renameSync(join(home, '2026-11-23.ndjson'), join(folder, 'archived'));
    clock.now += day;
    const second = open();
    write(second, clock.now);
    second.close();
    const { place, previous } = link('2026-11-24.ndjson');
    assert.deepEqual(
      [place, previous?.file, previous?.sha256],
      [2, '2026-11-23.ndjson', crash ? null : sha256(content)],
    );
  }
});

test('files of a version without headers are gone on with, and the chain begins after them', () => {
  const { open, home, clock, bytes, link } = world();
  mkdirSync(home, { recursive: true });
  const line = `${JSON.stringify({ ...record(noon), instance: 'gw-1', seq: 1 })}\n`;
  writeFileSync(join(home, '2026-11-23.ndjson'), line);
  const writer = open();
  write(writer, noon);
  clock.now += day;
  write(writer, clock.now);
  writer.close();
  assert.ok(bytes('2026-11-23.ndjson').toString().startsWith(line));
  const { place, previous } = link('2026-11-24.ndjson');
  assert.deepEqual([place, previous?.sha256], [1, sha256(bytes('2026-11-23.ndjson'))]);
});

test('what could not be written is no part of the chain, nor is an empty file', () => {
  const { open, home, clock, bytes, link } = world();
  const writer = open();
  write(writer, noon);
  clock.now += day;
  symlinkSync('/dev/full', join(home, '2026-11-24.ndjson'));
  write(writer, clock.now);
  unlinkSync(join(home, '2026-11-24.ndjson'));
  clock.now += day;
  write(writer, clock.now);
  // The device cannot be flushed either, which the end waits for.
  assert.throws(() => writer.close(), { code: 'EINVAL' });
  writeFileSync(join(home, '2026-11-26.ndjson'), '');
  clock.now += day;
  const next = open();
  write(next, clock.now);
  next.close();
  const [third, fourth] = [link('2026-11-25.ndjson'), link('2026-11-26.ndjson')];
  assert.deepEqual([third.place, third.previous?.sha256], [2, sha256(bytes('2026-11-23.ndjson'))]);
  assert.deepEqual([fourth.place, fourth.previous?.sha256], [3, sha256(bytes('2026-11-25.ndjson'))]);
  assert.ok(!existsSync(join(home, '2026-11-26-1.ndjson')));
});

test('a header carries how far the manifest goes, whole lines only', () => {
  const { open, home, clock, link } = world();
  const writer = open();
  write(writer, noon);
  appendFileSync(join(home, 'manifest.jsonl'), '{"a":1}\n{"torn');
  clock.now += day;
  write(writer, clock.now);
  writer.close();
  assert.deepEqual(link('2026-11-24.ndjson').notes, { bytes: 8, sha256: sha256(Buffer.from('{"a":1}\n')) });
});
