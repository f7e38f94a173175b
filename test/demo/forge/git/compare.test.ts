import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aheadOf } from '../../../../demo/forge/git/compare.ts';
import { createGit } from '../../../../demo/forge/git/git.ts';
import { suite } from '../../../_suite.ts';

const test = suite('how two commits of the forge relate');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-compare-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Name → parents; a commit without any begins a history. */
const shapes: Readonly<Record<string, readonly string[]>> = {
  ...{ one: [], two: ['one'], three: ['two'], side: ['one'], 'side-2': ['side'] },
  ...{ pulled: ['side-2', 'two'], crossed: ['two', 'side'], 'crossed-back': ['side', 'two'], other: [] },
  // Its clock was behind, so it is looked at last.
  ...{ early: ['two'], 'pulled-early': ['side-2', 'early'] },
};

test('the last commit they share, and what one has beyond the other, are as Git says, however branches were merged', async () => {
  execFileSync('git', ['init', '--quiet', '--bare', '--template=', folder]);
  const names = Object.keys(shapes);
  const text = Object.entries(shapes).map(([name, [first, ...others]], at) =>
    [
      `reset refs/heads/${name}\ncommit refs/heads/${name}\ncommitter A <a@example.com> ${name === 'early' ? 1_600_000_000 : 1_700_000_000 + at} +0000\ndata 1\nx\n`,
      ...(first === undefined ? [] : [`from refs/heads/${first}\n`]),
      ...others.map((parent) => `merge refs/heads/${parent}\n`),
      `M 100644 inline ${name}\ndata 1\nx\n`,
    ].join(''),
  );
  execFileSync('git', ['fast-import', '--quiet', '--done'], {
    ...{ cwd: folder, input: `${text.join('')}done\n`, stdio: ['pipe', 'ignore', 'inherit'] },
  });
  const git = createGit(folder);
  const ids = (await git.text(['rev-parse', ...names])).split('\n');
  const idOf = (name: string) => ids[names.indexOf(name)] ?? '';
  const both = async (base: string, head: string) => {
    const { common, trees } = await aheadOf(git, idOf(base), idOf(head));
    return [common === null ? null : names[ids.indexOf(common)], trees.length];
  };
  assert.deepEqual(await both('one', 'three'), ['one', 2]);
  assert.deepEqual(await both('three', 'one'), ['one', 0]);
  assert.deepEqual(await both('two', 'two'), ['two', 0]);
  assert.deepEqual(await both('three', 'side-2'), ['one', 2]);
  // Both ways back end at the base's own past, and one of them further down.
  assert.deepEqual(await both('three', 'pulled'), ['two', 3]);
  assert.deepEqual(await both('three', 'pulled-early'), ['two', 4]);
  assert.deepEqual(await both('side', 'crossed'), ['side', 2]);
  assert.deepEqual(await both('one', 'other'), [null, 1]);
  const [common] = await both('crossed', 'crossed-back');
  assert.ok(common === 'two' || common === 'side');
  assert.equal(
    (await aheadOf(git, idOf('one'), idOf('two'))).trees[0],
    await git.text(['rev-parse', 'two^{tree}']),
  );
});
