import * as assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { keyAt, valueStart } from '../../../bundle/data/dataSections.ts';
import { skipValue } from '../../../bundle/data/skipJson.ts';
import { packTarball, unpackTarball } from '../../../bundle/format/tarball.ts';
import { suite } from '../../_suite.ts';

const test = suite('bounds');

test('an archive may hold just as many files and bytes as are allowed, and not one more', async () => {
  const archive = await packTarball(
    new Map([
      ['a', Buffer.alloc(700, 'a')],
      ['b', Buffer.alloc(300, 'b')],
    ]),
  );
  const total = gunzipSync(archive).length;
  const unpack = (limits: { files?: number; total?: number; bytes?: number }) =>
    unpackTarball(archive, {
      files: limits.files ?? 2,
      total: limits.total ?? total,
      bytes: () => limits.bytes ?? 700,
    });
  assert.deepEqual([...(await unpack({})).keys()], ['a', 'b']);
  for (const limits of [{ files: 1 }, { total: total - 1 }, { bytes: 699 }])
    await assert.rejects(unpack(limits), { code: 'archive-too-large' }, JSON.stringify(limits));
});

test('a key is found to its very end, whatever quotes and backslashes it ends in', () => {
  for (const name of ['a', 'a"', '"', '""', '\\', '\\"', '"\\', 'a\\\\"', '"a"b"']) {
    const line = Buffer.from(`${JSON.stringify(name)}:[1]`);
    assert.equal(keyAt(line, 0), name);
    assert.equal(line.toString('utf8', valueStart(line, 0)), '[1]');
  }
});

test('a number may have as many digits as a number holds exactly, and no more', () => {
  for (const digits of ['9'.repeat(15), '-'.concat('9'.repeat(15)), '0'])
    assert.equal(skipValue(Buffer.from(`${digits},`), 0), digits.length);
  for (const digits of ['9'.repeat(16), '-'.concat('9'.repeat(16)), '01', '-0', '-'])
    assert.throws(() => skipValue(Buffer.from(`${digits},`), 0), { code: 'data-malformed' }, digits);
});

test('lists and objects may nest to one depth alike, and no deeper', () => {
  const lists = (depth: number) => Buffer.from(`${'['.repeat(depth)}1${']'.repeat(depth)}`);
  const objects = (depth: number) => Buffer.from(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  let most = 0;
  while (most < 1000) {
    const next = lists(most + 1);
    try {
      assert.equal(skipValue(next, 0), next.length);
    } catch {
      break;
    }
    most += 1;
  }
  assert.equal(most, 16);
  assert.equal(skipValue(objects(most), 0), objects(most).length);
  assert.throws(() => skipValue(objects(most + 1), 0), { code: 'data-malformed' });
  assert.throws(() => skipValue(lists(most + 1), 0), { code: 'data-malformed' });
});
