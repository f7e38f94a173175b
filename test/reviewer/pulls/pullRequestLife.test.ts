import * as assert from 'node:assert/strict';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, type Files, type GrantText } from '../_review.ts';
import { actions, call, closeWorlds, idle, standard, type World, world } from '../_world.ts';

const test = suite('the life of a pull request');
test.after.each(closeWorlds);

const [ofAnn, busy] = standard as [GrantText, GrantText];
const branch = 'grantgate/review/group-desk/removal';

type Pull = { state: string; merged: boolean; title: string; body: string; head: { sha: string } };

const pullOf = (here: World, number: number) => call<Pull>(here, 'GET', `/pulls/${number}`);
const done = ({ pulls }: Awaited<ReturnType<World['apply']>>) =>
  pulls.map(
    ({ action, number, reason }) => `${action} ${number}${reason === undefined ? '' : `: ${reason}`}`,
  );

test('one whose cause is gone is closed, saying why', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await here.push(access([busy]));
  assert.deepEqual(done(await here.apply()), ['closed 1: `idle` is not granted any more']);
  const closed = await pullOf(here, 1);
  assert.deepEqual([closed.state, closed.merged], ['closed', false]);
  const comments = await call<{ body: string }[]>(here, 'GET', '/issues/1/comments');
  assert.deepEqual(
    comments.map(({ body }) => body),
    ['Closed, for its cause is gone: `idle` is not granted any more.'],
  );
  assert.deepEqual(done(await here.apply()), []);
  // Put back, it is as good as new: the silence before says nothing.
  await here.push(access([ofAnn, busy]));
  assert.deepEqual(done(await here.apply()), []);
});

/** Takes the cause away for as long as nobody takes it out again. */
const exempt = (here: World): Files => ({
  'grants/review.yaml': `${here.here.git('show', 'main:grants/review.yaml')}exemptions:\n  - { grant: idle, detector: never-used, reason: r, until: 2027-01-31 }\n`,
});
const notExempt = (here: World): Files => ({
  'grants/review.yaml': here.here.git('show', 'main:grants/review.yaml'),
});

test('one whose cause comes back is opened again rather than doubled', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await here.push(exempt(here));
  assert.match(done(await here.apply()).join(), /^closed 1: /);
  assert.deepEqual(done(await here.apply()), []);
  // What the review closed itself is nobody's answer.
  await here.push(notExempt(here));
  assert.deepEqual(done(await here.apply()), ['reopened 1']);
  const again = await pullOf(here, 1);
  assert.equal(again.state, 'open');
  assert.equal(parseBody(again.body)?.commit, again.head.sha);
  assert.deepEqual(done(await here.apply()), ['unchanged 1']);
});

test('one that GitHub would not open again gets another', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await here.push(exempt(here));
  await here.apply();
  await here.push(notExempt(here));
  // Somebody pushed over the branch while it was closed.
  here.bare('update-ref', `refs/heads/${branch}`, 'main');
  assert.deepEqual(done(await here.apply()), ['opened 2']);
});

test('an exemption closes it; a part that is gone leaves its text and its branch', async () => {
  const here = await world([ofAnn, busy, { id: 'idle-too', rest: idle }]);
  await here.apply();
  await here.push({
    'grants/review.yaml': `${here.here.git('show', 'HEAD:grants/review.yaml')}exemptions:\n  - { grant: idle, detector: never-used, reason: r, until: 2027-01-31 }\n`,
  });
  assert.deepEqual(done(await here.apply()), ['updated 1']);
  const less = await pullOf(here, 1);
  assert.deepEqual(
    parseBody(less.body)?.entries.map(({ grant }) => grant),
    ['idle-too'],
  );
  assert.doesNotMatch(less.body, /revoke `idle`/);
  assert.doesNotMatch(here.bare('diff', 'main', branch), /^-- id: idle$/m);
});

test('one whose merge would make the base invalid is made right', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  // Merges without a conflict, and then names a grant that is gone.
  await here.push({
    'grants/review.yaml': `${here.here.git('show', 'HEAD:grants/review.yaml')}exemptions:\n  - { grant: idle, detector: dormant, reason: r, until: 2027-01-31 }\n`,
  });
  assert.deepEqual(done(await here.apply()), ['updated 1']);
  await here.forge.merge(1);
  assert.equal((await here.apply()).error, null);
  assert.match(here.bare('show', 'main:grants/review.yaml'), /exemptions: \[\]/);
});

test('an approved one is not extended: what is new gets another; a conflict alone moves it', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await call(here, 'POST', '/pulls/1/reviews', { event: 'APPROVE' });
  const before = await pullOf(here, 1);
  await here.push(access([ofAnn, busy, { id: 'idle-too', rest: idle }]), 'main', 30);
  assert.deepEqual(actions(await here.apply()), [
    'unchanged group-desk/removal idle',
    'opened group-desk/removal-2 idle-too',
  ]);
  const after = await pullOf(here, 1);
  assert.deepEqual([after.head.sha, after.body], [before.head.sha, before.body]);
  assert.deepEqual(done(await here.apply()), ['unchanged 1', 'unchanged 2']);
  // Without the first, the second stays what it is.
  await here.forge.merge(1);
  const [second] = (await here.apply()).pulls;
  assert.deepEqual([second?.number, second?.grants], [2, ['idle-too']]);
});

test('a branch that was squashed away, with a commit by somebody on it, holds nobody', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await here.push({ 'grants/access/orders/README.md': 'kept it\n' }, branch);
  // So that what comes after it may have been idle since.
  here.clock.now = Date.parse(daysAgo(31));
  await here.forge.merge(1, { method: 'squash' });
  here.clock.now = asOfMs;
  const left = here.bare('rev-parse', branch);
  await here.push(access([busy, { id: 'idle-too', rest: idle }]), 'main', 30);
  assert.deepEqual(actions(await here.apply()), ['opened group-desk/removal-2 idle-too']);
  assert.equal(here.bare('rev-parse', branch), left);
});

test('a change taken out of the branch and merged is a decision, and remembered as one', async () => {
  const ended = (id: string) => ({ id, rest: 'role: reader\nexpires: 2026-11-01' });
  const here = await world([ended('ended'), busy, ended('ended-too')]);
  const [opened] = (await here.apply()).pulls;
  assert.ok(opened);
  await here.push(access([ended('ended'), busy]), opened.branch);
  await here.forge.merge(1);
  const first = await here.apply();
  assert.deepEqual(done(first), ['held 1: merged without it within 30 days']);
  assert.deepEqual(first.pulls[0]?.grants, ['ended']);
  const month = await here.apply({ asOfMs: asOfMs + 31 * 86_400_000 });
  assert.ok(month.pulls.every(({ action }) => action !== 'held'));
});

test('a grant that was put back in the branch was given back, so its disuse counts from then', async () => {
  const here = await world([ofAnn, busy, { id: 'idle-too', rest: idle }]);
  await here.apply();
  await here.push(access([ofAnn, busy]), branch);
  await here.forge.merge(1);
  assert.deepEqual((await here.apply()).plan.findings, []);
});

test('an answer ends when the grant was widened since', async () => {
  const ended = (role: string) => ({ id: 'ended', rest: `role: ${role}\nexpires: 2026-11-01` });
  const here = await world([ended('reader'), busy]);
  await here.apply();
  await call(here, 'PATCH', '/pulls/1', { state: 'closed' });
  assert.deepEqual(done(await here.apply()), ['held 1: closed without a merge within 30 days']);
  await here.push(access([ended('admin'), busy]));
  // Number 2 is the dashboard.
  assert.deepEqual(done(await here.apply()), ['opened 3']);
});

test('what people write into title and text stays', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  const { body } = await pullOf(here, 1);
  await call(here, 'PATCH', '/pulls/1', {
    title: 'Before the audit',
    body: `Ask Ann.\r\n\r\n${body}\r\nSee #7`,
  });
  assert.deepEqual(done(await here.apply()), ['unchanged 1']);
  await here.push(access([ofAnn, busy, { id: 'idle-too', rest: idle }]), 'main', 30);
  assert.deepEqual(done(await here.apply()), ['updated 1']);
  const after = await pullOf(here, 1);
  assert.equal(after.title, 'Before the audit');
  assert.match(after.body, /^Ask Ann\.\n\n<!-- grantgate:review /);
  assert.match(after.body, /\n<!-- grantgate:end -->\n\nSee #7\n$/);
});

test('a leaver waits for no records, and what cannot be judged anew is left alone', async () => {
  const here = await world([ofAnn, busy]);
  await here.apply();
  await here.here.log([]);
  assert.deepEqual(done(await here.apply()), [
    'unchanged 1: the records do not cover enough to judge it anew',
  ]);
});
