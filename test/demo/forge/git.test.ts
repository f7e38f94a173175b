import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBranchName, isRefName } from '../../../demo/forge/git/refName.ts';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, where } from '../_northwind.ts';

const test = suite('forge over git');
let world: Northwind;

test.before(async () => {
  world = await northwind({ users: [{ login: 'rita', token: 'reader-token', permission: 'read' }] });
});
test.after(() => world.close());

const address = (password: string) => world.forge.cloneUrl.replace('http://', `http://x:${password}@`);

test('serves clones without a token and takes pushes with one', async () => {
  const sha = await world.push('topic', { 'grants.yaml': lines({ 2: 'two' }) });
  const folder = await mkdtemp(join(tmpdir(), 'clone-'));
  try {
    await git(folder, 'clone', '--quiet', '--branch', 'topic', world.forge.cloneUrl, 'copy');
    assert.equal(await git(join(folder, 'copy'), 'rev-parse', 'HEAD'), sha);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('refuses a push without a token, with a wrong one, and from a reader', async () => {
  const before = await git(world.bare, 'rev-parse', 'main');
  const tryPush = (url: string) => git(world.work, 'push', '--quiet', url, 'HEAD:refs/heads/main');
  await assert.rejects(tryPush(world.forge.cloneUrl), /could not read Username/);
  await assert.rejects(tryPush(address('wrong')), /Authentication failed/);
  await assert.rejects(tryPush(address('reader-token')), /403/);
  assert.equal(await git(world.bare, 'rev-parse', 'main'), before);
});

test('takes no push to the refs of pull requests, nor the deletion of main', async () => {
  await assert.rejects(git(world.work, 'push', '--quiet', 'origin', 'HEAD:refs/pull/9/head'));
  await assert.rejects(git(world.work, 'push', '--quiet', 'origin', ':refs/heads/main'));
});

test('takes a push of many megabytes', async () => {
  const sha = await world.push('large', { 'large.bin': 'x'.repeat(4_000_000) + Math.random().toString() });
  assert.equal(await git(world.bare, 'rev-parse', 'large'), sha);
});

test('keeps the commits of a pull request under refs/pull after its branch is gone, and closes it', async () => {
  const sha = await world.push('short-lived', { 'grants.yaml': lines({ 9: 'nine' }) });
  const number = await world.open('short-lived');
  await git(world.work, 'push', '--quiet', 'origin', ':refs/heads/short-lived');
  const { data } = await world.octokit.pulls.get({ ...where, pull_number: number });
  assert.equal(data.state, 'closed');
  assert.equal(data.merged, false);
  await git(world.work, 'fetch', '--quiet', 'origin', `refs/pull/${number}/head`);
  assert.equal(await git(world.work, 'rev-parse', 'FETCH_HEAD'), sha);
});

test('follows pushes to an open pull request, and notices a merge made by pushing', async () => {
  await world.push('follow', { 'grants.yaml': lines({ 5: 'five' }) });
  const number = await world.open('follow');
  const head = await world.push('follow', { 'grants.yaml': lines({ 5: 'cinq' }) });
  const followed = await world.octokit.pulls.get({ ...where, pull_number: number });
  assert.equal(followed.data.head.sha, head);
  await git(world.work, 'push', '--quiet', 'origin', 'follow:main');
  const merged = await world.octokit.pulls.get({ ...where, pull_number: number });
  assert.deepEqual([merged.data.merged, merged.data.merge_commit_sha], [true, head]);
});

test('notices commits pushed straight into the bare repository', async () => {
  await world.push('aside', { 'grants.yaml': lines({ 7: 'seven' }) });
  const number = await world.open('aside');
  await writeFile(join(world.work, 'more.txt'), 'more\n');
  await git(world.work, 'add', '.');
  await git(world.work, 'commit', '--quiet', '-m', 'More');
  await git(world.work, 'push', '--quiet', world.bare, 'HEAD:aside');
  const { data } = await world.octokit.pulls.get({ ...where, pull_number: number });
  assert.deepEqual([data.commits, data.changed_files], [2, 2]);
});

test('reads packed refs as well as loose ones', async () => {
  await git(world.bare, 'pack-refs', '--all', '--prune');
  const { data } = await world.octokit.git.getRef({ ...where, ref: 'heads/topic' });
  assert.equal(data.object.sha, await git(world.bare, 'rev-parse', 'topic'));
  const sha = await world.push('topic', { 'grants.yaml': lines({ 2: 'deux' }) });
  const pulls = await fetch(`${world.forge.url}/northwind/access/tree/topic`);
  assert.ok((await pulls.text()).includes(sha.slice(0, 8)));
});

test('leads nowhere else: no other repository, no other file', async () => {
  for (const path of [
    '/northwind/other.git/info/refs?service=git-upload-pack',
    '/northwind/access.git/config',
    '/northwind/access.git/forge.json',
    '/northwind/access.git/objects/info/packs',
    '/northwind/access.git/../access.git/config',
    '/northwind/access.git/info/refs/..%2f..%2fconfig',
  ])
    assert.equal((await fetch(world.forge.url + path)).status, 404, path);
  const right = `${world.forge.cloneUrl}/info/refs?service=git-upload-pack`;
  assert.equal((await fetch(right)).status, 200);
});

test('judges ref names as git does', async () => {
  const names = [
    'main',
    'a/b',
    'a.b',
    'a..b',
    '.a',
    'a/.b',
    'a.lock',
    'a b',
    'a~b',
    'a:b',
    'a\\b',
    'a@{b',
    'a/',
    'a//b',
    'a.',
    'é',
  ];
  for (const name of names) {
    const accepted = await git(world.bare, 'check-ref-format', `refs/heads/${name}`).then(
      () => true,
      () => false,
    );
    assert.equal(isRefName(`refs/heads/${name}`), accepted, name);
  }
  assert.equal(isBranchName('-x'), false);
  assert.equal(isBranchName('x'), true);
});

test('keeps pull requests, comments and labels over a restart', async () => {
  const own = await northwind();
  try {
    await own.push('kept', { 'grants.yaml': lines({ 3: 'three' }) });
    const number = await own.open('kept', 'Kept');
    await own.octokit.issues.createComment({ ...where, issue_number: number, body: 'Remember' });
    await own.octokit.issues.addLabels({ ...where, issue_number: number, labels: ['dormant'] });
    await own.restart();
    const { data } = await own.octokit.pulls.get({ ...where, pull_number: number });
    assert.deepEqual([data.title, data.comments, data.labels[0]?.name], ['Kept', 1, 'dormant']);
    await own.push('next', { 'grants.yaml': lines({ 4: 'four' }) });
    assert.equal(await own.open('next'), number + 1);
  } finally {
    await own.close();
  }
});
