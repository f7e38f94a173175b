import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { workingTree } from '../../../../bundle/git/tree.ts';
import { grantsAt } from '../../../../reviewer/console/past/grantsAt.ts';
import { suite } from '../../../_suite.ts';
import { beginRepository, commitAll } from '../../../bundle/_repository.ts';
import { access } from '../../_review.ts';

const test = suite('grants as a commit has them');

const root = await mkdtemp(join(tmpdir(), 'grantgate-grants-at-'));
test.after(() => rm(root, { recursive: true, force: true }));
beginRepository(root);
const files = access([{ id: 'one' }, { id: 'two' }]);
for (const [path, text] of Object.entries(files)) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text ?? '');
}
const commit = commitAll(root, 'two grants', '2026-11-01T10:00:00Z');
const tree = await workingTree(root);

test('a grant is found by its file and line, and one that is not there is left out', async () => {
  const [found, ...others] = (await grantsAt(tree, commit, ['two', 'none'])) ?? [];
  assert.deepEqual([found?.id, found?.file, others], ['two', Object.keys(files)[0], []]);
  assert.match(found?.text ?? '', /id: two/);
  assert.deepEqual(await grantsAt(tree, commit, ['none']), []);
  assert.equal(await grantsAt(tree, '0123456789'.repeat(4), ['two']), null);
});

test('what keeps Git from looking is an error, not a grant that is not there', async () => {
  await assert.rejects(grantsAt({ ...tree, root: tmpdir() }, commit, ['two']), { code: 'git-failed' });
  const objects = join(root, '.git', 'objects');
  for (const folder of await readdir(objects))
    if (/^[0-9a-f]{2}$/.test(folder) && !commit.startsWith(folder))
      await rm(join(objects, folder), { recursive: true });
  await assert.rejects(grantsAt(tree, commit, ['two']), { code: 'git-failed' });
});
