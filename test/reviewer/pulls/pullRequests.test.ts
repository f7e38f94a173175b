import * as assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, dayMs, daysAgo, rules, withGroups } from '../_review.ts';
import { actions, call, closeWorlds, idle, standard, token, type World, world } from '../_world.ts';

const test = suite('pull requests');
test.after(closeWorlds);

const removal = 'grantgate/review/group-desk/removal';
const more = (...ids: string[]) => access([...standard, ...ids.map((id) => ({ id, rest: idle }))]);
const done = ({ pulls }: Awaited<ReturnType<World['apply']>>) => pulls.map(({ action }) => action);
const ofCommits = ({ calls }: ReturnType<World['writes']>) =>
  calls.map((call) => call.replace(/[0-9a-f]{40}$/, 'COMMIT'));

// One repository, run after run; between them a finding joins, somebody commits to a branch, and one is merged.
const one = await world();
const first = await one.apply();
const opening = one.writes();
const opened = new Map(
  ['of-bob', 'idle', 'wide'].map((grant) => {
    const { branch = '', number } = first.pulls.find(({ grants }) => grants.includes(grant)) ?? {};
    return [grant, { branch, number, commit: one.bare('rev-parse', branch) }] as const;
  }),
);
const body = (await call<{ body: string }>(one, 'GET', `/pulls/${first.pulls[1]?.number}`)).body;
const second = await one.apply();
const later = await one.apply({ asOfMs: asOfMs + 3_600_000 });
const nothing = one.writes();
await one.push(more('idle-too'), 'main', 30);
const joined = await one.apply();
const joining = one.writes();
const joinedAgain = await one.apply();
await one.push({ 'grants/access/orders/README.md': 'kept it\n' }, removal);
const touched = one.writes();
await one.push(more('idle-too', 'idle-three'), 'main', 30);
const apart = await one.apply();
const leaving = one.writes();
await one.forge.merge(1);
one.writes();
const merged = await one.apply();
const merging = one.writes();

// Another, whose work tree says otherwise, and whose base moves.
const other = await world();
await other.here.write(access([{ id: 'other', rest: idle }]));
const begun = await other.apply();
const { branches } = other.writes();
await other.push({ 'grants/apis/inventory.yaml': null, 'grants/networks.yaml': 'office: [192.0.2.0/25]\n' });
const moved = await other.apply();
const still = other.writes();
const changed = { rest: `role: reader\nticket: FIN-1\ngranted: ${daysAgo(2)}` };
await other.push(access(standard.map((grant) => (grant.id === 'idle' ? { ...grant, ...changed } : grant))));
const conflicting = await other.apply();
const rested = await other.apply();
// What GitHub does for whoever presses "Update branch"; and what looks like it, with something of their own.
const [ofBob, idleOnes, wideOnes] = begun.pulls.map(({ branch }) => branch) as [string, string, string];
const update = (branch: string, tree?: string) => {
  const merge = tree ?? other.bare('merge-tree', '--write-tree', branch, 'main');
  const commit = other.bare('commit-tree', merge, '-p', branch, '-p', 'main', '-m', "Merge branch 'main'");
  other.bare('update-ref', `refs/heads/${branch}`, commit);
  return commit;
};
const updates = [update(wideOnes), update(ofBob, `${idleOnes}^{tree}`)];
other.writes();
const caughtUp = await other.apply();
const catching = other.writes();
const restedAgain = await other.apply();

test('opens one pull request per owner and tier, and a second run changes nothing', () => {
  assert.equal(first.error, null);
  // No directory names anybody here as the forge does.
  assert.match(body, /> Nobody could be asked to review this: of those who answer for it, /);
  assert.deepEqual(actions(first), [
    'opened group-desk/urgent-high of-bob',
    'opened group-desk/removal idle',
    'opened user-dana@example.com/narrowing wide',
  ]);
  assert.deepEqual(
    ofCommits(opening),
    [1, 2, 3].flatMap((number) => ['POST /pulls', 'POST /statuses/COMMIT', `POST /issues/${number}/labels`]),
  );
  assert.equal(
    one
      .bare('diff', `main...${opened.get('wide')?.commit}`)
      .split('\n')
      .filter((line) => /^[+-] /.test(line))
      .join('\n'),
    '-  role: admin # for now\n+  role: reader # for now',
  );
  assert.equal(
    one.bare('log', '-1', '--format=%an|%cn|%at|%ct', opened.get('idle')?.commit ?? ''),
    `grantgate[bot]|grantgate[bot]|${asOfMs / 1000}|${asOfMs / 1000}`,
  );
  assert.deepEqual(done(second), ['unchanged', 'unchanged', 'unchanged']);
  assert.deepEqual(
    second.pulls.map(({ number }) => number),
    [1, 2, 3],
  );
  assert.deepEqual(done(later), ['unchanged', 'unchanged', 'unchanged']);
  assert.deepEqual(nothing, { calls: [], branches: opening.branches });
  assert.deepEqual(
    parseBody(body)?.entries.map(({ fingerprint }) => fingerprint),
    first.plan.findings.filter(({ grant }) => grant === 'idle').map(({ fingerprint }) => fingerprint),
  );
  assert.match(body, /How to restore it/);
  // What the records say of its very commit.
  assert.match(body, /\*\*0 of \d+ allowed requests would now be denied\\?\.\*\*/);
  assert.ok(body.includes(opened.get('idle')?.commit.slice(0, 12) ?? '-'));
});

test("judges the forge's branch, not what lies in the work tree", () => {
  assert.deepEqual(
    begun.plan.findings.map(({ grant }) => grant),
    ['idle', 'of-bob', 'wide'],
  );
});

test('the same inputs give the same commits', () => {
  assert.equal(branches, opening.branches);
});

test('a further finding joins its pull request', () => {
  assert.deepEqual(actions(joined), [
    'unchanged group-desk/urgent-high of-bob',
    'updated group-desk/removal idle,idle-too',
    'unchanged user-dana@example.com/narrowing wide',
  ]);
  assert.deepEqual(ofCommits(joining), ['PATCH /pulls/2', 'PATCH /pulls/2', 'POST /statuses/COMMIT']);
  assert.deepEqual(done(joinedAgain), ['unchanged', 'unchanged', 'unchanged']);
});

test('merged, a finding is gone; the others stay as they are', () => {
  assert.deepEqual(actions(merged), [
    'unchanged group-desk/removal idle,idle-too',
    'unchanged group-desk/removal-2 idle-three',
    'unchanged user-dana@example.com/narrowing wide',
  ]);
  assert.deepEqual(merging.calls, []);
});

test('leaves a branch with commits by people alone', () => {
  assert.deepEqual(actions(apart), [
    'unchanged group-desk/urgent-high of-bob',
    'unchanged group-desk/removal idle,idle-too',
    // What is new does not wait for it.
    'opened group-desk/removal-2 idle-three',
    'unchanged user-dana@example.com/narrowing wide',
  ]);
  assert.equal(apart.pulls[1]?.reason, 'the branch has commits by people');
  const after = leaving.branches.split('\n');
  assert.ok(touched.branches.split('\n').every((line) => after.includes(line)));
});

test('a base that moved without conflict moves no branch; one that conflicts does', () => {
  assert.deepEqual(done(moved), ['unchanged', 'unchanged', 'unchanged']);
  assert.equal(still.branches, branches);
  assert.deepEqual(done(conflicting), ['unchanged', 'updated', 'unchanged']);
  assert.deepEqual(done(rested), ['unchanged', 'unchanged', 'unchanged']);
});

test('edits below the folder of the repository that holds the grants', async () => {
  const { apply, bare, here } = await world();
  await mkdir(join(here.root, 'infra/access'), { recursive: true });
  here.git('mv', 'grants', 'infra/access/grants');
  await here.commit({ '.github/CODEOWNERS': '/infra/access/ @acme/access\n' }, daysAgo(39));
  here.git('push', '--quiet', join(here.folder, 'forge.git'), 'main');
  const { pulls, error } = await apply({ forge: { folder: 'infra/access/' } });
  assert.equal(error, null);
  assert.ok(pulls.length === 3 && pulls.every(({ action }) => action === 'opened'));
  const files = pulls.map(({ branch }) => bare('diff', '--name-only', 'main', branch));
  assert.ok(
    files.every((names) => /^infra\/access\/grants\/access\/\S+$/.test(names)),
    files.join(),
  );
  const again = await apply({ forge: { folder: 'infra/access/' } });
  assert.ok(again.pulls.every(({ action }) => action === 'unchanged'));
});

test('deletes a file with its last grant, and the exemptions of what it deletes', async () => {
  const exempt = `${rules}exemptions:\n  # until the audit\n  - { grant: idle, detector: dormant, reason: r, until: 2027-01-31 }\n`;
  const { apply, bare, forge } = await world(
    [
      { id: 'idle', rest: idle },
      { id: 'wide', api: 'payments', rest: 'role: admin' },
    ],
    {
      'grants/review.yaml': exempt,
    },
  );
  assert.deepEqual(actions(await apply()), [
    'opened group-desk/removal idle',
    'opened group-desk/narrowing wide',
  ]);
  await forge.merge(1);
  assert.ok(!bare('ls-tree', '-r', '--name-only', 'main').includes('access/orders'));
  assert.match(bare('show', 'main:grants/review.yaml'), /exemptions: \[\]$/);
  assert.equal((await apply()).error, null);
});

test('opens no more than the limits allow; urgent ones take no room', async () => {
  const owners = ['group:a', 'group:b', 'group:c'];
  const grants = owners.map((owner, i) => ({ id: `idle-${i}`, owner, rest: idle }));
  const { later, clock } = await world([...grants, { id: 'of-bob', principal: 'user:bob@example.com' }], {
    ...withGroups('a', 'b', 'c'),
    'grants/review.yaml': rules.replace('open: 10, per_hour: 10', 'open: 2, per_hour: 1'),
  });
  const first = await later();
  assert.deepEqual(
    first.pulls.map(({ action }) => action),
    ['opened', 'opened', 'held', 'held'],
  );
  assert.match(first.pulls[2]?.reason ?? '', /per_hour: 1/);
  assert.equal(first.error, null);
  clock.now = asOfMs + 3_600_000;
  const second = await later();
  assert.deepEqual(
    second.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'opened', 'held'],
  );
  clock.now += 3_600_000;
  const third = await later();
  assert.deepEqual(
    third.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'unchanged', 'held'],
  );
  assert.match(third.pulls[3]?.reason ?? '', /open: 2/);
});

test('remembers for 30 days what was closed without a merge', async () => {
  const { later, forge, writes } = await world([
    { id: 'expired', rest: 'role: reader\nexpires: 2026-11-01' },
  ]);
  const [opened] = (await later()).pulls;
  await fetch(`${forge.api}/repos/acme/access/pulls/${opened?.number}`, {
    method: 'PATCH',
    headers: { authorization: `token ${token}` },
    body: JSON.stringify({ state: 'closed' }),
  });
  writes();
  const [held] = (await later()).pulls;
  assert.deepEqual(
    [held?.action, held?.reason, held?.number],
    ['held', 'closed without a merge within 30 days', 1],
  );
  // It is said, and said once.
  assert.deepEqual(
    writes().calls.filter((call) => !call.includes('/issues ')),
    ['PATCH /pulls/1', 'POST /issues/1/comments', 'POST /issues'],
  );
  assert.deepEqual((await later(asOfMs + 30 * dayMs - 1000)).pulls[0]?.action, 'held');
  assert.deepEqual(writes().calls, []);
  assert.deepEqual((await later(asOfMs + 30 * dayMs)).pulls[0]?.action, 'opened');
});

test('a brake stops what takes much away, and holds up neither leavers nor tidying', async () => {
  const { apply } = await world(
    [...standard, { id: 'idle-too', rest: idle }, { id: 'ended', rest: 'role: reader\nexpires: 2026-11-01' }],
    { 'grants/review.yaml': rules.replace('brake: 1', 'brake: 0.25') },
  );
  const { plan, error, pulls } = await apply();
  assert.equal(error?.code, 'brake');
  assert.equal(plan.findings.length, 5);
  assert.deepEqual(
    pulls.map(({ action, branch }) => `${action} ${branch.slice(17)}`),
    [
      'opened group-desk/urgent-high',
      'held group-desk/removal',
      'held user-dana@example.com/narrowing',
      'opened group-desk/tidying',
    ],
  );
  assert.match(pulls[1]?.reason ?? '', /thresholds\.brake/);
});

test('what a merge took and somebody puts back is no answer to it: it is asked anew', async () => {
  const leaver = { id: 'gone', principal: 'user:cleo@example.com' };
  const { apply, bare, clock, forge, push } = await world([leaver, { id: 'busy' }]);
  assert.deepEqual(actions(await apply()), ['opened group-desk/urgent-high gone']);
  const file = 'grants/access/orders/group-desk.yaml';
  const text = bare('show', `main:${file}`);
  await forge.merge(1);
  clock.now += dayMs;
  // A revert, or whatever else does the same.
  await push({ [file]: `${text}\n` }, 'main', -0.5);
  const asOf = { asOfMs: clock.now };
  assert.deepEqual(actions(await apply(asOf)), ['opened group-desk/urgent-high gone']);
});

test('a branch that somebody brought up to date, and no more, stays the review’s, and its commit is told of', () => {
  const tips = [wideOnes, ofBob].map((branch) => other.bare('rev-parse', branch));
  assert.deepEqual(tips, updates);
  assert.deepEqual(done(caughtUp), ['unchanged', 'unchanged', 'updated']);
  assert.equal(caughtUp.pulls[0]?.reason, 'the branch has commits by people');
  assert.deepEqual(catching.calls, ['PATCH /pulls/3', `POST /statuses/${updates[0]}`]);
  assert.deepEqual(done(restedAgain), ['unchanged', 'unchanged', 'unchanged']);
});
