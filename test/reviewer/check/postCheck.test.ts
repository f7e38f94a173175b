import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Octokit } from '@octokit/rest';
import { checkName, postCheck } from '../../../reviewer/check/postCheck.ts';
import type { PullCheck } from '../../../reviewer/check/pullCheck.ts';
import { openChecks } from '../../../reviewer/forge/checks.ts';
import { suite } from '../../_suite.ts';
import { closeWorlds, token, tokenOf, type World, world } from '../_world.ts';
import { checkOf } from './_check.ts';

const test = suite('check of a pull request: posted');

const directory = {
  people: new Map([
    [
      'ann@example.com',
      { login: 'ann@example.com', id: '1', status: 'active', github: 'ann', provider: 'okta' },
    ],
    [
      'dana@example.com',
      { login: 'dana@example.com', id: '2', status: 'active', github: 'dana', provider: 'okta' },
    ],
  ] as const),
  memberships: new Map([['user:dana@example.com', ['group:desk']]]),
};
const where = { owner: 'acme', repo: 'access' };
const needed = { rule: 'owner-approval', api: 'payments', approval_of: 'group:desk' };

let here: World;
let bot: Octokit;
let dana: Octokit;

test.before(async () => {
  here = await world();
  const octokit = (auth: string) => new Octokit({ baseUrl: here.forge.api, auth });
  [bot, dana] = [octokit(token), octokit(tokenOf('dana'))];
});
test.after(closeWorlds);

let pulls = 0;
/** A pull request of ann's; its number and commit. */
async function pull(): Promise<{ number: number; head: string }> {
  const branch = `work-${++pulls}`;
  await here.push({ 'grants/access/orders/group-desk.yaml': `# ${branch}\n` }, 'main');
  execFileSync('git', ['branch', branch, 'main'], { cwd: `${here.here.folder}/forge.git` });
  execFileSync('git', ['update-ref', 'refs/heads/main', 'main~1'], { cwd: `${here.here.folder}/forge.git` });
  const ann = new Octokit({ baseUrl: here.forge.api, auth: tokenOf('ann') });
  const { data } = await ann.rest.pulls.create({ ...where, base: 'main', head: branch, title: branch });
  return { number: data.number, head: data.head.sha };
}

const target = () => ({ ...where, baseUrl: here.forge.api, token, retries: 0, timeoutMs: 5000 });
const post = (check: PullCheck, at: { number: number; head: string }, base = 'main') =>
  postCheck({ forge: openChecks(target()), check, ...at, base, directory, trusted: true });
const comments = async (number: number) =>
  (await bot.rest.issues.listComments({ ...where, issue_number: number })).data.map(({ user, body }) => ({
    by: user?.login,
    body: body ?? '',
  }));
const runs = async (head: string) =>
  (await bot.rest.checks.listForRef({ ...where, ref: head, check_name: checkName, filter: 'all' })).data
    .check_runs;

test('one comment and one check run; said again nothing is written, changed the comment is brought up to date', async () => {
  const at = await pull();
  const check = checkOf({ head: at.head });
  const first = await post(check, at);
  assert.deepEqual(
    [first.comment, first.check, first.outcome?.conclusion],
    ['created', 'created', 'success'],
  );
  here.writes();
  const again = await post(check, at);
  assert.deepEqual([again.comment, again.check, here.writes().calls], ['unchanged', 'unchanged', []]);
  // What a fork's run has computed is not fine yet; what one of the repository itself has is.
  const handedOver = async (isFork: boolean) => {
    const forge = openChecks(target());
    const asked = { ...forge, pull: async (number: number) => ({ ...(await forge.pull(number)), isFork }) };
    const posted = await postCheck({ forge: asked, check, ...at, base: 'main', directory, trusted: false });
    return posted.outcome?.conclusion;
  };
  assert.deepEqual([await handedOver(true), await handedOver(false)], ['action_required', 'success']);
  const wrong = checkOf({
    head: at.head,
    problems: [{ path: 'grants/x.yaml', line: 3, level: 'failure', message: 'is wrong' }],
    failures: 1,
  });
  const changed = await post(wrong, at);
  assert.deepEqual([changed.comment, changed.check], ['updated', 'created']);
  const said = await comments(at.number);
  assert.equal(said.length, 1);
  assert.match(said[0]?.body ?? '', /^<!-- grantgate:check -->\n### ❌ Access check: 1 problem/);
  const [newest] = await runs(at.head);
  assert.deepEqual(
    [newest?.conclusion, newest?.output.title, newest?.output.annotations_count],
    ['failure', '1 problem', 1],
  );
});

test("somebody else's comment that looks like ours is left alone", async () => {
  const at = await pull();
  const theirs = '<!-- grantgate:check -->\n### ✅ Access check: all is well';
  await dana.rest.issues.createComment({ ...where, issue_number: at.number, body: theirs });
  await bot.rest.issues.createComment({ ...where, issue_number: at.number, body: 'Something else of ours.' });
  assert.equal((await post(checkOf({ head: at.head }), at)).comment, 'created');
  assert.deepEqual(
    (await comments(at.number)).map(({ by }) => by),
    ['dana', 'grantgate-bot', 'grantgate-bot'],
  );
  assert.equal((await comments(at.number))[0]?.body, theirs);
});

test('many annotations go in several calls, and the run is known only once it is whole', async () => {
  const at = await pull();
  const problems = Array.from({ length: 120 }, (_, i) => ({
    ...{ path: 'grants/x.yaml', line: i + 1, level: 'warning' as const, message: `number ${i}` },
  }));
  const check = checkOf({ head: at.head, problems });
  const undo = here.forge.fail({ method: 'PATCH', path: /check-runs/, status: 500, times: 1 });
  await assert.rejects(post(check, at), { code: 'forge-failed' });
  undo();
  assert.equal((await post(check, at)).check, 'created');
  const [newest, broken] = await runs(at.head);
  assert.deepEqual([newest?.status, newest?.output.annotations_count], ['completed', 120]);
  assert.equal(broken?.status, 'in_progress');
});

test('an approval of the very commit opens the way, one of an older commit does not', async () => {
  const at = await pull();
  const check = checkOf({ head: at.head, requirements: [needed] });
  assert.equal((await post(check, at)).outcome?.conclusion, 'action_required');
  await dana.rest.pulls.createReview({ ...where, pull_number: at.number, event: 'APPROVE' });
  const approved = await post(check, at);
  assert.deepEqual([approved.outcome?.conclusion, approved.comment], ['success', 'updated']);
  assert.match((await comments(at.number))[0]?.body ?? '', /- \[x\] .*: `dana@example\.com` has/);
  const bare = `${here.here.folder}/forge.git`;
  const tree = execFileSync('git', ['rev-parse', `${at.head}^{tree}`], {
    cwd: bare,
    encoding: 'utf8',
  }).trim();
  const identity = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  const next = execFileSync('git', ['commit-tree', tree, '-p', at.head, '-m', 'more'], {
    ...{ cwd: bare, encoding: 'utf8', env: { ...process.env, ...identity } },
  }).trim();
  execFileSync('git', ['update-ref', `refs/heads/work-${pulls}`, next], { cwd: bare });
  const later = await post(checkOf({ head: next, requirements: [needed] }), {
    number: at.number,
    head: next,
  });
  assert.equal(later.outcome?.conclusion, 'action_required');
  // What was found of the older commit comes too late, and changes nothing.
  here.writes();
  const late = await post(check, at);
  assert.deepEqual([late.outcome, late.comment, late.check, here.writes().calls], [null, 'none', 'none', []]);
});

test('what is of another commit, pull request or branch is not posted', async () => {
  const [one, other] = [await pull(), await pull()];
  here.writes();
  await assert.rejects(post(checkOf(), one), { code: 'check-mismatch' });
  await assert.rejects(post(checkOf({ head: one.head }), one, 'release'), { code: 'check-mismatch' });
  const crossed = await post(checkOf({ head: one.head }), { number: other.number, head: one.head });
  assert.equal(crossed.outcome, null);
  assert.deepEqual(here.writes().calls, []);
});

test('a token that may not write checks sets a status instead', async () => {
  const at = await pull();
  const undo = here.forge.fail({ method: 'POST', path: /check-runs/, status: 403, times: 1 });
  const posted = await post(checkOf({ head: at.head, requirements: [needed] }), at);
  undo();
  assert.deepEqual([posted.check, posted.comment], ['status', 'created']);
  const { data } = await bot.rest.repos.getCombinedStatusForRef({ ...where, ref: at.head });
  assert.deepEqual(
    data.statuses.map(({ context, state }) => [context, state]),
    [[checkName, 'pending']],
  );
});

test('a commit leads to its open pull requests against the branch, and to no others', async () => {
  const at = await pull();
  const forge = openChecks(target());
  assert.deepEqual(await forge.pullsOf(at.head, 'main'), [at.number]);
  assert.deepEqual(await forge.pullsOf(at.head, 'other'), []);
  assert.deepEqual(await forge.pullsOf('f'.repeat(40), 'main'), []);
  await bot.rest.pulls.update({ ...where, pull_number: at.number, state: 'closed' });
  assert.deepEqual(await forge.pullsOf(at.head, 'main'), []);
});
