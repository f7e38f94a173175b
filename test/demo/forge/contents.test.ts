import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, refusal, where } from '../_northwind.ts';

const test = suite('forge API over refs and contents');
let world: Northwind;

test.before(async () => {
  world = await northwind();
});
test.after(() => world.close());

test('creates, moves and deletes branches, forward only unless forced', async () => {
  const main = await git(world.bare, 'rev-parse', 'main');
  const ahead = await world.push('ahead', { 'ahead.yaml': 'x\n' });
  const refs = world.octokit.git;
  await refs.createRef({ ...where, ref: 'refs/heads/api/made', sha: main });
  const made = { ...where, ref: 'heads/api/made' };
  assert.equal(
    (await refusal(refs.createRef({ ...where, ref: 'refs/heads/api/made', sha: main }))).status,
    422,
  );
  assert.equal((await refusal(refs.createRef({ ...where, ref: 'refs/pull/1/head', sha: main }))).status, 422);
  assert.equal((await refusal(refs.createRef({ ...where, ref: 'refs/heads/-x', sha: main }))).status, 422);
  await refs.updateRef({ ...made, sha: ahead });
  assert.equal((await refusal(refs.updateRef({ ...made, sha: main }))).status, 422);
  await refs.updateRef({ ...made, sha: main, force: true });
  const matching = await refs.listMatchingRefs({ ...where, ref: 'heads/api/' });
  assert.deepEqual(
    matching.data.map((entry) => [entry.ref, entry.object.sha]),
    [['refs/heads/api/made', main]],
  );
  await refs.deleteRef(made);
  assert.equal((await refusal(refs.getRef(made))).status, 404);
  assert.equal((await refusal(refs.deleteRef({ ...where, ref: 'heads/main' }))).status, 422);
});

test('reads files, folders, commits and comparisons; no path leads out', async () => {
  await world.push('ahead', { 'ahead.yaml': 'x\n' });
  const file = await world.octokit.repos.getContent({ ...where, path: 'grants.yaml' });
  assert.ok(!Array.isArray(file.data) && file.data.type === 'file' && 'content' in file.data);
  assert.equal(Buffer.from(file.data.content, 'base64').toString(), lines());
  const root = await world.octokit.repos.getContent({ ...where, path: '' });
  assert.ok(Array.isArray(root.data) && root.data[0]?.name === 'grants.yaml');
  for (const path of ['absent', '..%2F..%2Fetc%2Fpasswd', '%2Fetc%2Fpasswd', 'a%00b'])
    assert.equal(
      (await fetch(`${world.forge.api}/repos/northwind/access/contents/${path}`)).status,
      404,
      path,
    );
  for (const ref of ['--output=x', 'main:grants.yaml', 'main~1', 'absent'])
    assert.equal(
      (await refusal(world.octokit.repos.getContent({ ...where, path: 'grants.yaml', ref }))).status,
      404,
      ref,
    );
  const compared = await world.octokit.repos.compareCommitsWithBasehead({
    ...where,
    basehead: 'main...ahead',
  });
  assert.deepEqual([compared.data.status, compared.data.ahead_by], ['ahead', 1]);
  const commit = await world.octokit.repos.getCommit({ ...where, ref: 'ahead' });
  assert.deepEqual(
    commit.data.files?.map((entry) => entry.filename),
    ['ahead.yaml'],
  );
});

test('keeps commit statuses and check runs, the newest counting', async () => {
  const sha = await git(world.bare, 'rev-parse', 'main');
  const status = (state: 'success' | 'failure') =>
    world.octokit.repos.createCommitStatus({ ...where, sha, state, context: 'replay' });
  await status('failure');
  await status('success');
  const combined = await world.octokit.repos.getCombinedStatusForRef({ ...where, ref: 'main' });
  assert.deepEqual([combined.data.state, combined.data.total_count], ['success', 1]);
  const run = await world.octokit.checks.create({ ...where, name: 'grantgate', head_sha: sha });
  assert.equal(run.data.status, 'queued');
  await world.octokit.checks.update({ ...where, check_run_id: run.data.id, conclusion: 'success' });
  const runs = await world.octokit.checks.listForRef({ ...where, ref: 'main' });
  assert.deepEqual(
    runs.data.check_runs.map((entry) => [entry.status, entry.conclusion]),
    [['completed', 'success']],
  );
});

test('takes annotations of a check run within the limits of a call, and adds up those of several', async () => {
  const sha = await git(world.bare, 'rev-parse', 'main');
  const note = (line: number, message = 'wrong') => ({
    ...{ path: 'a.yaml', start_line: line, end_line: line, annotation_level: 'failure' as const, message },
  });
  const output = (count: number, summary = 'much') => ({
    ...{ title: 'Check', summary, annotations: Array.from({ length: count }, (_, i) => note(i + 1)) },
  });
  const run = { ...where, name: 'annotated', head_sha: sha };
  const made = await world.octokit.checks.create({ ...run, output: output(50) });
  const more = { ...where, check_run_id: made.data.id };
  await world.octokit.checks.update({ ...more, output: output(7), conclusion: 'failure' });
  const listed = await world.octokit.checks.listAnnotations({ ...more, per_page: 100 });
  assert.deepEqual([listed.data.length, listed.data[0]?.path, listed.data[0]?.start_line], [57, 'a.yaml', 1]);
  for (const wrong of [output(51), output(1, 'x'.repeat(65_536)), { ...output(0), annotations: [note(0)] }])
    await assert.rejects(world.octokit.checks.create({ ...run, output: wrong }), { status: 422 });
});
