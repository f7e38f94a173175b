import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../../_suite.ts';
import { evidence, verified, writeArchive } from './_archive.ts';

const test = suite('reviewer/records: killed');
const days = 40;
const archive = writeArchive(days);
test.after(archive.remove);
const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));

/** Runs a command on the copy; killed as soon as its manifest has `bytes`, where they are given. Whether it was. */
async function run(root: string, command: readonly string[], bytes?: number): Promise<boolean> {
  const places = ['--decisions', join(root, 'd'), '--usage', join(root, 'u')];
  const child = spawn(process.execPath, [cli, 'records', ...command, ...places, '--apply'], {
    stdio: 'ignore',
  });
  const home = join(root, 'd', 'gw-1');
  const manifest = join(home, 'manifest.jsonl');
  const watching =
    bytes === undefined
      ? null
      : watch(home, () => {
          if (existsSync(manifest) && statSync(manifest).size >= bytes) child.kill('SIGKILL');
        });
  const [, signal] = await once(child, 'exit');
  watching?.close();
  return signal === 'SIGKILL';
}

test('pruning and erasing that are killed with -9 leave a chain that holds, and go on to their end', async () => {
  const before = await evidence(archive.decisions, archive.usage, days);
  for (const [command, bytes] of [
    [['prune', '--keep', '1d'], 3000],
    [['erase', '--person', 'user:ann@example.com', '--key', 'KEY'], 3000],
  ] as const) {
    const root = archive.copy();
    const home = join(root, 'd', 'gw-1');
    const asked = command.map((word) => (word === 'KEY' ? join(root, 'key') : word));
    assert.ok(await run(root, asked, bytes), `${asked[0]} is killed in the midst`);
    const cut = await verified(home);
    assert.deepEqual([cut.breaks, cut.gaps, cut.records], [[], [], 4 * days], asked[0]);
    const half = { ...(await evidence(join(root, 'd'), join(root, 'u'), days)) };
    assert.deepEqual(half, before);
    assert.ok(!(await run(root, asked)));
    const done = await verified(home);
    assert.deepEqual([done.breaks, done.gaps, done.pruned + done.erased], [[], [], days]);
    assert.deepEqual(await evidence(join(root, 'd'), join(root, 'u'), days), before);
    assert.deepEqual(
      readdirSync(home).filter((name) => /lock|draft/.test(name)),
      [],
    );
  }
});
