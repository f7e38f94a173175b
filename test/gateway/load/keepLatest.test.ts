import * as assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { readLastGood } from '../../../gateway/load/lastGood.ts';
import { type Reload, startReload } from '../../../gateway/load/reload.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../../bundle/_opa.ts';
import { startWarmLoader } from './_warmLoader.ts';

const test = suite('keep');
const keys = keyPair('ec');

let work: Awaited<ReturnType<typeof folder>>;
test.before.each(async () => {
  work = await folder();
});
test.after.each(() => work.remove());

/** A folder below which nothing can be saved, and how to mend that. */
type Broken = { stateFolder: string; code: string; mend: () => void; end: () => void };

/** A real file system that is full; null where mounting one is not allowed. */
function fullDisk(): Broken | null {
  const stateFolder = join(work.path, 'state');
  mkdirSync(stateFolder, { mode: 0o700 });
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'grantgate-test', stateFolder], { stdio: 'ignore' });
  try {
    mount('size=8k,mode=700');
  } catch {
    rmSync(stateFolder, { recursive: true });
    return null;
  }
  return {
    stateFolder,
    code: 'ENOSPC',
    mend: () => mount('remount,size=16m'),
    end: () => void execFileSync('umount', [stateFolder]),
  };
}

/** The same trouble without privileges: a file where a folder should be. */
function noFolder(): Broken {
  const file = join(work.path, 'file');
  writeFileSync(file, '');
  return { stateFolder: join(file, 'state'), code: 'ENOTDIR', mend: () => rmSync(file), end: () => {} };
}

test('a disk that is full is survived, said once, and what could not be kept is kept once there is room', async () => {
  const { bundle } = await sampleBundle();
  const path = join(work.path, 'bundle.tar.gz');
  const publish = async (counter: number) =>
    writeFile(path, await pack({ ...bundle, counter }, readSigningKey(keys.secret)));
  for (const broken of [fullDisk(), noFolder()]) {
    if (broken === null) continue;
    const kept: boolean[] = [];
    const errors: string[] = [];
    let reload: Reload | null = null;
    try {
      const { stateFolder } = broken;
      await publish(1);
      reload = startReload({
        source: { url: `file:${path}`, stateFolder, verifyKeyPem: keys.open },
        pollMs: 600_000,
        onSwap: () => {},
        onKept: (ok) => kept.push(ok),
        log: { info: () => {}, warn: () => {}, error: (_, message) => errors.push(message) },
        startWorker: startWarmLoader,
      });
      await reload.started;
      await reload.look();
      await publish(2);
      await reload.look();
      assert.equal(reload.current()?.counter, 2, 'it serves all the same');
      while (kept.length < 3) await sleep(10);
      assert.ok(kept.every((ok) => !ok));
      assert.equal(new Set(errors).size, errors.length, errors.join('\n'));
      assert.match(errors[0] ?? '', new RegExp(`not kept for the next start: ${broken.code}`));

      broken.mend();
      await reload.look();
      while (!kept.includes(true)) await sleep(10);
      const found = await readLastGood(stateFolder, `file:${path}`);
      assert.equal(found?.counter, 2);
      const left = (await readdir(stateFolder)).map((name) => name.replace(/-[0-9a-f]{16}-/, ' '));
      assert.deepEqual(left.sort(), ['floor 2', 'last-good.bundle'], 'no half of one is left');
    } finally {
      await reload?.close();
      broken.end();
    }
  }
});

test('two processes that save and read in one folder never see half a bundle', async () => {
  const stateFolder = join(work.path, 'state');
  const script = `
    import { readLastGood, saveLastGood } from ${JSON.stringify(new URL('../../../gateway/load/lastGood.ts', import.meta.url).href)};
    const folder = ${JSON.stringify(stateFolder)};
    for (let counter = 1; counter <= 60; counter += 1) {
      await saveLastGood(folder, 'a', { archive: Buffer.alloc(200_000, counter), counter });
      const { archive, counter: read } = await readLastGood(folder, 'a');
      if (!archive.equals(Buffer.alloc(200_000, read))) throw new Error('half of one');
    }`;
  const run = () =>
    new Promise<string>((done) => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
      let text = '';
      child.stderr.on('data', (chunk) => {
        text += String(chunk);
      });
      child.on('close', (code) => done(code === 0 ? 'well' : text));
    });
  assert.deepEqual(await Promise.all([run(), run()]), ['well', 'well']);
  assert.equal((await readLastGood(stateFolder, 'a'))?.counter, 60);
  assert.deepEqual(await readdir(stateFolder), ['last-good.bundle']);
});
