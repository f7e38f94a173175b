import * as assert from 'node:assert/strict';
import { answer } from '../../../reviewer/answer.ts';
import { openForge } from '../../../reviewer/forge/forge.ts';
import type { Finding } from '../../../reviewer/plan/finding.ts';
import { reminderText } from '../../../reviewer/pulls/remind.ts';
import { branchPrefix } from '../../../reviewer/pulls/text/branch.ts';
import { unanswered } from '../../../reviewer/pulls/unanswered.ts';
import { noticesWithin } from '../../../reviewer/report/noticesOf.ts';
import { delegations, reminders } from '../../../reviewer/report/noticeTables.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, base, dayMs, type Files, type GrantText, rules } from '../_review.ts';
import { call, closeWorlds, edit, idle, reviewedWorld, token, tokenOf, type World } from '../_world.ts';

const test = suite('reminders of a pull request');
test.after.each(closeWorlds);

const directory = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1, status: active', 'id: 00u1, status: active, github: ann')
  .replace('id: 00u4, status: active', 'id: 00u4, status: active, github: dana');
/** Nobody's own access; the records of later days are not asked for. */
const ofService: GrantText = { id: 'idle', principal: 'service:invoicer', rest: idle };
const rulesWith = (more: string) =>
  rules
    .replace('brake: 1', 'brake: 1\n  coverage: 0')
    .replace('per_hour: 10', `per_hour: 10, schedule: "* * * * *", manager_after_days: 30${more}`);
const begin = (more = '', files: Files = {}, grants: readonly GrantText[] = [ofService]) =>
  reviewedWorld(grants, {
    'grants/directory/okta.yaml': directory,
    'grants/review.yaml': rulesWith(more),
    ...files,
  });
const on = async (here: World, days: number) =>
  (await here.later(asOfMs + days * dayMs)).pulls.map(({ action }) => action).join();
type Comment = { body: string; user: { login: string } };
const said = async (here: World, number = 1) =>
  (await call<Comment[]>(here, 'GET', `/issues/${number}/comments`)).map(({ body }) => body);
const keysOf = async (here: World, number = 1) =>
  (await said(here, number)).flatMap((body) => /^<!-- grantgate:told (.*) -->/.exec(body)?.[1] ?? []);
const as = async ({ forge }: World, login: string, path: string, body: object) => {
  const answer = await fetch(`${forge.api}/repos/acme/access${path}`, {
    ...{ method: 'POST', headers: { authorization: `token ${tokenOf(login)}` }, body: JSON.stringify(body) },
  });
  assert.ok(answer.ok, `${path} ${answer.status}`);
};

test('by default half way and three days before the rule holds, once each, naming who, what, when and how', async () => {
  const here = await begin();
  assert.equal(await on(here, 14.9), 'unchanged');
  assert.deepEqual(here.writes().calls, []);
  assert.equal(await on(here, 15), 'reminded');
  assert.equal(await on(here, 16), 'unchanged');
  assert.deepEqual(here.writes().calls, ['POST /issues/1/comments']);
  assert.equal(await on(here, 27.5), 'reminded');
  assert.equal(await on(here, 29.9), 'unchanged');
  assert.deepEqual(await keysOf(here), ['15 days 2026-12-23', '3 days 2026-12-23']);
  const [first = ''] = await said(here);
  assert.match(first, /\n@ann, @dana: 1 grant here waits for an answer\. /);
  assert.match(
    first,
    /before 2026-12-23T12:00:00Z, the group desk will be asked, too: for severity medium `pull_requests\.no_response` .* says `escalate`/,
  );
  assert.match(first, /comment `\/keep GRANT UNTIL REASON`/);
  // The rule itself, whoever writes into the text meanwhile: once, and nothing more after it.
  const { body } = await call<Comment>(here, 'GET', '/pulls/1');
  await edit(here, 1, `I look at this tomorrow.\n\n${body}`);
  assert.equal(await on(here, 30), 'updated');
  assert.equal(await on(here, 31), 'unchanged');
  assert.deepEqual((await keysOf(here)).slice(2), ['unanswered 2026-12-23']);
  // What an auditor is shown of it: of the period, and who was asked in whose place.
  const asked = openForge({ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token });
  const within = async (from: number, to: number) =>
    noticesWithin(asked, await asked.listPulls(branchPrefix, 0), {
      from: asOfMs / 1000 + from * 86_400,
      to: asOfMs / 1000 + to * 86_400,
    });
  const notices = await within(16, 40);
  const row = { owner: 'group:desk', pull_request: 1, told_by: 'grantgate-bot' };
  assert.deepEqual(reminders({ notices }).rows, [
    { ...row, at: '2026-12-21T00:00:00Z', what: 'reminder 3 days before the end', to: 'ann dana' },
  ]);
  assert.deepEqual(delegations({ notices }).rows, [
    {
      ...row,
      at: '2026-12-23T12:00:00Z',
      what: 'no answer: those who answer for the APIs',
      to: 'ann dana',
    },
  ]);
  assert.deepEqual(reminders({ notices: await within(-9, 0) }).rows, [], 'opened at its end');
  assert.deepEqual(reminders({ notices: await within(28, 40) }).rows, []);
  assert.equal(reminders({ notices: await within(0, 28) }).rows.length, 2);
  assert.deepEqual(delegations({ notices: null }).rows, []);
});

test('where several were missed, the last one is enough; at the days that are set, and an empty list says nothing', async () => {
  const here = await begin(', reminder_days: [20, 10, 5]');
  assert.equal(await on(here, 26), 'reminded');
  assert.deepEqual(await keysOf(here), ['5 days 2026-12-23']);
  const none = await begin(', reminder_days: []');
  assert.equal(await on(none, 29), 'unchanged');
  assert.deepEqual(none.writes().calls, []);
});

test('nobody is reminded of what is approved, nor does the rule take hold of it', async () => {
  const here = await begin();
  await as(here, 'dana', '/pulls/1/reviews', { event: 'APPROVE' });
  here.writes();
  for (const days of [16, 29, 31]) assert.equal(await on(here, days), 'unchanged', `${days}`);
  assert.deepEqual(here.writes().calls, []);
});

test('what is answered by comments waits for its merge alone; of the rest those are told who have not answered', async () => {
  const here = await begin(', no_response: { medium: keep }', {}, [ofService, { ...ofService, id: 'other' }]);
  const answerAs = async (body: string) => {
    await as(here, 'ann', '/issues/1/comments', { body });
    await answer(
      {
        baseUrl: here.forge.api,
        owner: 'acme',
        repo: 'access',
        token,
        retries: 0,
        cloneUrl: here.repository,
      },
      1,
    );
  };
  await answerAs('/keep idle 2027-03-31 the audit');
  // The run after a comment says what records say of it; nothing else changes.
  here.clock.now = asOfMs + dayMs;
  await here.apply({ asOfMs: here.clock.now });
  assert.equal(await on(here, 15), 'reminded');
  assert.match((await said(here)).at(-1) ?? '', /\n@dana: 1 grant here waits for an answer/);
  await answerAs('/keep other 2027-03-31 the audit');
  await on(here, 26);
  here.writes();
  assert.equal(await on(here, 28), 'unchanged');
  assert.deepEqual(here.writes().calls, []);
  // Nor is what somebody decided thrown away: others are asked to merge it.
  assert.equal(await on(here, 30), 'updated');
  assert.deepEqual((await keysOf(here)).at(-1), 'unanswered 2026-12-23');
});

test('a branch of people, the hours outside the schedule, and what has no end are left in peace', async () => {
  const here = await begin('', {}, [
    ofService,
    { id: 'of-bob', principal: 'user:bob@example.com' },
    { id: 'gone', rest: 'role: reader\nexpires: 2026-11-01' },
  ]);
  assert.equal(await on(here, 29), 'unchanged,reminded,unchanged', 'urgent, removal, tidying');
  const weekend = await begin('', {
    'grants/review.yaml': rulesWith('').replace('"* * * * *"', '"* * * * 1-5"'),
  });
  assert.equal(await on(weekend, 19), 'unchanged', 'a Saturday');
  assert.equal(await on(weekend, 21), 'reminded', 'a Monday');
  const theirs = await begin();
  const branch = theirs.bare('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/grantgate').trim();
  await theirs.push({ 'notes.txt': 'mine\n' }, branch);
  theirs.writes();
  for (const days of [16, 29, 31]) assert.equal(await on(theirs, days), 'unchanged');
  assert.deepEqual(theirs.writes().calls, []);
});

test('what somebody else writes silences no reminder; one that was lost comes with the next run, one whose answer was lost does not come twice', async () => {
  const here = await begin();
  await as(here, 'eve', '/issues/1/comments', { body: '<!-- grantgate:told 15 days 2026-12-23 -->\nno' });
  const comment = { method: 'POST', path: /\/comments$/ };
  here.forge.fail({ ...comment, status: 500 });
  here.clock.now = asOfMs + 15 * dayMs;
  const broken = await here.apply({ asOfMs: here.clock.now });
  assert.equal(broken.error?.code, 'forge-failed');
  assert.equal(broken.pulls[0]?.action, 'failed');
  assert.equal(await on(here, 15), 'reminded');
  here.forge.fail({ ...comment, status: 'reset', when: 'after' });
  assert.equal(await on(here, 27), 'failed');
  assert.equal(await on(here, 27), 'unchanged');
  // Killed between what was said of the rule and the text that remembers it.
  here.forge.fail({ method: 'PATCH', path: /\/pulls\/1$/, status: 500 });
  assert.equal(await on(here, 30), 'failed');
  assert.equal(await on(here, 30), 'updated');
  assert.deepEqual(await keysOf(here), [
    ...['15 days 2026-12-23', '15 days 2026-12-23', '3 days 2026-12-23', 'unanswered 2026-12-23'],
  ]);
});

test('one that is opened again waits as long as a new one, and reminds anew', async () => {
  const here = await begin(', no_response: { medium: keep }');
  assert.equal(await on(here, 30), 'closed');
  await call(here, 'PATCH', '/pulls/1', { state: 'open' });
  assert.equal(await on(here, 31), 'updated');
  assert.equal(await on(here, 32), 'unchanged');
  assert.equal(await on(here, 46), 'reminded');
  assert.deepEqual(await keysOf(here), ['15 days 2027-01-22']);
  assert.equal(await on(here, 61), 'closed');
});

test('in the place of who is absent others are asked and told from the start, of who is silent their managers later', async () => {
  const gone = directory
    .replace('id: 00u1, status: active, github: ann', 'id: 00u1, status: active, manager: eve@example.com')
    .replace(
      '  - { login: dana@example.com, id: 00u4, status: active, github: dana }',
      '  - { login: dana@example.com, id: 00u4, status: suspended }\n  - { login: eve@example.com, id: 00u5, status: active, github: eve }',
    );
  const here = await begin('', { 'grants/directory/okta.yaml': gone });
  const asked = async () =>
    (
      await call<{ requested_reviewers: { login: string }[] }>(here, 'GET', '/pulls/1')
    ).requested_reviewers.map(({ login }) => login);
  assert.deepEqual(await asked(), ['eve']);
  assert.deepEqual(await keysOf(here), ['managers']);
  assert.match((await said(here))[0] ?? '', /\n@eve: nobody can be asked of `group:desk`/);
  assert.equal(await on(here, 1), 'unchanged');
  assert.deepEqual(here.writes().calls, []);
  // What they say is an answer, though they may not push: of who was asked, and of nobody else.
  const answered = () =>
    answer(
      {
        baseUrl: here.forge.api,
        owner: 'acme',
        repo: 'access',
        token,
        cloneUrl: here.repository,
        retries: 0,
      },
      1,
    );
  await as(here, 'eve', '/issues/1/comments', { body: '/keep idle 2027-03-31 the audit' });
  assert.deepEqual(await answered(), { number: 1, handled: 1, changed: true });
  await as(here, 'eve', '/pulls/1/reviews', { event: 'APPROVE' });
  here.writes();
  // Judged anew: no records of that time say anything of it.
  here.clock.now = asOfMs + 31 * dayMs;
  assert.equal((await here.apply({ asOfMs: here.clock.now })).pulls[0]?.action, 'unchanged');
  assert.deepEqual(here.writes().calls, []);

  const silent = await begin('', {
    'grants/directory/okta.yaml': gone.replace(
      'status: active, manager',
      'status: active, github: ann, manager',
    ),
    'grants/review.yaml': rulesWith(', reminder_days: []').replace(
      'manager_after_days: 30',
      'manager_after_days: 20',
    ),
  });
  assert.deepEqual(await keysOf(silent), []);
  assert.equal(await on(silent, 19.9), 'unchanged');
  assert.equal(await on(silent, 20), 'reminded');
  assert.equal(await on(silent, 29), 'unchanged');
  assert.match((await said(silent)).join(), /\n@eve: `group:desk` has not said anything yet/);
});

const finding = (severity: Finding['severity']) => ({ severity }) as Finding;
const organisation = (no_response: Record<string, string>) =>
  ({ review: { pull_requests: { no_response } } }) as unknown as Parameters<typeof unanswered>[2];
const words = { low: 'keep', medium: 'escalate', high: 'suspend', critical: 'suspend' };

test('the strongest word on what it holds counts, and those severities are named that have it', () => {
  const of = (tier: 'removal' | 'urgent' | 'tidying', more: object, ...severities: Finding['severity'][]) =>
    unanswered({ tier, entries: [], ...more }, severities.map(finding), organisation(words), {
      ...{ createdMs: 0, reopenedMs: null, ...more },
    });
  const days = 30 * 86_400;
  assert.deepEqual(of('removal', {}, 'low'), { since: 0, at: days, rule: 'keep', severities: ['low'] });
  assert.deepEqual(of('removal', {}, 'low', 'critical', 'medium', 'high'), {
    ...{ since: 0, at: days, rule: 'suspend', severities: ['critical', 'high'] },
  });
  assert.equal(of('removal', { reopenedMs: 2 * dayMs }, 'low')?.at, days + 2 * 86_400);
  const said = { kind: 'revoke', by: 'user:ann', at: '2026-11-23T12:00:00Z' };
  const decided = { entries: [{ decision: said }, {}] };
  assert.equal(of('removal', decided, 'low')?.rule, 'escalate', 'a decision is not thrown away');
  assert.equal(of('removal', decided, 'high')?.rule, 'suspend');
  const silence = { entries: [{ decision: { ...said, kind: 'suspend', unanswered: said.at } }] };
  assert.equal(of('removal', silence, 'low')?.rule, 'keep');
  for (const tier of ['urgent', 'tidying'] as const) assert.equal(of(tier, {}, 'low'), null);
  assert.equal(of('removal', { escalated: '1970-01-03T00:00:00Z' }, 'low'), null);
  assert.equal(of('removal', {}), null);
});

test('says of each rule what it will do to this very kind of pull request, on one line', () => {
  const text = (rule: 'keep' | 'escalate' | 'suspend', tier: 'removal' | 'certification', draft = false) =>
    reminderText({
      ...{ marker: { tier }, owners: ['group:desk', 'user:a_b@example.com'], left: 2, draft },
      due: { since: 0, at: 0, rule, severities: ['high', 'critical'] },
    });
  assert.match(
    text('keep', 'removal'),
    /^2 grants here wait .* it will be closed, and everything in it stays/,
  );
  assert.match(text('escalate', 'removal'), /the group desk, a\\_b@<!-- -->example\.com will be asked, too/);
  assert.match(
    text('suspend', 'certification'),
    /it will propose to suspend what nobody has answered for, and ask/,
  );
  assert.doesNotMatch(text('suspend', 'removal'), /it will propose to suspend/);
  assert.match(text('keep', 'removal'), /for severity high and critical .* says `keep`/);
  assert.match(
    reminderText({
      ...{ marker: { tier: 'removal' }, owners: ['group:desk'], left: 1, draft: false },
      due: { since: 0, at: 0, rule: 'escalate', severities: [] },
    }),
    /will be asked, too: what somebody has decided here is not closed by `pull_requests/,
  );
  assert.match(text('keep', 'certification'), /`\/extend GRANT UNTIL REASON`/);
  assert.match(text('keep', 'removal', true), /mark it as ready/);
  assert.doesNotMatch(text('keep', 'removal'), /mark it as ready|\n/);
});
