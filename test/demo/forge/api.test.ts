import * as assert from 'node:assert/strict';
import { Octokit } from '@octokit/rest';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, refusal, where } from '../_northwind.ts';

const test = suite('forge API');
let world: Northwind;

test.before(async () => {
  world = await northwind({ users: [{ login: 'rita', token: 'reader-token', permission: 'read' }] });
});
test.after(() => world.close());

const as = (auth: string) =>
  new Octokit({
    auth,
    baseUrl: world.forge.api,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });

test('knows who calls by the token, and refuses a wrong one, next to none at all', async () => {
  assert.equal((await world.octokit.users.getAuthenticated()).data.login, 'grantgate-bot');
  assert.deepEqual(await refusal(as('wrong').pulls.list(where)), {
    status: 401,
    message: 'Bad credentials',
    errors: undefined,
  });
  assert.equal((await fetch(`${world.forge.api}/repos/northwind/access/pulls`)).status, 200);
  const anonymous = await fetch(`${world.forge.api}/repos/northwind/access/issues`, {
    method: 'POST',
    body: '{"title":"x"}',
  });
  assert.equal(anonymous.status, 401);
});

test('lets a reader ask and comment but not write', async () => {
  const issue = await world.octokit.issues.create({ ...where, title: 'Dashboard', body: 'All' });
  const reader = as('reader-token');
  const comment = await reader.issues.createComment({
    ...where,
    issue_number: issue.data.number,
    body: '/keep',
  });
  assert.equal(comment.data.user?.login, 'rita');
  const asked = await reader.issues.create({ ...where, title: 'May I?', labels: ['access-request'] });
  // Labels are for those who may write.
  assert.deepEqual([asked.data.user?.login, asked.data.labels], ['rita', []]);
  const labelled = reader.issues.addLabels({ ...where, issue_number: issue.data.number, labels: ['x'] });
  assert.equal((await refusal(labelled)).status, 403);
});

test('describes the repository and what a user may do there', async () => {
  const { data } = await world.octokit.repos.get(where);
  assert.deepEqual(
    [data.full_name, data.default_branch, data.permissions?.push, data.permissions?.admin],
    ['northwind/access', 'main', true, false],
  );
  const permission = (username: string) =>
    world.octokit.repos.getCollaboratorPermissionLevel({ ...where, username });
  assert.equal((await permission('maintainer')).data.permission, 'admin');
  assert.equal((await permission('rita')).data.permission, 'read');
  assert.equal((await refusal(permission('nobody'))).status, 404);
  assert.equal((await refusal(world.octokit.repos.get({ owner: 'northwind', repo: 'else' }))).status, 404);
});

test('opens a pull request with the fields clients use', async () => {
  const head = await world.push('fields', { 'grants.yaml': lines({ 4: 'four' }) });
  const base = await git(world.bare, 'rev-parse', 'main');
  const number = await world.open('fields', 'Title', 'Body');
  const { data } = await world.octokit.pulls.get({ ...where, pull_number: number });
  assert.deepEqual(
    {
      url: data.html_url,
      head: [data.head.ref, data.head.sha, data.head.label, data.head.repo.full_name],
      base: [data.base.ref, data.base.sha, data.base.label],
      is: [data.state, data.merged, data.mergeable, data.mergeable_state, data.draft],
      counts: [data.commits, data.additions, data.deletions, data.changed_files],
      user: data.user.login,
    },
    {
      url: `${world.forge.url}/northwind/access/pull/${number}`,
      head: ['fields', head, 'northwind:fields', 'northwind/access'],
      base: ['main', base, 'northwind:main'],
      is: ['open', false, true, 'clean', false],
      counts: [1, 1, 1, 1],
      user: 'grantgate-bot',
    },
  );
  const files = await world.octokit.pulls.listFiles({ ...where, pull_number: number });
  assert.deepEqual([files.data[0]?.filename, files.data[0]?.status], ['grants.yaml', 'modified']);
  assert.match(files.data[0]?.patch ?? '', /^@@ -1,7 \+1,7 @@\n line 1\n.*-line 4\n\+four\n/s);
  const commits = await world.octokit.pulls.listCommits({ ...where, pull_number: number });
  assert.deepEqual(
    commits.data.map((commit) => [commit.sha, commit.commit.author?.name]),
    [[head, 'Ann']],
  );
});

test('refuses pull requests as GitHub does: twins, nothing between, unknown branches, missing title', async () => {
  await world.push('twin', { 'grants.yaml': lines({ 8: 'eight' }) });
  const create = (more: object) =>
    refusal(world.octokit.pulls.create({ ...where, title: 'T', head: 'twin', base: 'main', ...more }));
  await world.open('twin');
  const validation = { status: 422, message: 'Validation Failed' };
  const custom = (message: string) => [{ resource: 'PullRequest', code: 'custom', message }];
  assert.deepEqual(await create({}), {
    ...validation,
    errors: custom('A pull request already exists for northwind:twin.'),
  });
  assert.deepEqual(await create({ head: 'main' }), {
    ...validation,
    errors: custom('No commits between northwind:main and northwind:main'),
  });
  for (const head of ['absent', '--help', '../main', 'else:twin'])
    assert.deepEqual((await create({ head })).errors, [
      { resource: 'PullRequest', field: 'head', code: 'invalid' },
    ]);
  assert.deepEqual((await create({ base: 'absent' })).errors, [
    { resource: 'PullRequest', field: 'base', code: 'invalid' },
  ]);
  assert.deepEqual((await create({ title: '', head: 'twin' })).errors, [
    { resource: 'PullRequest', code: 'missing_field', field: 'title' },
  ]);
});

test('takes a body of 65,536 characters and not one more', async () => {
  await world.push('long', { 'grants.yaml': lines({ 12: 'twelve' }) });
  const number = await world.open('long', 'Long', 'x'.repeat(65_536));
  const update = (body: string) => world.octokit.pulls.update({ ...where, pull_number: number, body });
  assert.equal((await refusal(update('x'.repeat(65_537)))).status, 422);
  assert.equal((await update('short')).data.body, 'short');
});

test('lists by state, head and base, in pages with links', async () => {
  for (const name of ['p1', 'p2', 'p3']) {
    await world.push(name, { [`${name}.yaml`]: `${name}\n` });
    await world.open(name);
  }
  const byHead = await world.octokit.pulls.list({ ...where, head: 'northwind:p2', state: 'all' });
  assert.deepEqual(
    byHead.data.map((pull) => pull.head.ref),
    ['p2'],
  );
  const first = await world.octokit.pulls.list({ ...where, per_page: 2 });
  assert.match(first.headers.link ?? '', /page=2>; rel="next"/);
  const all = await world.octokit.paginate(world.octokit.pulls.list, {
    ...where,
    per_page: 2,
    direction: 'asc',
  });
  const numbers = all.map((pull) => pull.number);
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  assert.ok(numbers.length >= 3 && new Set(numbers).size === numbers.length);
  assert.equal((await world.octokit.pulls.list({ ...where, base: 'else' })).data.length, 0);
});

test('keeps labels and comments on pull requests and issues alike', async () => {
  const { data: issue } = await world.octokit.issues.create({ ...where, title: 'I', labels: ['review'] });
  const target = { ...where, issue_number: issue.number };
  await world.octokit.issues.createLabel({ ...where, name: 'urgent', color: 'ff0000' });
  assert.equal((await refusal(world.octokit.issues.createLabel({ ...where, name: 'URGENT' }))).status, 422);
  await world.octokit.issues.addLabels({ ...target, labels: ['urgent'] });
  await world.octokit.issues.removeLabel({ ...target, name: 'review' });
  assert.equal((await refusal(world.octokit.issues.removeLabel({ ...target, name: 'review' }))).status, 404);
  const labels = await world.octokit.issues.listLabelsOnIssue(target);
  assert.deepEqual(
    labels.data.map((label) => [label.name, label.color]),
    [['urgent', 'ff0000']],
  );
  const { data: comment } = await world.octokit.issues.createComment({ ...target, body: 'one' });
  await world.octokit.issues.updateComment({ ...where, comment_id: comment.id, body: 'two' });
  const listed = await world.octokit.issues.listComments(target);
  assert.deepEqual(
    listed.data.map((entry) => entry.body),
    ['two'],
  );
  await world.octokit.issues.deleteComment({ ...where, comment_id: comment.id });
  assert.equal((await world.octokit.issues.listComments(target)).data.length, 0);
  const found = await world.octokit.issues.listForRepo({ ...where, labels: 'urgent' });
  assert.deepEqual(
    found.data.map((entry) => entry.number),
    [issue.number],
  );
  const closed = await world.octokit.issues.update({
    ...target,
    state: 'closed',
    state_reason: 'not_planned',
  });
  assert.deepEqual([closed.data.state, closed.data.state_reason], ['closed', 'not_planned']);
});
