import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { branchLine } from '../../../bundle/git/branchLine.ts';
import { fileChanges } from '../../../bundle/git/fileChanges.ts';
import { turnsOf } from '../../../bundle/git/turnsOf.ts';
import { suite } from '../../_suite.ts';

const test = suite('where a branch came from');
let root: string;
const names = new Map<string, string>();
const id = (name: string) => names.get(name) ?? assert.fail(name);
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
const named = (name: string) => names.set(git('rev-parse', 'HEAD'), name).set(name, git('rev-parse', 'HEAD'));
async function commit(name: string) {
  await writeFile(join(root, `${name}.txt`), name);
  git('add', '.');
  git('commit', '--quiet', '-m', name);
  named(name);
}
const merge = (branch: string, name: string) => {
  git('merge', '--quiet', '--no-ff', '-m', name, branch);
  named(name);
};

// a – b ––––––– c – d ––– (main, until somebody pulls it into a branch of their own, and pushes that)
//      \         \     \
//       mine1 –––– mine2 – pulled – e ––––– merged – f
//                                    \     /
//                                     side
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'turns-'));
  git('init', '--quiet', '--initial-branch', 'main');
  await commit('a');
  await commit('b');
  git('checkout', '--quiet', '-b', 'mine');
  await commit('mine1');
  git('checkout', '--quiet', 'main');
  await commit('c');
  git('checkout', '--quiet', 'mine');
  merge('main', 'mine2');
  git('checkout', '--quiet', 'main');
  await commit('d');
  git('checkout', '--quiet', 'mine');
  merge('main', 'pulled');
  await commit('e');
  git('checkout', '--quiet', '-b', 'side');
  await commit('side');
  git('checkout', '--quiet', 'mine');
  git('commit', '--quiet', '--allow-empty', '-m', 'main');
  named('main');
  merge('side', 'merged');
  await commit('f');
});
test.after(() => rm(root, { recursive: true, force: true }));

async function line(...seen: string[]): Promise<string> {
  const turns = await turnsOf(
    { root, revision: id('f') },
    new Set(seen.map((name) => names.get(name) ?? name)),
  );
  return (await branchLine(root, id('f'), turns)).map(id).reverse().join(' ');
}

test('a branch went along first parents, unless it was seen elsewhere', async () => {
  const first = 'a b mine1 mine2 pulled e main merged f';
  assert.equal(await line(), first);
  assert.equal(await line('e', 'b', 'unknown'), first);
  assert.equal(await line('d'), 'a b c d pulled e main merged f');
  assert.equal(await line('f', 'd', 'c', 'a'), 'a b c d pulled e main merged f');
  // Seen at c only: nothing tells that it was at d.
  assert.equal(await line('c'), 'a b c mine2 pulled e main merged f');
});

test('what was seen of a branch that was merged does not make it the enforced one', async () => {
  assert.equal(await line('side', 'main'), await line());
  assert.equal(await line('d', 'mine1'), await line());
  assert.equal(await line('side', 'main', 'd'), await line('d'));
});

test('what a merge changed is told as of where the branch came from', async () => {
  const turns = await turnsOf({ root, revision: id('f') }, new Set([id('d')]));
  const told = async (options: { since?: number; after?: string } = {}) =>
    (await fileChanges(root, id('f'), { paths: ['.'], turns, ...options })).map(
      ({ commit, parent, changes }) =>
        `${names.get(parent ?? '') ?? '-'}..${id(commit)}: ${changes.map(({ path }) => path).join(' ')}`,
    );
  const expected = [
    'merged..f: f.txt',
    'main..merged: side.txt',
    'pulled..e: e.txt',
    'd..pulled: mine1.txt',
    'c..d: d.txt',
    'b..c: c.txt',
    'a..b: b.txt',
    '-..a: a.txt',
  ];
  assert.deepEqual(await told(), expected);
  assert.deepEqual(await told({ after: id('c') }), expected.slice(0, 5));
  assert.deepEqual(await told({ after: id('e') }), expected.slice(0, 2));
  assert.deepEqual(await told({ since: 4_000_000_000 }), []);
});
