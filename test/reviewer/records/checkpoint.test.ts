import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { heldAgainst, makeCheckpoint, readCheckpoint } from '../../../reviewer/records/checkpoint.ts';
import { readArchives } from '../../../reviewer/records/readArchive.ts';
import { suite } from '../../_suite.ts';
import { compress, dayOf, writeArchive } from './_archive.ts';

const test = suite('reviewer/records: checkpoint');
const archive = writeArchive(3);
test.after(archive.remove);
const newest = `${dayOf(2)}.ndjson`;

const read = async (folder: string) => {
  const [found] = await readArchives([folder]);
  if (found === undefined) throw new Error('there is nothing to read');
  return found;
};
const before = async () => makeCheckpoint([await read(archive.decisions)]);
/** What is said of a copy once something was done to it. */
const said = async (spoil: (home: string) => void) => {
  const home = join(archive.copy(), 'd', 'gw-1');
  spoil(home);
  return (await heldAgainst(await before(), await read(home))).map(({ sentence }) => sentence);
};

test('what a checkpoint saw is held against what is there: the end of a chain, too', async () => {
  const at = await before();
  assert.deepEqual(readCheckpoint(JSON.stringify(at), 'c.json'), at);
  assert.equal(at.ends[0]?.seq, 12);
  assert.deepEqual(await said(() => {}), []);
  const grown = (home: string) => appendFileSync(join(home, newest), '{"heartbeat":true,"seq":12}\n');
  assert.deepEqual(await said(grown), []);
  assert.deepEqual(await said((home) => appendFileSync(join(home, newest), '{"heartb')), [], 'a torn end');
  assert.deepEqual(await said((home) => compress(join(home, newest), 'gz')), []);
  assert.deepEqual(await said((home) => unlinkSync(join(home, newest))), [
    'numbers 9 to 12 are gone since the checkpoint',
    `${newest} is gone since the checkpoint`,
  ]);
  const cut = await said((home) => truncateSync(join(home, newest), 1500));
  assert.match(cut.join('\n'), new RegExp(`${newest} was cut from \\d+ to \\d+ bytes since the checkpoint`));
  const changed = (home: string) => {
    const path = join(home, newest);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"allow":true', '"allow":null'));
    grown(home);
  };
  assert.deepEqual(await said(changed), [`${newest} was changed since the checkpoint`]);
});

test('the command keeps its checkpoint while it holds, and fails where there are no records', () => {
  const folder = archive.copy();
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
  const file = join(folder, 'checkpoint.json');
  const verify = (...args: string[]) =>
    spawnSync(process.execPath, [cli, 'records', 'verify', ...args, '--checkpoint', file], {
      encoding: 'utf8',
    });
  const nothing = verify(join(folder, 'elsewhere'));
  assert.deepEqual([nothing.status, nothing.stdout], [1, 'no decision records\n']);
  assert.ok(!existsSync(file), 'nothing was seen, so nothing is kept');
  assert.equal(verify(join(folder, 'd')).status, 0);
  const kept = readFileSync(file, 'utf8');
  unlinkSync(join(folder, 'd', 'gw-1', newest));
  const cut = verify(join(folder, 'd'));
  assert.equal(cut.status, 1);
  assert.match(cut.stdout, new RegExp(`broken: ${newest} is gone since the checkpoint`));
  rmSync(join(folder, 'd', 'gw-1'), { recursive: true });
  const gone = verify(join(folder, 'd'));
  assert.equal(gone.status, 1);
  assert.match(gone.stdout, /gw-1: 0 files, 0 records\n {2}broken: numbers 1 to 12 are gone/);
  assert.equal(readFileSync(file, 'utf8'), kept);
  writeFileSync(file, '{}');
  assert.match(verify(join(folder, 'd')).stderr, /no checkpoint as `records verify --checkpoint` writes it/);
});
