import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { recountScope } from '../../reviewer/recountScope.ts';
import { suite } from '../_suite.ts';
import { beginRepository, commitAll } from '../bundle/_repository.ts';
import { base } from './_review.ts';

const test = suite('the population counted again');

const root = await mkdtemp(join(tmpdir(), 'grantgate-recount-'));
test.after(() => rm(root, { recursive: true, force: true }));
beginRepository(root);
const write = async (path: string, text: string) => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};
for (const [path, text] of Object.entries(base)) if (text !== null) await write(path, text);
const valid = commitAll(root, 'valid', '2026-11-01T10:00:00Z');
await write('grants/apis/orders.yaml', 'api: [');
const broken = commitAll(root, 'broken', '2026-11-02T10:00:00Z');

const count = (commit: string, repository = root) =>
  recountScope({ commit, scope: null }, { repository, folder: '' });

test('counts what a commit holds; one that is gone or not valid cannot be evaluated', async () => {
  assert.equal((await count(valid))?.grants, 0);
  assert.equal(await count('0123456789'.repeat(4)), null);
  assert.equal(await count(broken), null);
});

test('what keeps a commit from being read is an error, not a commit that is gone', async () => {
  await assert.rejects(count(valid, tmpdir()), { name: 'GitError', code: 'git-failed' });
});
