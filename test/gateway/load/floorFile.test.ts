import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { isOlder, type Release, type ReleaseTerms } from '../../../bundle/archive/release.ts';
import { openFloorFile } from '../../../gateway/load/floorFile.ts';
import { saveLastGood } from '../../../gateway/load/lastGood.ts';
import { type Reload, startReload } from '../../../gateway/load/reload.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../../bundle/_opa.ts';
import { startWarmLoader } from './_warmLoader.ts';

const test = suite('floor file');
const keys = keyPair('ec');
const url = (name: string) => new URL(`../../../gateway/load/${name}.ts`, import.meta.url).href;

let work: Awaited<ReturnType<typeof folder>>;
let state: string;
let path: string;
let open: Reload[] = [];
let logged: string[] = [];
test.before.each(async () => {
  work = await folder();
  state = join(work.path, 'state');
  path = join(work.path, 'bundle.tar.gz');
  [open, logged] = [[], []];
});
test.after.each(async () => {
  for (const reload of open) await reload.close();
  await work.remove();
});

const archiveOf = async (counter: number) =>
  pack({ ...(await sampleBundle()).bundle, counter }, readSigningKey(keys.secret));
const release = async (counter: number) => writeFile(path, await archiveOf(counter));
async function start(): Promise<Reload> {
  const note = (_: object, message: string) => void logged.push(message);
  const reload = startReload({
    source: { url: `file:${path}`, stateFolder: state, verifyKeyPem: keys.open },
    pollMs: 600_000,
    onSwap: () => {},
    log: { info: note, warn: note, error: note },
    startWorker: startWarmLoader,
  });
  open.push(reload);
  await reload.started;
  return reload;
}
/** Puts an older archive, genuine and with a header of its own, in the place of the kept one. */
const exchange = async (counter: number) =>
  saveLastGood(state, `file:${path}`, { archive: await archiveOf(counter), counter }, true);

test('an older signed bundle in the place of the kept one is not used, with or without a source', async () => {
  await release(7);
  await (await start()).close();
  await rm(path);
  await exchange(3);
  const alone = await start();
  assert.equal(alone.current(), null);
  assert.ok(
    logged.some((line) => /release 3, older than 7 that was in force/.test(line)),
    logged.join('\n'),
  );
  await alone.close();

  // Nor is it from the source, whatever became of the kept one.
  await rm(join(state, 'last-good.bundle'));
  await release(6);
  const replayed = await start();
  assert.equal(replayed.current(), null);
  assert.equal(replayed.status().lastError?.code, 'counter-rollback');
  await release(7);
  await replayed.look();
  assert.equal(replayed.current()?.counter, 7);
  await replayed.close();

  // The one that was kept serves alone, as ever.
  await rm(path);
  assert.equal((await start()).current()?.counter, 7);
});

test('what was in force is known after kill -9, as soon as anybody was told that it is', async () => {
  const script = `
    import { startReload } from ${JSON.stringify(url('reload'))};
    const reload = startReload({
      source: { url: 'file:' + ${JSON.stringify(path)}, stateFolder: ${JSON.stringify(state)}, verifyKeyPem: ${JSON.stringify(keys.open)} },
      pollMs: 600_000,
      onSwap: () => {},
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    await reload.started;
    process.stdout.write(String(reload.current()?.counter));`;
  await release(4);
  const file = join(work.path, 'child.mjs');
  await writeFile(file, script);
  const child = spawn(process.execPath, [file]);
  const [said] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(String(said), '4');
  assert.equal((await openFloorFile(state, `file:${path}`).read())?.counter, 4);
  await rm(path);
  await exchange(2);
  assert.equal((await start()).current(), null);
});

const releases: fc.Arbitrary<Release & ReleaseTerms> = fc
  .record({
    counter: fc.integer({ min: 1, max: 20 }),
    back: fc.option(fc.record({ by: fc.integer({ min: 1, max: 9 }), nth: fc.integer({ min: 1, max: 3 }) })),
    end: fc.option(fc.integer({ min: 0, max: 3 })),
  })
  .map(({ counter, back, end }) => ({
    counter,
    ...(back && { rollback: { from: counter + back.by, nth: back.nth } }),
    ...(end !== null && { validUntil: new Date(Date.UTC(2030 + end)).toISOString() }),
  }));

test('in whatever order releases come, the latest of them is read back; of each source its own', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(releases, { minLength: 1, maxLength: 8 }), async (come) => {
      run += 1;
      const place = join(work.path, `property-${run}`);
      const file = openFloorFile(place, 'a');
      for (const one of come) await file.raise(one, false);
      const latest = await file.read();
      assert.ok(latest !== null && !come.some((one) => isOlder(latest, one)));
      assert.ok(come.some((one) => !isOlder(one, latest)));
      assert.equal((await readdir(place)).length, 1);
      assert.equal(await openFloorFile(place, 'b').read(), null);
    }),
    { numRuns: 40 },
  );
});

test('only who goes back on purpose lowers it', async () => {
  const file = openFloorFile(state, 'a');
  await file.raise({ counter: 5 }, false);
  await file.raise({ counter: 3 }, false);
  assert.deepEqual(await file.read(), { counter: 5 });
  await file.raise({ counter: 3 }, true);
  assert.deepEqual(await file.read(), { counter: 3 });
});

test('several processes in one folder never let it sink', async () => {
  await mkdir(state);
  const script = (odd: number) => `
    import { openFloorFile } from ${JSON.stringify(url('floorFile'))};
    const file = openFloorFile(${JSON.stringify(state)}, 'a');
    for (let counter = ${odd}; counter <= 120; counter += 3) {
      await file.raise({ counter }, false);
      if ((await file.read()).counter < counter) throw new Error('it sank');
    }`;
  const run = async (odd: number) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script(odd)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return (await once(child, 'close'))[0];
  };
  assert.deepEqual(await Promise.all([run(1), run(2), run(3)]), [0, 0, 0]);
  assert.deepEqual(await openFloorFile(state, 'a').read(), { counter: 120 });
  assert.equal((await readdir(state)).length, 1);
});

test('what is no name of a floor counts for nothing', async () => {
  const file = openFloorFile(state, 'a');
  await file.raise({ counter: 2 }, false);
  const [name = ''] = await readdir(state);
  for (const odd of ['999x', '-9', '9.9', '9.until.', '9'.repeat(16), '', `3.until.${'9'.repeat(16)}`])
    await writeFile(join(state, name.replace(/2$/, odd)), '');
  assert.deepEqual(await file.read(), { counter: 2 });
});
