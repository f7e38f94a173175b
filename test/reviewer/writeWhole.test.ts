import * as assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from '../../reviewer/writeWhole.ts';
import { suite } from '../_suite.ts';

const test = suite('write whole');
let folder: string;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-whole-'));
});

test.after.each(() => rmSync(folder, { recursive: true, force: true }));

test('replaces a file, and leaves nothing beside it', async () => {
  const path = join(folder, 'state.json');
  writeFileSync(path, 'old');
  await writeWhole(path, 'new');
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.deepEqual(readdirSync(folder), ['state.json']);
});

test('a file for its owner is for its owner, even where another stood there', async () => {
  const path = join(folder, 'state.json');
  writeFileSync(path, 'old', { mode: 0o644 });
  await writeWhole(path, Buffer.from('secret'), 0o600);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('what cannot be replaced stays as it is, and no draft is left', async () => {
  const path = join(folder, 'taken');
  mkdirSync(path);
  const error = await writeWhole(path, 'new').catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error);
  assert.ok(existsSync(path));
  assert.deepEqual(readdirSync(folder), ['taken']);
});
