import * as assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assemble } from '../../../bundle/assemble.ts';
import { check } from '../../../bundle/check.ts';
import { diffRevisions } from '../../../bundle/diff/diffRevisions.ts';
import { folderIn, gitTree, workingTree } from '../../../bundle/git/tree.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { evaluateWasm } from '../../../gateway/decision/evaluator.ts';
import { createPrepare } from '../../../gateway/decision/prepare.ts';
import { explain } from '../../../gateway/explain/explain.ts';
import { explainRepository } from '../../../gateway/explain/explainRepository.ts';
import { readQuestion } from '../../../gateway/explain/readQuestion.ts';
import { openSnapshot } from '../../../gateway/revision/snapshot.ts';
import { parseSource, sourceName } from '../../../gateway/source/contract/parseSource.ts';
import { openSource } from '../../../gateway/source/openSource.ts';
import { readCommits } from '../../../reviewer/evidence/commits/readCommits.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../_opa.ts';
import { runGit, type SampleTree, sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('grants in a folder of a repository');
const payments = 'grants/access/payments/billing.yaml';
const below = (path: string) => `infra/access/${path}`;

/** A repository whose root holds other grants, and that has three commits more than its folder. */
let repository: SampleTree;
let root: string;
let commit: string;
test.before(async () => {
  repository = await sampleTree({}, { git: true });
  for (const [path, text] of Object.entries(sampleFiles)) await repository.write({ [below(path)]: text });
  await repository.commit({}, 'access: move in');
  await repository.commit({ 'grants/access/orders/commerce.yaml': null });
  commit = await repository.commit({ 'README.md': 'Ours and yours\n' });
  root = join(repository.root, 'infra/access');
});
test.after(() => repository.remove());

test('is found by its folder on disk, in a commit and in a bare repository, and all commits count', async () => {
  const bare = await folder();
  try {
    runGit(bare.path, 'clone', '--quiet', '--bare', repository.root, 'bare.git');
    const trees = [
      await workingTree(root),
      await gitTree(root, 'HEAD'),
      await gitTree(repository.root, 'HEAD', 'infra/access'),
      await gitTree(join(bare.path, 'bare.git'), 'main', 'infra/access/'),
    ];
    for (const tree of trees) {
      assert.deepEqual([tree.revision, tree.counter], [commit, 4]);
      assert.deepEqual(await tree.list(), Object.keys(sampleFiles).sort());
      const [bytes] = (await tree.read([payments])).values();
      assert.equal(String(bytes), sampleFiles[payments]);
    }
    assert.deepEqual(await (await gitTree(repository.root, 'HEAD', 'infra')).list(), []);
    assert.deepEqual(
      [await folderIn(root), await folderIn(repository.root), await folderIn(join(repository.root, 'infra'))],
      ['infra/access/', '', ''],
    );
  } finally {
    await bare.remove();
  }
});

test('a folder that a repository never held anything in is none of its folders', async () => {
  const inside = join(repository.root, 'scratch');
  await repository.write(
    Object.fromEntries(Object.entries(sampleFiles).map(([path, text]) => [`scratch/${path}`, text])),
  );
  try {
    const { revision, counter } = await workingTree(inside);
    assert.deepEqual([revision, counter], [null, 0]);
    assert.deepEqual((await check(inside)).problems, []);
  } finally {
    await rm(inside, { recursive: true });
  }
});

test('a source with a folder gives the bundle that is built there', async () => {
  const state = await folder();
  const url = `git+file://${repository.root}#main:infra/access`;
  const source = openSource({ url, stateFolder: state.path }, { evaluator: evaluateWasm });
  try {
    assert.equal(source.name, url);
    const found = await source.next({ signal: AbortSignal.timeout(60_000) });
    const built = await assemble({ tree: await gitTree(root, 'HEAD'), opa: await findOpa() });
    const onDisk = await assemble({ tree: await workingTree(root), opa: await findOpa() });
    assert.deepEqual([found?.bundle.digest, found?.bundle.counter], [built.digest, 4]);
    assert.deepEqual([onDisk.digest, onDisk.grants], [built.digest, 5]);
    const other = await assemble({ tree: await gitTree(repository.root, 'HEAD'), opa: await findOpa() });
    assert.notEqual(other.digest, built.digest);
  } finally {
    await source.close();
    await state.remove();
  }
});

test('names a folder in the address of a source, and nothing that leads out of it', () => {
  const url = 'git+https://git.example.com/access.git';
  const address = parseSource(`${url}#live:infra/access`);
  assert.ok(address.kind === 'git');
  assert.deepEqual([address.branch, address.folder], ['live', 'infra/access']);
  assert.equal(sourceName(address), `${url}#live:infra/access`);
  assert.equal(sourceName(parseSource(url)), `${url}#main`);
  for (const wrong of [
    ':',
    ':a:b',
    ':/a',
    ':a/',
    ':a//b',
    ':..',
    ':a/../b',
    ':.',
    ':-a',
    ':a b',
    ':a*',
    ':(top)a',
  ])
    assert.throws(() => parseSource(`${url}#main${wrong}`), { code: 'source-invalid' }, wrong);
});

test('check and diff look at the folder and its history only', async () => {
  const told = async () => (await check(root)).problems.map(formatProblem);
  assert.deepEqual(await told(), []);
  const base = commit;
  await repository.commit({ [below(payments)]: null });
  const gone = await diffRevisions({ repository: root, base, head: 'HEAD', mergeBase: false, at: null });
  assert.ok(gone.changes.length > 0);
  const same = await diffRevisions({
    ...{ repository: repository.root, base, head: 'HEAD' },
    ...{ mergeBase: false, at: null },
  });
  assert.deepEqual(same.changes, []);
  const text = String(sampleFiles[payments]).replace('group:billing', 'group:commerce');
  await repository.write({ [below(payments)]: text });
  assert.match(String(await told()), /^grants\/access\/payments\/billing.yaml:1:3: .* was used before/);
  await repository.commit({ [below(payments)]: String(sampleFiles[payments]) });
});

test('explains who granted what, from the folder on disk and from a mirror', async () => {
  const mirror = await folder();
  try {
    const bare = join(mirror.path, 'bare.git');
    runGit(mirror.path, 'clone', '--quiet', '--bare', repository.root, bare);
    const now = Date.parse('2026-11-23T10:00:00Z');
    const asked = { subject: 'service:invoicer', api: 'orders', operation: 'listOrders' };
    const here = async (revision?: string) =>
      (await explainRepository({ root, ...asked, ...(revision && { revision }) }, { nowMs: now }))
        .explanation;
    const there = async () => {
      const tree = await gitTree(bare, 'main', 'infra/access');
      const snapshot = openSnapshot(createPrepare()(await assemble({ tree, opa: await findOpa() })), 0);
      const files = { tree, revision: tree.revision, history: true };
      return explain(snapshot, readQuestion(asked, snapshot, now), files);
    };
    for (const explanation of [await here(), await here('HEAD'), await there()]) {
      const origin = explanation.grants.find(({ id }) => id === 'orders-invoicer-read')?.origin;
      assert.equal(origin?.file, 'grants/access/orders/commerce.yaml');
      assert.equal(origin?.added?.subject, 'access: move in');
    }
  } finally {
    await mirror.remove();
  }
});

test('the history of grants names files by their paths in the folder', async () => {
  const trees = [await workingTree(root), await gitTree(repository.root, 'HEAD', 'infra/access')];
  for (const tree of trees) {
    const paths: string[] = [];
    for await (const { files } of readCommits(tree, 0)) paths.push(...files.map(({ path }) => path));
    assert.deepEqual(
      [...new Set(paths)].sort(),
      Object.keys(sampleFiles)
        .filter((path) => /^grants\/(?:(?:access|apis|directory)\/|networks\.yaml$)/.test(path))
        .sort(),
    );
  }
});
