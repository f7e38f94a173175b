import * as assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertKept, confirmLastGood, readLastGood, saveLastGood } from '../../../gateway/load/lastGood.ts';
import { suite } from '../../_suite.ts';

const test = suite('lastGood');

let folder: string;
const path = () => join(folder, 'last-good.bundle');
const archive = (text: string) => Buffer.from(text.repeat(1000));
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-last-good-'));
});
test.after.each(() => rm(folder, { recursive: true, force: true }));

test('gives back what was kept, for the same source only', async () => {
  assert.equal(await readLastGood(folder, 'git+file:///a#main'), null);
  await saveLastGood(folder, 'git+file:///a#main', { archive: archive('one\n'), counter: 3 });
  const { confirmedMs: confirmedAt, ...kept } = (await readLastGood(folder, 'git+file:///a#main')) ?? {
    confirmedMs: 0,
  };
  assert.deepEqual(kept, { archive: archive('one\n'), counter: 3 });
  assert.ok(Math.abs(Date.now() - confirmedAt) < 60_000);
  assert.equal(await readLastGood(folder, 'git+file:///a#other'), null);
});

test('replaces it by a newer one, not by an older one, but by any of another source', async () => {
  const read = async (source: string) => (await readLastGood(folder, source))?.counter;
  await saveLastGood(folder, 'a', { archive: archive('1'), counter: 3 });
  await saveLastGood(folder, 'a', { archive: archive('2'), counter: 4 });
  await saveLastGood(folder, 'a', { archive: archive('3'), counter: 2 });
  assert.equal(await read('a'), 4);
  await saveLastGood(folder, 'b', { archive: archive('4'), counter: 1 });
  assert.equal(await read('b'), 1);
});

test('compares releases, not commits: a way back is newer than what it undoes, and older than what follows', async () => {
  const read = async () => (await readLastGood(folder, 'a'))?.archive.toString('latin1', 0, 1);
  const save = (text: string, counter: number, from?: number) =>
    saveLastGood(folder, 'a', {
      archive: archive(text),
      counter,
      ...(from === undefined ? {} : { rollback: { from, nth: 1 } }),
    });
  await save('1', 7);
  await save('2', 3, 7);
  assert.equal(await read(), '2');
  await save('3', 7);
  assert.equal(await read(), '2');
  await save('4', 8);
  assert.equal(await read(), '4');
  await save('5', 3, 7);
  assert.equal(await read(), '4');
});

test('knows when the kept one was last confirmed, and confirms no other', async () => {
  const age = async () => Date.now() - ((await readLastGood(folder, 'a'))?.confirmedMs ?? 0);
  await saveLastGood(folder, 'a', { archive: archive('x'), counter: 3 });
  await utimes(path(), 1, 1);
  await confirmLastGood(folder, 'a', { counter: 4 });
  await confirmLastGood(folder, 'a', { counter: 3, rollback: { from: 4, nth: 1 } });
  await confirmLastGood(folder, 'b', { counter: 3 });
  assert.ok((await age()) > 1e9);
  await confirmLastGood(folder, 'a', { counter: 3 });
  assert.ok((await age()) < 60_000);
});

test('refuses a file that was cut, changed, extended or emptied', async () => {
  await saveLastGood(folder, 'a', { archive: archive('x'), counter: 1 });
  const good = await readFile(path());
  const flipped = Buffer.from(good);
  flipped[good.length - 5] = 0;
  for (const bytes of [
    good.subarray(0, -1),
    flipped,
    Buffer.concat([good, good]),
    Buffer.alloc(0),
    Buffer.from('{}\n'),
  ]) {
    await writeFile(path(), bytes);
    await assert.rejects(readLastGood(folder, 'a'), { code: 'last-good-unusable' });
  }
  await writeFile(path(), good);
  assert.equal((await readLastGood(folder, 'a'))?.counter, 1);
});

test('refuses a file that other users could write', async () => {
  await saveLastGood(folder, 'a', { archive: archive('x'), counter: 1 });
  await chmod(path(), 0o666);
  await assert.rejects(readLastGood(folder, 'a'), { code: 'last-good-unusable' });
  await chmod(path(), 0o600);
  assert.equal((await readLastGood(folder, 'a'))?.counter, 1);
});

test('stays whole when many write and read at once, and leaves nothing else behind', async () => {
  const left = join(folder, 'last-good.bundle.killed.new');
  await writeFile(left, 'half');
  await utimes(left, 0, 0);
  const readers = async () => {
    for (let i = 0; i < 20; i += 1) {
      const kept = await readLastGood(folder, 'a');
      if (kept) assert.equal(kept.archive.length, 1000 * String(kept.counter).length);
    }
  };
  await Promise.all([
    ...Array.from({ length: 30 }, (_, i) =>
      saveLastGood(folder, 'a', { archive: archive(String(i)), counter: i }),
    ),
    readers(),
    readers(),
  ]);
  await readers();
  assert.deepEqual(await readdir(folder), ['last-good.bundle']);
});

test('an archive that is another release than its header says is none', () => {
  assertKept({ counter: 3 }, { counter: 3 });
  assert.throws(() => assertKept({ counter: 5 }, { counter: 3 }), /another release than its header/);
});
