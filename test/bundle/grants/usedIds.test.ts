import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { usedIds } from '../../../bundle/grants/usedIds.ts';
import { suite } from '../../_suite.ts';
import { runGit, type SampleTree, sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('usedIds');
const file = 'grants/access/payments/billing.yaml';
const original = sampleFiles[file] ?? '';
const reused = original.replace('principal: group:billing', 'principal: group:commerce');
let sample: SampleTree;
test.before.each(async () => {
  sample = await sampleTree({}, { git: true });
});
test.after.each(() => sample.remove());
const found = async (revision = 'HEAD') =>
  (await usedIds(sample.root, revision)).map(({ file: path, line, code }) => `${path}:${line} ${code}`);

test('refuses an id that was deleted and now names another grant', async () => {
  await sample.commit({ [file]: null });
  await sample.commit({ [file]: reused });
  assert.equal(await found(), [`${file}:1 used-id`]);
  const [told] = await usedIds(sample.root, 'HEAD');
  assert.match(
    String(told?.message),
    /^the grant id "payments-billing-pay" was used before, for group:billing on payments until commit [0-9a-f]{12}, expected a new id$/,
  );
});

test('lets the same grant come back, by hand or by git revert', async () => {
  const deletion = await sample.commit({ [file]: '# none left\n' });
  runGit(sample.root, 'revert', '--no-edit', deletion);
  assert.equal(await found(), []);
});

test('moving a grant to another file is no deletion', async () => {
  await sample.commit({ [file]: null, 'grants/access/payments/team.yaml': original });
  await sample.commit({
    [file]: original.replace('role: payer', 'role: approver'),
    'grants/access/payments/team.yaml': null,
  });
  assert.equal(await found(), []);
});

test('a deletion on a branch counts once the branch is merged', async () => {
  runGit(sample.root, 'checkout', '--quiet', '-b', 'side');
  await sample.commit({ [file]: null });
  runGit(sample.root, 'checkout', '--quiet', 'main');
  await sample.commit({ 'notes.txt': 'x' });
  runGit(sample.root, 'merge', '--quiet', '--no-ff', '--no-edit', 'side');
  await sample.commit({ [file]: reused });
  assert.equal(await found(), [`${file}:1 used-id`]);
});

test('judges grants that are not committed yet', async () => {
  await sample.commit({ [file]: null });
  const place = { file, line: 7, column: 3 };
  const grant = { id: 'payments-billing-pay', principal: 'group:commerce', api: 'payments', place };
  assert.equal(
    (await usedIds(sample.root, 'HEAD', [grant])).map(({ line }) => line),
    [7],
  );
  assert.equal(await usedIds(sample.root, 'HEAD', [{ ...grant, principal: 'group:billing' }]), []);
});

test('searches a shallow clone as far as it reaches', async () => {
  await sample.commit({ [file]: null });
  await sample.commit({ [file]: reused });
  await sample.commit({ 'notes.txt': 'x' });
  for (const [depth, expected] of [
    [1, 0],
    [2, 0],
    [4, 1],
  ] as const) {
    const clone = join(sample.root, `clone-${depth}`);
    runGit(sample.root, 'clone', '--quiet', '--depth', String(depth), `file://${sample.root}`, clone);
    assert.is((await usedIds(clone, 'HEAD')).length, expected, `depth ${depth}`);
  }
});
