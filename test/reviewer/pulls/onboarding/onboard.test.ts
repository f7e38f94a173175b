import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gitTree } from '../../../../bundle/git/tree.ts';
import { load } from '../../../../bundle/grants/load.ts';
import { giveConsent } from '../../../../reviewer/edit/giveConsent.ts';
import { openForge } from '../../../../reviewer/forge/forge.ts';
import { brake } from '../../../../reviewer/plan/brake.ts';
import type { Plan } from '../../../../reviewer/plan/finding.ts';
import { bot, openMirror } from '../../../../reviewer/pulls/mirror.ts';
import { onboard } from '../../../../reviewer/pulls/onboarding/onboard.ts';
import { previewMarker } from '../../../../reviewer/pulls/onboarding/preview.ts';
import { knownPulls } from '../../../../reviewer/pulls/openPullRequests.ts';
import type { Pull } from '../../../../reviewer/pulls/pull.ts';
import { suite } from '../../../_suite.ts';
import { asOfMs, dayMs, rules } from '../../_review.ts';
import { closeWorlds, standard, token, world } from '../../_world.ts';

const test = suite('the first pull request in a repository');
test.after(closeWorlds);

const branch = 'grantgate/review/onboarding';
const without = { 'grants/review.yaml': rules.replace('consent: true, ', '') };
// One repository, from the first run to the day it is known: each test goes on where the one before it ended.
const here = await world(standard, without);

async function call<T = unknown>(method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(`${here.forge.api}/repos/acme/access${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(answer.ok, `${method} ${path} ${answer.status}`);
  return (await answer.json()) as T;
}
const bodyOf = async (number: number) => (await call<{ body: string }>('GET', `/pulls/${number}`)).body;
const done = (pulls: readonly Pull[]) => pulls.map(({ action, branch: on }) => `${action} ${on.slice(17)}`);

let plan: Plan;
/** What a run does before anything else, with the first run's findings on what is granted today. */
async function run(at = asOfMs) {
  const target = { baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, retries: 0 };
  const forge = openForge({ ...target, cloneUrl: here.repository, timeoutMs: 120_000 });
  const mirror = await openMirror(forge);
  try {
    const tree = await gitTree(mirror.repository, mirror.base.commit);
    const { organisation } = await load(tree);
    assert.ok(organisation);
    const findings = plan.findings.filter(({ grant }) => organisation.grants.some(({ id }) => id === grant));
    const pulls: Pull[] = [];
    const may = await onboard({
      ...{ forge, mirror, known: await knownPulls(forge, at), pulls, asOfMs: at },
      plan: { ...plan, findings },
      evidence: { tree, organisation, asOf: at / 1000 },
      brake: brake(plan, organisation),
    });
    return { may, pulls };
  } finally {
    await mirror.close();
  }
}

test('only shows what would be opened', async () => {
  const first = await here.apply();
  plan = first.plan;
  assert.deepEqual(done(first.pulls), [
    'opened onboarding',
    'held group-desk/urgent-high',
    'held group-desk/removal',
    'held user-dana@example.com/narrowing',
  ]);
  assert.equal(first.pulls[1]?.reason, 'nobody has agreed yet: see #1');
  const { calls, branches } = here.writes();
  assert.deepEqual(
    calls.map((one) => one.replace(/[0-9a-f]{40}/, 'COMMIT')),
    ['POST /pulls', 'POST /statuses/COMMIT', 'POST /issues/1/labels'],
  );
  assert.match(branches, /^grantgate\/review\/onboarding \S+$/);
  // All that it would merge.
  assert.equal(
    here.bare('diff', '--unified=0', `main...${branch}`).replace(/^[\s\S]*?\n@@.*\n/, ''),
    '-pull_requests: { open: 10, per_hour: 10 }\n+pull_requests: { consent: true, open: 10, per_hour: 10 }',
  );
  const body = await bodyOf(1);
  assert.match(body, /\*\*Nothing has been changed, and nothing but this has been opened\.\*\*/);
  assert.match(body, /the 3 pull requests below \(3 findings\)/);
  assert.match(body, /1 finding is urgent: accounts that are gone still hold access/);
  assert.match(
    body,
    /\| Urgent high-risk access review for group:desk: suspend 1 on payments \| 1 \| at once \|/,
  );
  assert.match(body, /- narrow `wide`: /);
});

test('without --apply nothing is changed, and the run says so', async () => {
  here.writes();
  const { root, decisions, git } = here.here;
  const args = [
    'review',
    '--root',
    root,
    '--decisions',
    decisions,
    '--as-of',
    new Date(asOfMs).toISOString(),
  ];
  const cli = fileURLToPath(new URL('../../../../cli.ts', import.meta.url));
  const said = execFileSync(process.execPath, [cli, ...args, '--no-trends'], { encoding: 'utf8' });
  assert.match(
    said,
    /Nothing was changed: with --apply, pull requests are opened and updated; where the review is new/,
  );
  assert.equal(git('status', '--porcelain'), '');
  assert.deepEqual(here.writes().calls, []);
});

test('is brought up to date in place, with what people wrote around it, and only when it shows something else', async () => {
  await call('PATCH', '/pulls/1', { body: `Ann looks at this.\n\n${await bodyOf(1)}` });
  here.writes();
  // Some time later its counts of days would read otherwise; it shows the same.
  assert.equal(done((await run(asOfMs + 3_600_000)).pulls)[0], 'unchanged onboarding');
  assert.deepEqual(here.writes().calls, []);
  await here.push({ 'grants/access/orders/user-dana-example-com.yaml': null });
  assert.deepEqual(done((await run()).pulls), [
    'updated onboarding',
    'held group-desk/urgent-high',
    'held group-desk/removal',
  ]);
  assert.match(await bodyOf(1), /^Ann looks at this\.\n\n<!-- grantgate:onboarding /);
  assert.doesNotMatch(await bodyOf(1), /wide/);
  // The rules that it changes have changed on the base, so its commit follows; what stops a plan is shown.
  const strict = rules.replace('brake: 1', 'brake: 0').replace('consent: true, open: 10', 'open: 4');
  await here.push({ 'grants/review.yaml': strict });
  const { pulls } = await run();
  assert.equal(done(pulls)[0], 'updated onboarding');
  assert.match(pulls[1]?.reason ?? '', /^nobody has agreed yet: see #1; the plan would take away/);
  assert.match(here.bare('show', `${branch}:grants/review.yaml`), /\{ consent: true, open: 4,/);
  assert.match(await bodyOf(1), /At most 4 open/);
  assert.match(await bodyOf(1), /\| later: the plan would take away \d of \d grants/);
  // Whoever may push can call a commit the review's: it is not vouched for.
  await here.push({ 'grants/networks.yaml': 'office: [192.0.2.0/25]\n' }, branch, 0, bot);
  assert.equal(done((await run()).pulls)[0], 'updated onboarding');
  assert.equal(here.bare('diff', '--name-only', `main...${branch}`), 'grants/review.yaml');
  // Somebody's commit makes the branch theirs, and nothing is pushed over it.
  await here.push({ 'grants/review.yaml': `${strict}# ours\n` }, branch);
  await here.push(without);
  here.writes();
  assert.equal(done((await run()).pulls)[0], 'unchanged onboarding');
  assert.deepEqual(here.writes().calls, []);
});

test('closed without a merge, that is said once and remembered for 30 days', async () => {
  const early = asOfMs - 31 * dayMs;
  here.clock.now = early;
  await call('PATCH', '/pulls/1', { state: 'closed' });
  here.clock.now = asOfMs;
  here.writes();
  const { may, pulls } = await run(early);
  assert.equal(may, false);
  assert.match(pulls[0]?.reason ?? '', /^closed without a merge; asked again after 2026-11-22T/);
  assert.ok(pulls.every(({ action }) => action === 'held'));
  assert.deepEqual(here.writes().calls, ['PATCH /pulls/1', 'POST /issues/1/comments']);
  await run(early + 30 * dayMs - 1000);
  assert.deepEqual(here.writes().calls, []);
  // The branch has somebody's commit, so it is not ours to push over.
  assert.match(
    (await run(early + 30 * dayMs)).pulls[0]?.reason ?? '',
    /^people have committed to the branch/,
  );
  here.bare('update-ref', '-d', `refs/heads/${branch}`);
  assert.deepEqual(done((await run(early + 30 * dayMs)).pulls)[0], 'opened onboarding');
});

test('where the base says no, nothing is opened, and what was is taken back', async () => {
  await here.push({ 'grants/review.yaml': rules.replace('consent: true', 'consent: false') });
  const { may, pulls } = await run();
  assert.equal(may, false);
  assert.deepEqual(done(pulls), [
    'closed onboarding',
    'held group-desk/urgent-high',
    'held group-desk/removal',
  ]);
  assert.match(pulls[1]?.reason ?? '', /pull_requests\.consent/);
  assert.match(
    previewMarker.parse(await bodyOf(2))?.closed ?? '',
    /^the base branch says that nothing is opened/,
  );
  here.writes();
  await run();
  assert.deepEqual(here.writes().calls, []);
});

test('merging it is the consent; a branch that only claims to be of the review is none', async () => {
  await here.push(without);
  // What the review closed itself is nobody's answer.
  assert.equal(done((await run()).pulls)[0], 'opened onboarding');
  here.bare('branch', 'grantgate/review/group-desk/tidying', branch);
  const claim = { title: 'x', body: 'no marker', base: 'main', head: 'grantgate/review/group-desk/tidying' };
  await call('POST', '/pulls', claim);
  assert.equal((await run()).may, false);
  await call('PATCH', '/pulls/4', { state: 'closed' });
  await call('PUT', '/pulls/3/merge', {});
  assert.deepEqual(done((await here.apply()).pulls), [
    'opened group-desk/urgent-high',
    'opened group-desk/removal',
  ]);
  // Once people know its pull requests, it goes on where the base says nothing, and stops where that says no.
  await here.push(without);
  assert.equal((await run()).may, true);
  await here.push({ 'grants/review.yaml': rules.replace('consent: true', 'consent: false') });
  assert.equal((await run()).may, false);
});

test('the consent is written into any review.yaml, and the rest of it stays', () => {
  const cases: readonly (readonly [string | null, string])[] = [
    [null, 'pull_requests: { consent: true }\n'],
    ['', 'pull_requests: { consent: true }\n'],
    ['# ours', '# ours\npull_requests: { consent: true }\n'],
    ['thresholds: {}\n', 'thresholds: {}\npull_requests: { consent: true }\n'],
    ['thresholds: {}', 'thresholds: {}\npull_requests: { consent: true }\n'],
    ['a: 1\r\n', 'a: 1\r\npull_requests: { consent: true }\r\n'],
    ['{ a: 1 }\n', '{ pull_requests: { consent: true }, a: 1 }\n'],
    ['{}', '{ pull_requests: { consent: true } }'],
    ['pull_requests: {}\n', 'pull_requests: { consent: true }\n'],
    ['pull_requests: {open: 3}\n', 'pull_requests: { consent: true,open: 3}\n'],
    [
      'pull_requests:\n  # few\n  open: 3 # so few\nb: 1\n',
      'pull_requests:\n  # few\n  consent: true\n  open: 3 # so few\nb: 1\n',
    ],
    ['pull_requests: # x\r\n    open: 3\r\n', 'pull_requests: # x\r\n    consent: true\r\n    open: 3\r\n'],
  ];
  for (const [before, after] of cases) assert.equal(giveConsent(before, 'grants/review.yaml'), after);
  for (const broken of ['- a\n', 'a: [\n', 'a: 1\n...\n'])
    assert.throws(
      () => giveConsent(broken, 'grants/review.yaml'),
      /write "pull_requests: \{ consent: true \}"/,
    );
  // What does not read back as meant is not written.
  assert.throws(() => giveConsent('pull_requests: {}', 'f', (text) => text), { code: 'edit-failed' });
});
