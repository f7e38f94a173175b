import * as assert from 'node:assert/strict';
import { announcedContext } from '../../../reviewer/pulls/announce.ts';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { suite } from '../../_suite.ts';
import { rules } from '../_review.ts';
import { actions, call, closeWorlds, edit, tokenOf, type World, world } from '../_world.ts';

const test = suite('pull requests of recommendations');
test.after(closeWorlds);
const asked = '  recommend: { days: 2, allows: 4, days_used: 2, rate_least: 3 }\n';
const review = (merge: string) =>
  rules
    .replace('pull_requests: {', `${asked}pull_requests: {`)
    .replace('per_hour: 10 }', `per_hour: 10, merge: [${merge}] }`);

const shown = async (here: World) => (await call<{ body: string }>(here, 'GET', '/pulls/1')).body;
const opened = async (merge: string): Promise<World> =>
  world([{ id: 'busy' }], { 'grants/review.yaml': review(merge) });

async function callAs({ forge }: World, login: string, method: string, path: string, body: object) {
  const answer = await fetch(`${forge.api}/repos/acme/access${path}`, {
    ...{ method, headers: { authorization: `token ${tokenOf(login)}` } },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${answer.status}`);
}

test('are opened apart from all else, left alone by a run that does not ask, and closed when the cause is gone', async () => {
  const here = await opened('');
  const branch = 'group-desk/controls';
  assert.deepEqual(actions(await here.apply({ recommend: true })), [`opened ${branch} busy`]);
  assert.match(
    here.bare('show', `grantgate/review/${branch}:grants/access/orders/group-desk.yaml`),
    /limits: \{ rate: 3\/min \}/,
  );
  assert.match(here.bare('log', '-1', '--format=%s', `grantgate/review/${branch}`), /: tighten 1 on orders$/);
  here.writes();
  assert.deepEqual(actions(await here.apply()), [`unchanged ${branch} busy`]);
  assert.deepEqual(actions(await here.apply({ recommend: true })), [`unchanged ${branch} busy`]);
  assert.deepEqual(here.writes().calls, []);
  const exemption = 'exemptions: [{ grant: busy, detector: rate-limit, reason: r, until: 2027-01-31 }]\n';
  await here.push({ 'grants/review.yaml': `${review('')}${exemption}` });
  assert.deepEqual(actions(await here.apply({ recommend: true })), [`closed ${branch} busy`]);
});

test('what somebody pushes in our name is neither vouched for nor merged', async () => {
  const here = await opened('rate-limit');
  const branch = 'grantgate/review/group-desk/automatic';
  const file = 'grants/access/orders/group-desk.yaml';
  // Required checks are not through yet.
  here.forge.fail({ method: 'PUT', path: /\/merge$/, status: 405 });
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['opened group-desk/automatic busy']);
  const proposed = `${here.bare('show', `${branch}:${file}`)}\n`;
  // The text names that commit, as whoever may push can write; or as we have, by a mistake, and vouched for it too.
  for (const how of ['theirs', 'ours', 'vouched'] as const) {
    const [before, body] = [here.bare('rev-parse', branch), await shown(here)];
    await here.push({ [file]: proposed.replace('role: reader', 'role: admin') }, branch, 0.01, bot);
    const forged = here.bare('rev-parse', branch);
    const said = body.replaceAll(before, forged);
    if (how === 'theirs') await edit(here, 1, said);
    else await call(here, 'PATCH', '/pulls/1', { body: said });
    const status = { context: announcedContext, state: 'success' };
    if (how === 'vouched') await call(here, 'POST', `/statuses/${forged}`, status);
    const done = actions(await here.apply({ recommend: true }));
    assert.deepEqual(done, ['updated group-desk/automatic busy'], how);
    assert.equal(`${here.bare('show', `${branch}:${file}`)}\n`, proposed, how);
    if (how === 'vouched') continue;
    const { statuses } = await call<{ statuses: unknown[] }>(here, 'GET', `/commits/${forged}/status`);
    assert.deepEqual(statuses, [], how);
  }
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['merged group-desk/automatic busy']);
  assert.match(here.bare('show', `main:${file}`), /role: reader/);
});

test('merge by themselves where the kind may, and no other kind', async () => {
  const here = await opened('second-factor, rate-limit');
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['merged group-desk/automatic busy']);
  assert.match(here.bare('show', 'main:grants/access/orders/group-desk.yaml'), /limits: \{ rate: 3\/min \}/);
  assert.deepEqual(actions(await here.apply({ recommend: true })), []);
  // What somebody has decided otherwise, of any of it, is merged by people.
  const grants = [{ id: 'busy' }, { id: 'wide', principal: 'user:dana@example.com' }];
  const decided = await world(grants, { 'grants/review.yaml': review('rate-limit') });
  decided.forge.fail({ method: 'PUT', path: /\/merge$/, status: 405 });
  const both = 'group-desk/automatic busy,wide';
  assert.deepEqual(actions(await decided.apply({ recommend: true })), [`opened ${both}`]);
  await callAs(decided, 'ann', 'POST', '/issues/1/comments', { body: '/keep wide 2027-03-31 as it is' });
  for (const action of ['updated', 'unchanged'])
    assert.deepEqual(actions(await decided.apply({ recommend: true })), [`${action} ${both}`]);
  // Nor is what came to the branch since it was looked at.
  const changed = { 'grants/review.yaml': `${review('rate-limit')}# theirs\n` };
  const raced: World = await world(
    [{ id: 'busy' }],
    { 'grants/review.yaml': review('rate-limit') },
    ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/labels')) return;
      void raced.push(changed, 'grantgate/review/group-desk/automatic', 0.01, bot);
    },
  );
  assert.deepEqual(actions(await raced.apply({ recommend: true })), ['opened group-desk/automatic busy']);
  const other = await opened('second-factor');
  assert.deepEqual(actions(await other.apply({ recommend: true })), ['opened group-desk/controls busy']);
});
