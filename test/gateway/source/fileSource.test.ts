import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open as openFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { BundleError } from '../../../bundle/bundleError.ts';
import type { Source } from '../../../gateway/source/contract/source.ts';
import { type FileSourceOptions, fileSource } from '../../../gateway/source/fileSource.ts';
import { suite } from '../../_suite.ts';

const test = suite('fileSource');

let folder: string;
let path: string;
let verified = 0;
let sources: Source[] = [];
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-file-'));
  path = join(folder, 'bundle.tar.gz');
  [verified, sources] = [0, []];
});
test.after.each(async () => {
  await Promise.all(sources.map((source) => source.close()));
  await rm(folder, { recursive: true, force: true });
});

/** An archive here is `<revision>`: whole when its brackets are. */
const verify = async (archive: Buffer): Promise<Bundle> => {
  verified += 1;
  const revision = /^<(.*)>$/s.exec(archive.toString())?.[1];
  if (revision === undefined) throw new BundleError('archive-malformed', 'no archive');
  return { revision } as Bundle;
};
const open = (more: Partial<FileSourceOptions> = {}): Source => {
  const source = fileSource({ path, verify, ...more });
  sources.push(source);
  return source;
};
const never = new AbortController().signal;
const take = async (source: Source) => {
  const found = await source.next({ signal: never });
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('takes a file once, and again when its bytes change, renamed into place or rewritten', async () => {
  await writeFile(path, '<one>');
  const source = open();
  assert.equal(await take(source), 'one');
  assert.equal(await take(source), null);
  await writeFile(join(folder, 'new'), '<two>');
  await rename(join(folder, 'new'), path);
  assert.equal(await take(source), 'two');
  await writeFile(path, '<six>');
  assert.equal(await take(source), 'six');
  await writeFile(path, '<six>');
  assert.equal(await take(source), null);
  assert.equal(verified, 3);
});

test('waits for a file that is still being written', async () => {
  const source = open();
  const file = await openFile(path, 'w');
  await file.write('<slow');
  const taken = take(source);
  for (const part of ['ly', ' wri', 'tten>']) {
    await sleep(50);
    await file.write(part);
  }
  await file.close();
  assert.equal(await taken, 'slowly written');
});

test('refuses a file that stays broken once for all its bytes, and takes the next', async () => {
  await writeFile(path, '<half');
  const source = open();
  await assert.rejects(take(source), { code: 'archive-malformed' });
  await assert.rejects(take(source), { code: 'archive-malformed' });
  assert.equal(verified, 1);
  await writeFile(path, '<whole>');
  assert.equal(await take(source), 'whole');
});

test('refuses what is missing, no file, or too large', async () => {
  await assert.rejects(take(open()), { code: 'source-not-found' });
  await assert.rejects(take(open({ path: folder })), { code: 'source-answer' });
  execFileSync('mkfifo', [path]);
  await assert.rejects(take(open()), { code: 'source-answer' });
  await unlink(path);
  await writeFile(path, `<${'x'.repeat(2000)}>`);
  await assert.rejects(take(open({ maxBytes: 1000 })), { code: 'source-too-large' });
  assert.equal(await take(open({ maxBytes: 3000 })), 'x'.repeat(2000));
});

test('tells of a change at once: rewritten, renamed into place, made anew, or behind a link that moved', async () => {
  await writeFile(path, '<one>');
  const source = open();
  let calls = 0;
  const stop = source.watch(() => {
    calls += 1;
  });
  const told = async (change: () => Promise<unknown>) => {
    const before = calls;
    await change();
    for (let i = 0; i < 200 && calls === before; i += 1) await sleep(10);
    assert.ok(calls > before);
    await sleep(60);
  };
  await told(() => writeFile(path, '<second>'));
  await writeFile(join(folder, 'new'), '<third>');
  await told(() => rename(join(folder, 'new'), path));
  await unlink(path);
  await sleep(60);
  await told(() => writeFile(path, '<fourth>'));
  await writeFile(join(folder, 'target'), '<fifth>');
  await symlink(join(folder, 'target'), join(folder, 'link'));
  await told(() => rename(join(folder, 'link'), path));
  assert.equal(await take(source), 'fifth');
  const before = calls;
  await writeFile(join(folder, 'unrelated'), '');
  await sleep(100);
  assert.equal(calls, before);
  stop();
  await writeFile(path, '<sixth>');
  await sleep(100);
  assert.equal(calls, before);
});

test('watches nothing, and still polls, in a folder that is not there', async () => {
  const source = open({ path: join(folder, 'later', 'bundle.tar.gz') });
  source.watch(() => assert.fail('never'))();
  await assert.rejects(take(source), { code: 'source-not-found' });
});
