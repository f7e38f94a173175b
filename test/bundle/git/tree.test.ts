import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { GitError } from '../../../bundle/git/gitError.ts';
import { rememberFiles } from '../../../bundle/git/rememberFiles.ts';
import { gitTree, localTree, workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { suite } from '../../_suite.ts';
import { runGit, type SampleTree, sampleTree } from '../_organisation.ts';

const test = suite('tree');
let sample: SampleTree;
test.before.each(async () => {
  sample = await sampleTree(
    { 'policies/authz/own.rego': 'package grantgate.authz\n', 'README.md': 'x' },
    { git: true },
  );
});
test.after.each(() => sample.remove());

test('a commit and the files checked out from it are the same', async () => {
  const [commit, disk] = [await gitTree(sample.root, 'main'), await workingTree(sample.root)];
  assert.equal(await commit.list(), await disk.list());
  assert.ok((await commit.list()).includes('policies/authz/own.rego'));
  assert.not((await commit.list()).includes('README.md'));
  const paths = await commit.list();
  assert.equal(await commit.read(paths), await disk.read(paths));
  for (const key of ['revision', 'counter', 'committedAt'] as const) assert.is(commit[key], disk[key]);
  assert.is(commit.committedAt, '2026-11-23T10:00:00Z');
  // What is remembered of either stands for the same blobs.
  const remembered = await Promise.all(
    [commit, disk].map(async (tree) => {
      const kept = rememberFiles(tree);
      await kept.read(paths);
      return new Map([...(await kept.remembered())].sort());
    }),
  );
  assert.is(remembered[0]?.size, paths.length);
  assert.equal(remembered[0], remembered[1]);
});

test('a folder that belongs to another user is refused in words of Git, and not taken for one without history', async () => {
  assert.ok((await workingTree(sample.root)).revision);
  process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = '1';
  try {
    for (const attempt of [() => gitTree(sample.root, 'HEAD'), () => workingTree(sample.root)]) {
      const error: unknown = await attempt().catch((caught: unknown) => caught);
      assert.ok(error instanceof GitError);
      assert.is(error.code, 'git-failed');
      assert.match(error.message, /dubious ownership[\s\S]*safe\.directory/);
    }
  } finally {
    delete process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER;
  }
});

test('says that there is no such commit only where that is so', async () => {
  const error: unknown = await gitTree(sample.root, 'nowhere').catch((caught: unknown) => caught);
  assert.ok(error instanceof GitError);
  assert.is(error.code, 'git-revision');
});

test('reads a commit of a bare repository without a checkout', async () => {
  const bare = join(sample.root, 'bare.git');
  runGit(sample.root, 'clone', '--quiet', '--bare', '.', bare);
  const tree = await gitTree(bare, 'main');
  assert.equal((await load(tree)).problems, []);
  const local = await localTree(bare);
  assert.is(local.source, 'commit');
  assert.equal([local.revision, await local.list()], [tree.revision, await tree.list()]);
  assert.is((await localTree(sample.root)).source, 'disk');
  runGit(bare, 'symbolic-ref', 'HEAD', 'refs/heads/none');
  const error: unknown = await localTree(bare).catch((caught: unknown) => caught);
  assert.ok(error instanceof GitError && error.code === 'git-revision');
});

test('counts first parents only, so merging a branch counts once', async () => {
  runGit(sample.root, 'checkout', '--quiet', '-b', 'side');
  await sample.commit({ 'notes.txt': '1' });
  await sample.commit({ 'notes.txt': '2' });
  runGit(sample.root, 'checkout', '--quiet', 'main');
  runGit(sample.root, 'merge', '--quiet', '--no-ff', '--no-edit', 'side');
  const facts = async (revision: string) => {
    const { counter, merges } = await gitTree(sample.root, revision);
    return { counter, merges };
  };
  assert.equal(await facts('main'), { counter: 2, merges: true });
  assert.equal(await facts('side'), { counter: 3, merges: false });
  await sample.commit({ 'notes.txt': '3' });
  assert.equal(await facts('main'), { counter: 3, merges: true });
});

test('files on disk are read as they lie, also when not committed', async () => {
  await sample.write({ 'grants/networks.yaml': 'home: [203.0.113.0/24]\n' });
  const read = async (tree: Awaited<ReturnType<typeof workingTree>>) =>
    (await tree.read(['grants/networks.yaml'])).get('grants/networks.yaml')?.toString();
  assert.match(String(await read(await workingTree(sample.root))), 'home');
  assert.match(String(await read(await gitTree(sample.root, 'HEAD'))), 'office');
});

test('outside Git there is no revision; nor for a folder inside another repository', async () => {
  const plain = await sampleTree();
  assert.is((await workingTree(plain.root)).revision, null);
  await plain.remove();
  const inside = join(sample.root, 'inside');
  await mkdir(inside);
  assert.is((await workingTree(inside)).revision, null);
});

test('refuses a revision that is not there, or would be an option', async () => {
  for (const revision of ['nowhere', '--output=/tmp/x', '-h', '', 'main\nmain', 'HEAD^{tree}']) {
    let code = '';
    await gitTree(sample.root, revision).catch((error) => {
      code = error.code;
    });
    assert.is(code, 'git-revision', revision);
  }
  assert.is((await gitTree(sample.root, 'HEAD')).counter, 1);
});

test('a Git hook environment does not lead to another repository', async () => {
  process.env.GIT_DIR = '/nowhere';
  try {
    assert.is((await gitTree(sample.root, 'main')).counter, 1);
  } finally {
    delete process.env.GIT_DIR;
  }
});

test('the repository cannot have programs started by being read', async () => {
  const ran = join(sample.root, 'ran');
  await writeFile(join(sample.root, 'hook.sh'), `#!/bin/sh\ntouch ${ran}\n`, { mode: 0o755 });
  runGit(sample.root, 'config', 'core.fsmonitor', join(sample.root, 'hook.sh'));
  await (await workingTree(sample.root)).list();
  await gitTree(sample.root, 'HEAD');
  const { existsSync } = await import('node:fs');
  assert.not(existsSync(ran));
});

test('symbolic links and submodules under grants/ are refused by name', async () => {
  await symlink('orders.yaml', join(sample.root, 'grants/apis/copy.yaml'));
  await symlink('own.rego', join(sample.root, 'policies/authz/linked.rego'));
  await symlink('/nowhere', join(sample.root, 'grants/access/orders/.#lock'));
  const commit = await sample.commit();
  runGit(sample.root, 'update-index', '--add', '--cacheinfo', `160000,${commit},grants/apis/sub`);
  runGit(sample.root, 'commit', '--quiet', '--message', 'sub');
  const link = 'grants/apis/copy.yaml:"grants/apis/copy.yaml" is a symbolic link, expected a regular file';
  const policy =
    'policies/authz/linked.rego:"policies/authz/linked.rego" is a symbolic link, expected a regular file';
  const told = async (tree: Awaited<ReturnType<typeof workingTree>>) =>
    (await load(tree)).problems.map(({ file, message }) => `${file}:${message}`);
  assert.equal(await told(await workingTree(sample.root)), [link, policy]);
  assert.equal(await told(await gitTree(sample.root, 'HEAD')), [
    link,
    'grants/apis/sub:"grants/apis/sub" is a submodule, expected a regular file',
    policy,
  ]);
});
