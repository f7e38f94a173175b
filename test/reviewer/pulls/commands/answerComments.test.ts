import * as assert from 'node:assert/strict';
import { answer } from '../../../../reviewer/answer.ts';
import { bodyParts, parseBody } from '../../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../../_suite.ts';
import { access, base, type GrantText } from '../../_review.ts';
import {
  closeWorlds,
  idle,
  reviewedWorld,
  standard,
  token,
  tokenOf,
  type World,
  world,
} from '../../_world.ts';

const test = suite('one diff, any decision');
test.after.each(closeWorlds);

const [ofAnn, busy] = standard as [GrantText, GrantText];
const named = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1,', 'id: 00u1, github: ann,')
  .replace('id: 00u4,', 'id: 00u4, github: dana,');
const branch = 'grantgate/review/group-desk/removal';

const started = () =>
  reviewedWorld([ofAnn, { id: 'idle-too', principal: 'service:invoicer', rest: idle }, busy], {
    'grants/directory/okta.yaml': named,
  });
async function call<T>(
  { forge }: World,
  as: string,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const made = await fetch(`${forge.api}/repos/acme/access${path}`, {
    method,
    headers: { authorization: `token ${as}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(made.ok, `${method} ${path} ${made.status}`);
  return (await made.json()) as T;
}
const comment = (here: World, login: string, body: string) =>
  call<{ id: number }>(here, tokenOf(login), 'POST', '/issues/1/comments', { body });
/** Beside a line of the diff. */
const besideLine = async (here: World, login: string, body: string) => {
  const commit_id = (await shown(here)).head.sha;
  const said = { body, commit_id, path: 'grants/access/orders.yaml', line: 1 };
  return (await call<{ id: number }>(here, tokenOf(login), 'POST', '/pulls/1/comments', said)).id;
};
const comments = (here: World) =>
  call<{ id: number; body: string }[]>(here, token, 'GET', '/issues/1/comments');
const shown = (here: World) =>
  call<{ title: string; body: string; head: { sha: string } }>(here, token, 'GET', '/pulls/1');
const run = ({ forge, repository }: World) =>
  answer(
    {
      ...{ baseUrl: forge.api, owner: 'acme', repo: 'access', token, cloneUrl: repository },
      ...{ retries: 0, timeoutMs: 120_000 },
    },
    1,
  );
const change = (here: World) =>
  here
    .bare('diff', 'main', branch)
    .split('\n')
    .filter((line) => /^[+-] /.test(line) || /^[+-]- /.test(line))
    .join('\n');

test('a run without records leaves the replay to one that has some', async () => {
  const ofBob = { id: 'of-bob', principal: 'user:bob@example.com', api: 'payments' };
  const here = await world([ofBob, busy], {
    'grants/directory/okta.yaml': named,
  });
  await here.apply();
  const says = async () => {
    const { body } = await shown(here);
    return [/would now be denied/, /Not replayed yet/].map((one) => one.test(body));
  };
  assert.deepEqual(await says(), [true, false]);
  await comment(here, 'dana', '/revoke of-bob');
  await run(here);
  assert.deepEqual(await says(), [false, true]);
  here.writes();
  const without = await here.apply({ decisions: [] });
  assert.deepEqual([without.pulls.map(({ action }) => action), here.writes().calls], [['unchanged'], []]);
  assert.deepEqual(await says(), [false, true]);
  await here.apply();
  assert.deepEqual(await says(), [true, false]);
  // A text that is written anew for another commit waits again.
  await here.push(access([{ ...ofBob, rest: 'role: reader # moved' }]));
  await here.apply({ decisions: [] });
  assert.deepEqual(await says(), [false, true]);
  await here.apply();
  assert.deepEqual(await says(), [true, false]);
});

test('a keep rewrites the same diff, is merged as the attestation, and silences the finding', async () => {
  const here = await started();
  assert.match((await shown(here)).body, /would now be denied/);
  const { id } = await comment(
    here,
    'dana',
    'It is for the audit.\n/keep idle 2027-03-31 the audit: "Q1" # still',
  );
  assert.deepEqual(await run(here), { number: 1, handled: 1, changed: true });
  assert.match(
    change(here),
    /\+ {2}review: \{ decision: keep, by: user:dana@example\.com, at: 2026-11-23T12:00:00Z, until: 2027-03-31, reason: "the audit: \\"Q1\\" # still" \}/,
  );
  assert.match(change(here), /^-- id: idle-too$/m);
  assert.doesNotMatch(change(here), /^-- id: idle$/m);
  const { body, title, head } = await shown(here);
  // The replay was of the commit before.
  assert.doesNotMatch(body, /would now be denied/);
  assert.match(body, /\*\*Not replayed yet\*\*: .* replays them anew\./);
  assert.equal(title, 'Access review for group:desk: revoke 1, keep 1 on orders');
  assert.match(
    body,
    /> \*\*Kept until 2027-03-31\*\* by `dana@example\.com` on 2026-11-23: the audit: "Q1" \\# still$/m,
  );
  assert.equal(parseBody(body)?.commit, head.sha);
  const reactions = await call<{ content: string }[]>(here, token, 'GET', `/issues/comments/${id}/reactions`);
  assert.deepEqual(
    reactions.map(({ content }) => content),
    ['+1'],
  );
  // Told twice, done once; the next review leaves what was decided.
  here.writes();
  assert.deepEqual(await run(here), { number: 1, handled: 0, changed: false });
  const applied = async () => (await here.later()).pulls.map(({ action }) => action);
  assert.deepEqual(
    [await applied(), here.writes().calls.length],
    [['updated'], 1],
    'but for the replay of it',
  );
  const replayed = await shown(here);
  assert.match(replayed.body, /would now be denied/);
  const rest = (text: string) =>
    bodyParts(text).own.replace(/<!-- grantgate:replay -->[\s\S]*grantgate:replay-end -->/, '');
  assert.equal(rest(replayed.body), rest(body));
  assert.equal(replayed.head.sha, head.sha);
  here.writes();
  assert.deepEqual([await applied(), here.writes().calls], [['unchanged'], []]);
  await here.forge.merge(1);
  await comment(here, 'dana', '/keep idle-too 2027-03-31 late');
  const closed = { number: 1, handled: 0, changed: false, reason: 'not open any more' };
  assert.deepEqual(await run(here), closed);
  assert.deepEqual((await here.apply()).plan.findings, []);
});

test('who may not is told so once, and the diff stays', async () => {
  const here = await started();
  const before = await shown(here);
  await comment(here, 'eve', '/keep idle 2027-03-31 please');
  await comment(here, 'ann', '/keep idle 2027-03-31 I need it');
  await comment(here, 'dana', '/keep idle soon');
  await comment(here, 'eve', 'thanks!');
  // Nor whose comment was written by a program, or by somebody else since.
  await call(here, token, 'POST', '/issues/1/comments', { body: '/revoke idle' });
  const { id } = await comment(here, 'dana', 'let me look');
  here.clock.now += 1000;
  await call(here, tokenOf('ann'), 'PATCH', `/issues/comments/${id}`, { body: '/revoke idle' });
  assert.deepEqual(await run(here), { number: 1, handled: 4, changed: false });
  assert.deepEqual(await run(here), { number: 1, handled: 0, changed: false });
  assert.equal((await shown(here)).head.sha, before.head.sha);
  const replies = (await comments(here)).filter(({ body }) => body.startsWith('<!-- grantgate:reply '));
  assert.equal(replies.length, 4);
  assert.match(replies[3]?.body ?? '', /@dana\n\n- the comment was changed after it was written/);
  assert.match(replies[0]?.body ?? '', /@eve\n\n- `idle` is `group:desk`'s/);
  assert.match(replies[1]?.body ?? '', /@ann\n\n- `idle` is your own access/);
  assert.match(replies[2]?.body ?? '', /UNTIL must be a day/);
});

test('a later word replaces an earlier one, also in a review or beside a line, and a lost delivery is made up for', async () => {
  const here = await started();
  const { id } = await comment(here, 'dana', '/suspend idle-too');
  here.clock.now += 1000;
  await call(here, tokenOf('dana'), 'POST', '/pulls/1/reviews', {
    event: 'COMMENT',
    body: '/extend idle-too 2027-06-30 until the move\n/suspend idle',
  });
  here.clock.now += 1000;
  const beside = await besideLine(here, 'dana', '/revoke idle');
  await besideLine(here, 'eve', 'Is this still needed?');
  assert.deepEqual(await run(here), { number: 1, handled: 3, changed: true });
  assert.deepEqual(
    here.writes().calls.filter((made) => made.endsWith('/reactions')),
    [`POST /issues/comments/${id}/reactions`, `POST /pulls/comments/${beside}/reactions`],
  );
  assert.equal((await run(here)).handled, 0);
  assert.match(change(here), /\+ {2}expires: 2027-06-30/);
  assert.doesNotMatch(change(here), /suspended/);
  assert.match(change(here), /^-- id: idle$/m);
});

test('a review decides nothing once it was changed, nor where nobody can tell', async () => {
  const here = await started();
  const { id } = await call<{ id: number }>(here, tokenOf('dana'), 'POST', '/pulls/1/reviews', {
    ...{ event: 'COMMENT', body: 'I have looked at it.' },
  });
  here.clock.now += 1000;
  // Whoever may push puts words into dana's mouth, for access of her own that she may not keep.
  await call(here, tokenOf('ann'), 'PUT', `/pulls/1/reviews/${id}`, {
    ...{ body: '<!-- I have looked at it. -->/keep idle 2027-03-31 dana says so' },
  });
  const beside = await besideLine(here, 'dana', 'Here, too.');
  here.clock.now += 1000;
  await call(here, tokenOf('ann'), 'PATCH', `/pulls/comments/${beside}`, {
    ...{ body: '/keep idle-too 2027-03-31 dana says so' },
  });
  const before = (await shown(here)).head.sha;
  assert.deepEqual(await run(here), { number: 1, handled: 2, changed: false });
  for (const { body } of (await comments(here)).slice(-2))
    assert.match(body, /the comment was changed after it was written/);
  // Of whose text it is the forge tells, and of the review no more.
  here.forge.fail({ method: 'POST', path: /\/graphql$/, status: 404, skip: 3 });
  await call(here, tokenOf('dana'), 'POST', '/pulls/1/reviews', { event: 'COMMENT', body: '/revoke idle' });
  assert.deepEqual(await run(here), { number: 1, handled: 1, changed: false });
  assert.match(
    (await comments(here)).at(-1)?.body ?? '',
    /whether this was changed since it was submitted cannot be told/,
  );
  assert.equal((await shown(here)).head.sha, before);
  // A forge that fails is asked again by a later run.
  here.forge.fail({ method: 'POST', path: /\/graphql$/, status: 502 });
  await call(here, tokenOf('dana'), 'POST', '/pulls/1/reviews', {
    event: 'COMMENT',
    body: '/keep idle 2027-03-31 the audit',
  });
  await assert.rejects(run(here), { code: 'forge-failed' });
  assert.deepEqual(await run(here), { number: 1, handled: 1, changed: true });
});

test('what is refused is said before it is forgotten, and once, whatever fails; whose word is replaced is told', async () => {
  const here = await started();
  const replies = async () =>
    (await comments(here))
      .filter(({ body }) => body.startsWith('<!-- grantgate:reply'))
      .map(({ body }) => body);
  // The answer itself, then what is remembered of it.
  for (const fault of [
    { method: 'POST', path: /\/issues\/1\/comments$/, status: 502 },
    { method: 'PATCH', path: /\/pulls\/1$/, status: 502 },
  ] as const) {
    const before = (await replies()).length;
    await comment(here, 'eve', '/revoke idle');
    here.forge.fail(fault);
    await assert.rejects(run(here), { code: 'forge-failed' });
    assert.deepEqual(await run(here), { number: 1, handled: 1, changed: false });
    assert.equal((await replies()).length, before + 1);
    assert.match((await replies()).at(-1) ?? '', /only its owner/);
    assert.equal((await run(here)).handled, 0);
  }
  await comment(here, 'dana', '/suspend idle');
  await comment(here, 'ann', '/revoke idle');
  assert.deepEqual(await run(here), { number: 1, handled: 2, changed: true });
  assert.match(
    (await replies()).at(-1) ?? '',
    /@ann[\s\S]*`\/revoke` replaces the `\/suspend` of `user:dana@example\.com`/,
  );
  assert.match(change(here), /^-- id: idle$/m);
});

test('what no run was told of, or one failed on, the next review carries out, and then nothing more', async () => {
  const here = await started();
  // Workflows are not told of reviews.
  await call(here, tokenOf('dana'), 'POST', '/pulls/1/reviews', {
    ...{ event: 'COMMENT', body: '/keep idle 2027-03-31 the audit' },
  });
  here.forge.fail({ method: 'GET', path: /\/issues\/1\/comments$/, status: 502 });
  assert.equal((await here.later()).error?.code, 'forge-failed');
  here.forge.fail({ method: 'PATCH', path: /\/pulls\/1$/, status: 502, when: 'after' });
  await assert.rejects(run(here), { code: 'forge-failed' });
  assert.doesNotMatch(change(here), /decision: keep/);
  assert.match((await shown(here)).body, /being brought up to date/);
  await comment(here, 'eve', '/revoke idle-too');
  assert.equal((await here.later()).error, null);
  assert.match(
    change(here),
    /\+ {2}review: \{ decision: keep, by: user:dana@example\.com, .* reason: the audit \}/,
  );
  assert.doesNotMatch((await shown(here)).body, /being brought up to date/);
  assert.match((await comments(here)).at(-1)?.body ?? '', /only its owner/);
  here.writes();
  await here.later();
  assert.deepEqual([here.writes().calls, (await run(here)).handled], [[], 0]);
});

test('a grant that is split off gets its own, and the next review leaves both', async () => {
  const here = await started();
  await comment(here, 'dana', '/split idle-too');
  // Whatever a run does not get to, before or behind the creation, the next one does, and nothing twice.
  const limit = { status: 429, headers: { 'retry-after': '900' } };
  for (const call of [
    { method: 'POST', path: /\/pulls$/ },
    { method: 'PATCH', path: /\/pulls\/1$/ },
  ]) {
    here.forge.fail({ ...limit, ...call });
    await assert.rejects(run(here), { code: 'forge-limited' });
  }
  assert.deepEqual(await run(here), { number: 1, handled: 1, changed: true });
  const second = await call<{ body: string; title: string }>(here, token, 'GET', '/pulls/2');
  assert.deepEqual(
    parseBody(second.body)?.entries.map(({ grant }) => grant),
    ['idle-too'],
  );
  assert.match(second.body, /### revoke `idle-too`/);
  assert.doesNotMatch(second.body, /### revoke `idle`/);
  // But for what the recorded requests say of each.
  for (const action of ['updated', 'unchanged'])
    assert.deepEqual(
      (await here.later()).pulls.map(({ action, grants }) => `${action} ${grants.join()}`),
      [`${action} idle`, `${action} idle-too`],
    );
});

test('a branch that people have committed to is theirs', async () => {
  const here = await started();
  await here.push({ 'grants/access/orders/README.md': 'ours\n' }, branch);
  const tip = here.bare('rev-parse', branch);
  await comment(here, 'dana', '/revoke idle');
  await comment(here, 'dana', '/suspend idle');
  assert.deepEqual(await run(here), { number: 1, handled: 2, changed: false });
  assert.equal(here.bare('rev-parse', branch), tip);
  assert.match((await comments(here)).at(-1)?.body ?? '', /people have committed to this branch/);
});
