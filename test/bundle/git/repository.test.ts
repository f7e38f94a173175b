import * as assert from 'node:assert/strict';
import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from '../../_suite.ts';
import { runGit, sampleTree } from '../_organisation.ts';

const test = suite('repositories of tests');

test('what tests commit without Git is what Git would commit', async () => {
  const sample = await sampleTree(
    { 'a.b': '1', 'a/b': '2', 'a/c/d': '', a0: '3', 'ä b': '4' },
    { git: true },
  );
  try {
    await chmod(join(sample.root, 'a0'), 0o755);
    await symlink('a0', join(sample.root, 'link'));
    const commit = await sample.commit({ 'a/b': null, more: 'x' }, 'grants: more');
    const said = (...args: string[]) => runGit(sample.root, ...args).trim();
    assert.equal(said('rev-parse', 'HEAD', 'refs/heads/main'), `${commit}\n${commit}`);
    assert.equal(said('status', '--porcelain'), '');
    assert.equal(said('fsck', '--strict'), '');
    // The same, by Git: on top of the same commit, from an index of its own.
    runGit(sample.root, 'read-tree', '--empty');
    runGit(sample.root, 'add', '--all');
    runGit(sample.root, 'reset', '--quiet', '--soft', 'HEAD~');
    runGit(sample.root, 'commit', '--quiet', '--message', 'grants: more');
    assert.equal(said('rev-parse', 'HEAD'), commit);
  } finally {
    await sample.remove();
  }
});
