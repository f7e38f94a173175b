import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, where } from '../_northwind.ts';

const test = suite('forge merges');
let world: Northwind;

test.before.each(async () => {
  world = await northwind();
});
test.after.each(() => world.close());

const onMain = (path = 'grants.yaml') => git(world.bare, 'show', `main:${path}`);

test('merges two pull requests that touch one file apart, keeping both', async () => {
  await world.push('a', { 'grants.yaml': lines({ 2: 'two' }) });
  await world.push('b', { 'grants.yaml': lines({ 18: 'eighteen' }) });
  const [a, b] = [await world.open('a'), await world.open('b')];
  const { data } = await world.octokit.pulls.merge({ ...where, pull_number: a, commit_title: 'First' });
  assert.equal(data.merged, true);
  await world.forge.merge(b);
  assert.equal(`${await onMain()}\n`, lines({ 2: 'two', 18: 'eighteen' }));
  assert.deepEqual((await git(world.bare, 'log', '--first-parent', '--format=%s', 'main')).split('\n'), [
    'Merge pull request #2 from northwind/b',
    'First',
    'Begin',
  ]);
  const merged = await world.octokit.pulls.get({ ...where, pull_number: a });
  assert.deepEqual(
    [merged.data.state, merged.data.merged, merged.data.merge_commit_sha, merged.data.merged_by?.login],
    ['closed', true, data.sha, 'grantgate-bot'],
  );
  assert.equal((await world.octokit.pulls.checkIfMerged({ ...where, pull_number: a })).status, 204);
});

test('refuses a conflict, names it unmergeable, and merges once the branch settles it', async () => {
  await world.push('a', { 'grants.yaml': lines({ 5: 'five' }) });
  await world.push('b', { 'grants.yaml': lines({ 5: 'cinq' }) });
  const [a, b] = [await world.open('a'), await world.open('b')];
  await world.forge.merge(a);
  const before = await git(world.bare, 'rev-parse', 'main');
  const { data } = await world.octokit.pulls.get({ ...where, pull_number: b });
  assert.deepEqual([data.mergeable, data.mergeable_state], [false, 'dirty']);
  await assert.rejects(world.octokit.pulls.merge({ ...where, pull_number: b }), { status: 405 });
  await assert.rejects(world.forge.merge(b), { code: 'api-error', status: 405 });
  assert.equal(await git(world.bare, 'rev-parse', 'main'), before);
  await world.push('b', { 'grants.yaml': lines({ 5: 'five, cinq' }) });
  assert.equal((await world.octokit.pulls.merge({ ...where, pull_number: b })).data.merged, true);
});

test('merges only the head the caller has seen', async () => {
  const seen = await world.push('a', { 'grants.yaml': lines({ 5: 'five' }) });
  const number = await world.open('a');
  const now = await world.push('a', { 'grants.yaml': lines({ 5: 'six' }) });
  await assert.rejects(world.octokit.pulls.merge({ ...where, pull_number: number, sha: seen }), {
    status: 409,
  });
  assert.equal((await world.octokit.pulls.merge({ ...where, pull_number: number, sha: now })).status, 200);
});

test('squashes into one commit with one parent, and rebases each with its own words', async () => {
  await world.push('b', { 'grants.yaml': lines({ 5: 'five', 9: 'nine' }) });
  await world.push('b', { 'third.yaml': 'third\n' }, 'b');
  const rebased = await world.open('b');
  await world.push('a', { 'grants.yaml': lines({ 15: 'fifteen' }) });
  await world.push('a', { 'more.yaml': 'more\n' }, 'a');
  const number = await world.open('a', 'Both');
  await world.octokit.pulls.merge({ ...where, pull_number: rebased, merge_method: 'rebase' });
  assert.equal(
    await git(world.bare, 'log', '-3', '--format=%s %an', 'main'),
    'Change third.yaml Ann\nChange grants.yaml Ann\nBegin Ann',
  );
  await world.octokit.pulls.merge({ ...where, pull_number: number, merge_method: 'squash' });
  assert.equal(await git(world.bare, 'log', '-1', '--format=%s', 'main'), `Both (#${number})`);
  assert.equal((await git(world.bare, 'log', '-1', '--format=%P', 'main')).split(' ').length, 1);
});

test('merges nothing twice, nothing closed, and no draft', async () => {
  await world.push('a', { 'grants.yaml': lines({ 5: 'five' }) });
  const number = await world.open('a');
  await world.octokit.pulls.update({ ...where, pull_number: number, state: 'closed' });
  await assert.rejects(world.octokit.pulls.merge({ ...where, pull_number: number }), { status: 405 });
  await world.octokit.pulls.update({ ...where, pull_number: number, state: 'open' });
  await world.octokit.pulls.merge({ ...where, pull_number: number });
  await assert.rejects(world.octokit.pulls.merge({ ...where, pull_number: number }), { status: 405 });
  await assert.rejects(world.octokit.pulls.update({ ...where, pull_number: number, state: 'open' }), {
    status: 422,
  });
  await world.push('b', { 'grants.yaml': lines({ 9: 'nine' }) });
  const draft = await world.octokit.pulls.create({
    ...where,
    title: 'D',
    head: 'b',
    base: 'main',
    draft: true,
  });
  await assert.rejects(world.octokit.pulls.merge({ ...where, pull_number: draft.data.number }), {
    status: 405,
  });
});

test('of pull requests merged at the same moment none is lost, and of one merged twice at once one wins', async () => {
  const numbers: number[] = [];
  for (const line of [2, 6, 10, 14, 18]) {
    await world.push(`b${line}`, { 'grants.yaml': lines({ [line]: `changed ${line}` }) });
    numbers.push(await world.open(`b${line}`));
  }
  const outcomes = await Promise.allSettled(
    [...numbers, numbers[0] ?? 0].map((pull_number) => world.octokit.pulls.merge({ ...where, pull_number })),
  );
  assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, numbers.length);
  const text = await onMain();
  for (const line of [2, 6, 10, 14, 18]) assert.ok(text.includes(`changed ${line}`));
});

test('a push to main that races merges loses nothing either', async () => {
  await world.push('a', { 'grants.yaml': lines({ 2: 'two' }) });
  await world.push('b', { 'grants.yaml': lines({ 10: 'ten' }) });
  const numbers = [await world.open('a'), await world.open('b')];
  const pushing = world
    .push('c', { 'other.yaml': 'other\n' })
    .then(() => git(world.work, 'push', '--quiet', 'origin', 'c:main').catch(() => 'not a fast-forward'));
  await Promise.all(numbers.map((number) => world.forge.merge(number)));
  const pushed = await pushing;
  const text = await onMain();
  assert.ok(text.includes('two') && text.includes('ten'));
  if (pushed !== 'not a fast-forward') assert.equal(await onMain('other.yaml'), 'other');
});
