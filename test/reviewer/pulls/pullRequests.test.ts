import * as assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, dayMs, daysAgo, rules, withGroups } from '../_review.ts';
import { actions, closeWorlds, idle, standard, token, world } from '../_world.ts';

const test = suite('pull requests');
test.after.each(closeWorlds);

test('opens one pull request per owner and tier, and a second run changes nothing', async () => {
  const { apply, bare, writes, forge } = await world();
  const first = await apply();
  assert.equal(first.error, null);
  assert.deepEqual(actions(first), [
    'opened group-desk/urgent-high of-bob',
    'opened group-desk/removal idle',
    'opened user-dana@example.com/narrowing wide',
  ]);
  const after = writes();
  assert.deepEqual(
    after.calls.map((call) => call.replace(/[0-9a-f]{40}$/, 'COMMIT')),
    [1, 2, 3].flatMap((number) => ['POST /pulls', 'POST /statuses/COMMIT', `POST /issues/${number}/labels`]),
  );
  assert.equal(
    bare('diff', 'main', 'grantgate/review/user-dana@example.com/narrowing')
      .split('\n')
      .filter((line) => /^[+-] /.test(line))
      .join('\n'),
    '-  role: admin # for now\n+  role: reader # for now',
  );
  assert.equal(
    bare('log', '-1', '--format=%an|%cn|%at|%ct', 'grantgate/review/group-desk/removal'),
    `grantgate[bot]|grantgate[bot]|${asOfMs / 1000}|${asOfMs / 1000}`,
  );
  const second = await apply();
  assert.deepEqual(
    second.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'unchanged'],
  );
  assert.deepEqual(
    second.pulls.map(({ number }) => number),
    [1, 2, 3],
  );
  const later = await apply({ asOfMs: asOfMs + 3_600_000 });
  assert.deepEqual(
    later.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'unchanged'],
  );
  assert.deepEqual(writes(), { calls: [], branches: after.branches });

  const [, pull] = first.pulls;
  const body = (
    (await (await fetch(`${forge.api}/repos/acme/access/pulls/${pull?.number}`)).json()) as { body: string }
  ).body;
  assert.deepEqual(
    parseBody(body)?.entries.map(({ fingerprint }) => fingerprint),
    first.plan.findings.filter(({ grant }) => grant === 'idle').map(({ fingerprint }) => fingerprint),
  );
  assert.match(body, /How to restore it/);
  // What the records say of its very commit.
  assert.match(body, /\*\*0 of \d+ allowed requests would now be denied\\?\.\*\*/);
  assert.ok(body.includes(bare('rev-parse', 'grantgate/review/group-desk/removal').slice(0, 12)));
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

test('the same inputs give the same commits', async () => {
  const [one, two] = [await world(), await world()];
  await one.apply();
  await two.apply();
  assert.equal(one.writes().branches, two.writes().branches);
});

test("judges the forge's branch, not what lies in the work tree", async () => {
  const { apply, here } = await world();
  await here.write(access([{ id: 'other', rest: idle }]));
  assert.deepEqual(
    (await apply()).plan.findings.map(({ grant }) => grant),
    ['idle', 'of-bob', 'wide'],
  );
});

test('merged, a finding is gone; the others stay as they are', async () => {
  const { apply, forge, writes } = await world();
  await apply();
  await forge.merge(2);
  writes();
  const result = await apply();
  assert.deepEqual(actions(result), [
    'unchanged group-desk/urgent-high of-bob',
    'unchanged user-dana@example.com/narrowing wide',
  ]);
  assert.deepEqual(writes().calls, []);
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

test('a further finding joins its pull request', async () => {
  const { apply, push, writes } = await world();
  await apply();
  writes();
  await push(access([...standard, { id: 'idle-too', rest: idle }]), 'main', 30);
  const result = await apply();
  assert.deepEqual(actions(result), [
    'unchanged group-desk/urgent-high of-bob',
    'updated group-desk/removal idle,idle-too',
    'unchanged user-dana@example.com/narrowing wide',
  ]);
  assert.deepEqual(
    writes().calls.map((call) => call.replace(/[0-9a-f]{40}$/, 'COMMIT')),
    ['PATCH /pulls/2', 'PATCH /pulls/2', 'POST /statuses/COMMIT'],
  );
  assert.deepEqual(
    (await apply()).pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'unchanged'],
  );
});

test('a base that moved without conflict moves no branch; one that conflicts does', async () => {
  const { apply, push, writes } = await world();
  await apply();
  const { branches } = writes();
  await push({ 'grants/apis/inventory.yaml': null, 'grants/networks.yaml': 'office: [192.0.2.0/25]\n' });
  assert.ok((await apply()).pulls.every(({ action }) => action === 'unchanged'));
  assert.equal(writes().branches, branches);
  await push(
    access(
      standard.map((grant) =>
        grant.id === 'idle'
          ? { ...grant, rest: `role: reader\nticket: FIN-1\ngranted: ${daysAgo(2)}` }
          : grant,
      ),
    ),
  );
  const result = await apply();
  assert.deepEqual(
    result.pulls.map(({ action }) => action),
    ['unchanged', 'updated', 'unchanged'],
  );
  assert.ok((await apply()).pulls.every(({ action }) => action === 'unchanged'));
});

test('leaves a branch with commits by people alone', async () => {
  const { apply, push, writes } = await world();
  await apply();
  await push({ 'grants/access/orders/README.md': 'kept it\n' }, 'grantgate/review/group-desk/removal');
  const { branches } = writes();
  await push(access([...standard, { id: 'idle-too', rest: idle }]), 'main', 30);
  const { pulls } = await apply();
  const [, removal, more] = pulls;
  assert.deepEqual([removal?.action, removal?.reason], ['unchanged', 'the branch has commits by people']);
  // What is new does not wait for it.
  assert.deepEqual(
    [more?.action, more?.branch, more?.grants],
    ['opened', 'grantgate/review/group-desk/removal-2', ['idle-too']],
  );
  const after = writes().branches.split('\n');
  assert.ok(branches.split('\n').every((line) => after.includes(line)));
});

test('opens no more than the limits allow; urgent ones take no room', async () => {
  const owners = ['group:a', 'group:b', 'group:c'];
  const grants = owners.map((owner, i) => ({ id: `idle-${i}`, owner, rest: idle }));
  const { apply, clock } = await world([...grants, { id: 'of-bob', principal: 'user:bob@example.com' }], {
    ...withGroups('a', 'b', 'c'),
    'grants/review.yaml': rules.replace('open: 10, per_hour: 10', 'open: 2, per_hour: 1'),
  });
  const first = await apply();
  assert.deepEqual(
    first.pulls.map(({ action }) => action),
    ['opened', 'opened', 'held', 'held'],
  );
  assert.match(first.pulls[2]?.reason ?? '', /per_hour: 1/);
  assert.equal(first.error, null);
  clock.now = asOfMs + 3_600_000;
  const second = await apply({ asOfMs: clock.now });
  assert.deepEqual(
    second.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'opened', 'held'],
  );
  clock.now += 3_600_000;
  const third = await apply({ asOfMs: clock.now });
  assert.deepEqual(
    third.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'unchanged', 'held'],
  );
  assert.match(third.pulls[3]?.reason ?? '', /open: 2/);
});

test('remembers for 30 days what was closed without a merge', async () => {
  const { apply, forge, writes } = await world([
    { id: 'expired', rest: 'role: reader\nexpires: 2026-11-01' },
  ]);
  const [opened] = (await apply()).pulls;
  await fetch(`${forge.api}/repos/acme/access/pulls/${opened?.number}`, {
    method: 'PATCH',
    headers: { authorization: `token ${token}` },
    body: JSON.stringify({ state: 'closed' }),
  });
  writes();
  const [held] = (await apply()).pulls;
  assert.deepEqual(
    [held?.action, held?.reason, held?.number],
    ['held', 'closed without a merge within 30 days', 1],
  );
  // It is said, and said once.
  assert.deepEqual(
    writes().calls.filter((call) => !call.includes('/issues ')),
    ['PATCH /pulls/1', 'POST /issues/1/comments', 'POST /issues'],
  );
  assert.deepEqual((await apply({ asOfMs: asOfMs + 30 * dayMs - 1000 })).pulls[0]?.action, 'held');
  assert.deepEqual(writes().calls, []);
  assert.deepEqual((await apply({ asOfMs: asOfMs + 30 * dayMs })).pulls[0]?.action, 'opened');
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
