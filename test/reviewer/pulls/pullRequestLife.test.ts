import * as assert from 'node:assert/strict';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import {
  access,
  asOfMs,
  dayMs,
  daysAgo,
  type GrantText,
  logLines,
  rules,
  uses,
  withGroups,
} from '../_review.ts';
import { call, closeWorlds, idle, type World, world } from '../_world.ts';

// One repository with an owner for each life, lived at the same time: run after run, and between them what people do.
// The tests below tell one life each.
const test = suite('the life of a pull request');
test.after(closeWorlds);

const expired = 'expires: 2026-11-01';
/** Owner → its grants to begin with, besides one that is in use. */
const begins = {
  gone: { idle },
  back: { idle },
  over: { idle },
  part: { idle, 'idle-too': idle },
  invalid: { idle },
  approved: { idle },
  squashed: { idle },
  refused: { ended: `role: reader\n${expired}`, 'ended-too': `role: reader\n${expired}` },
  restored: { idle, 'idle-too': idle },
  widened: { ended: `role: reader\n${expired}` },
  written: { idle },
} satisfies Record<string, Record<string, string>>;
type Owner = keyof typeof begins;
const owners = Object.keys(begins) as Owner[];
const grantsOf = (owner: Owner, more: Readonly<Record<string, string>>): GrantText[] => {
  const [head, ...others] = Object.entries(more).map(([id, rest]) => ({
    ...{ id: `${id}-${owner}`, owner: `group:${owner}`, rest },
  }));
  // The one in use stands between them, so that what comes last conflicts with nothing that takes the first away.
  return [...(head ? [head] : []), { id: `busy-${owner}`, owner: `group:${owner}` }, ...others];
};
const filesOf = (owner: Owner, more: Readonly<Record<string, string>>) => access(grantsOf(owner, more));
const records = logLines(owners.flatMap((owner) => uses(`busy-${owner}`, ['get', 'list'], 2)));

type Run = Awaited<ReturnType<World['apply']>>;
type Pull = { state: string; merged: boolean; title: string; body: string; head: { sha: string } };

const here = await world(
  owners.flatMap((owner) => grantsOf(owner, begins[owner])),
  {
    ...withGroups(...owners),
    'grants/review.yaml': rules.replace('open: 10, per_hour: 10', 'open: 50, per_hour: 50'),
  },
);
await here.here.log(records);

const began = await here.apply();
const pullsOf = ({ pulls }: Run, owner: Owner) =>
  pulls.filter(({ branch }) => branch.startsWith(`grantgate/review/group-${owner}/`));
const firsts = new Map(owners.map((owner) => [owner, pullsOf(began, owner)[0]?.number ?? 0]));
const first = (owner: Owner) => firsts.get(owner) ?? 0;
const branchOf = (owner: Owner) => pullsOf(began, owner)[0]?.branch ?? '';
/** What a run did for an owner; its `first` pull request is the one it began with. */
const done = (run: Run, owner: Owner) =>
  pullsOf(run, owner).map(
    ({ action, number, reason }) =>
      `${action} ${number === first(owner) ? 'first' : 'another'}${reason === undefined ? '' : `: ${reason}`}`,
  );
const pullOf = (owner: Owner) => call<Pull>(here, 'GET', `/pulls/${first(owner)}`);

// People approve, merge what they have changed, close and write.
await call(here, 'POST', `/pulls/${first('approved')}/reviews`, { event: 'APPROVE' });
const approved = await pullOf('approved');
await here.push({ 'grants/access/orders/README.md': 'kept it\n' }, branchOf('squashed'));
// So that what comes after it may have been idle since.
here.clock.now = Date.parse(daysAgo(31));
await here.forge.merge(first('squashed'), { method: 'squash' });
here.clock.now = asOfMs;
const squashed = here.bare('rev-parse', branchOf('squashed'));
await call(here, 'PATCH', `/pulls/${first('widened')}`, { state: 'closed' });
await call(here, 'PATCH', `/pulls/${first('written')}`, {
  title: 'Before the audit',
  body: `Ask Ann.\r\n\r\n${(await pullOf('written')).body}\r\nSee #7`,
});
const answered = await here.apply();

// Then grants come, go and are exempt; branches are changed and merged.
await here.push(
  {
    ...filesOf('approved', { idle, 'idle-too': idle }),
    ...filesOf('squashed', { 'idle-too': idle }),
    ...filesOf('written', { idle, 'idle-too': idle }),
  },
  'main',
  30,
);
const exemption = (owner: Owner, detector = 'never-used') =>
  `  - { grant: idle-${owner}, detector: ${detector}, reason: r, until: 2027-01-31 }\n`;
const exempt = [exemption('back'), exemption('over'), exemption('part'), exemption('invalid', 'dormant')];
await here.push({
  ...filesOf('gone', {}),
  ...filesOf('widened', { ended: `role: admin\n${expired}` }),
  // They take the cause away for as long as nobody takes them out again; the last merges without a conflict, and then
  // names a grant that is gone.
  'grants/review.yaml': `${here.bare('show', 'main:grants/review.yaml')}\nexemptions:\n${exempt.join('')}`,
});
await here.push(filesOf('refused', { ended: begins.refused.ended }), branchOf('refused'));
await here.forge.merge(first('refused'));
await here.push(filesOf('restored', { idle }), branchOf('restored'));
await here.forge.merge(first('restored'));
const changed = await here.apply();
const [part, after, written] = [await pullOf('part'), await pullOf('approved'), await pullOf('written')];
const again = await here.apply();

// And what was taken away is put back.
await here.forge.merge(first('invalid'));
await here.forge.merge(first('approved'));
const exempted = here.bare('show', 'main:grants/review.yaml');
await here.push({
  ...filesOf('gone', begins.gone),
  'grants/review.yaml': `${exempted.replace(exemption('back'), '').replace(exemption('over'), '')}\n`,
});
// Somebody pushed over the branch while it was closed.
here.bare('update-ref', `refs/heads/${branchOf('over')}`, 'main');
const restored = await here.apply();
const reopened = await pullOf('back');
const settled = await here.apply();
await here.here.log([]);
const silent = await here.apply();
await here.here.log(records);
const month = await here.apply({ asOfMs: asOfMs + 31 * dayMs });

test('each begins as one of its own, and no run fails', () => {
  for (const owner of owners) assert.deepEqual(done(began, owner), ['opened first'], owner);
  for (const { error } of [began, answered, changed, again, restored, settled, silent, month])
    assert.equal(error, null);
});

test('one whose cause is gone is closed, saying why', async () => {
  assert.deepEqual(done(changed, 'gone'), ['closed first: `idle-gone` is not granted any more']);
  const closed = await pullOf('gone');
  assert.deepEqual([closed.state, closed.merged], ['closed', false]);
  const comments = await call<{ body: string }[]>(here, 'GET', `/issues/${first('gone')}/comments`);
  assert.deepEqual(
    comments.map(({ body }) => body),
    ['Closed, for its cause is gone: `idle-gone` is not granted any more.'],
  );
  assert.deepEqual(done(again, 'gone'), []);
  // Put back, it is as good as new: the silence before says nothing.
  assert.deepEqual(done(restored, 'gone'), []);
});

test('one whose cause comes back is opened again rather than doubled', () => {
  assert.match(done(changed, 'back').join(), /^closed first: /);
  assert.deepEqual(done(again, 'back'), []);
  // What the review closed itself is nobody's answer.
  assert.deepEqual(done(restored, 'back'), ['reopened first']);
  assert.equal(reopened.state, 'open');
  assert.equal(parseBody(reopened.body)?.commit, reopened.head.sha);
  assert.deepEqual(done(settled, 'back'), ['unchanged first']);
});

test('one that GitHub would not open again gets another', () => {
  assert.match(done(changed, 'over').join(), /^closed first: /);
  assert.deepEqual(done(restored, 'over'), ['opened another']);
});

test('an exemption closes it; a part that is gone leaves its text and its branch', () => {
  assert.deepEqual(done(changed, 'part'), ['updated first']);
  assert.deepEqual(
    parseBody(part.body)?.entries.map(({ grant }) => grant),
    ['idle-too-part'],
  );
  assert.doesNotMatch(part.body, /revoke `idle-part`/);
  assert.doesNotMatch(here.bare('diff', `main...${branchOf('part')}`), /^-- id: idle-part$/m);
});

test('one whose merge would make the base invalid is made right', () => {
  assert.deepEqual(done(changed, 'invalid'), ['updated first']);
  assert.doesNotMatch(exempted, /idle-invalid/);
  assert.match(exempted, /idle-part/);
  assert.deepEqual(done(restored, 'invalid'), []);
});

test('an approved one is not extended: what is new gets another; a conflict alone moves it', () => {
  assert.deepEqual(done(changed, 'approved'), ['unchanged first: approved', 'opened another']);
  assert.deepEqual(
    pullsOf(changed, 'approved').map(({ branch, grants }) => [branch.slice(17), ...grants]),
    [
      ['group-approved/removal', 'idle-approved'],
      ['group-approved/removal-2', 'idle-too-approved'],
    ],
  );
  assert.deepEqual([after.head.sha, after.body], [approved.head.sha, approved.body]);
  assert.deepEqual(done(again, 'approved'), ['unchanged first', 'unchanged another']);
  // Without the first, the second stays what it is.
  const [, second] = pullsOf(again, 'approved');
  const left = pullsOf(restored, 'approved');
  assert.deepEqual(
    left.map(({ number, grants }) => [number, grants]),
    [[second?.number, ['idle-too-approved']]],
  );
});

test('a branch that was squashed away, with a commit by somebody on it, holds nobody', () => {
  assert.deepEqual(done(answered, 'squashed'), []);
  assert.deepEqual(
    pullsOf(changed, 'squashed').map(({ action, branch, grants }) => [action, branch.slice(17), ...grants]),
    [['opened', 'group-squashed/removal-2', 'idle-too-squashed']],
  );
  assert.equal(here.bare('rev-parse', branchOf('squashed')), squashed);
});

test('a change taken out of the branch and merged is a decision, and remembered as one', () => {
  assert.deepEqual(done(changed, 'refused'), ['held first: merged without it within 30 days']);
  assert.deepEqual(pullsOf(changed, 'refused')[0]?.grants, ['ended-refused']);
  assert.ok(pullsOf(month, 'refused').length > 0);
  assert.ok(pullsOf(month, 'refused').every(({ action }) => action !== 'held'));
});

test('a grant that was put back in the branch was given back, so its disuse counts from then', () => {
  assert.deepEqual(
    changed.plan.findings.filter(({ grant }) => grant.endsWith('-restored')),
    [],
  );
});

test('an answer ends when the grant was widened since', () => {
  assert.deepEqual(done(answered, 'widened'), ['held first: closed without a merge within 30 days']);
  assert.deepEqual(done(changed, 'widened'), ['opened another']);
});

test('what people write into title and text stays', () => {
  assert.deepEqual(done(answered, 'written'), ['unchanged first']);
  assert.deepEqual(done(changed, 'written'), ['updated first']);
  assert.equal(written.title, 'Before the audit');
  assert.match(written.body, /^Ask Ann\.\n\n<!-- grantgate:review /);
  assert.match(written.body, /\n<!-- grantgate:end -->\n\nSee #7\n$/);
});

test('a leaver waits for no records, and what cannot be judged anew is left alone', () => {
  for (const owner of ['back', 'part', 'written'] as const)
    assert.deepEqual(
      done(silent, owner),
      ['unchanged first: the records do not cover enough to judge it anew'],
      owner,
    );
});
