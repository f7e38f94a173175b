import * as assert from 'node:assert/strict';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { suite } from '../../_suite.ts';
import { rules } from '../_review.ts';
import { actions, call, closeWorlds, edit, type World, world } from '../_world.ts';

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
  const [before, body] = [here.bare('rev-parse', branch), await shown(here)];
  await here.push({ [file]: proposed.replace('role: reader', 'role: admin') }, branch, 0.01, bot);
  const forged = here.bare('rev-parse', branch);
  // The text names that commit, as whoever may push can write.
  await edit(here, 1, body.replaceAll(before, forged));
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['updated group-desk/automatic busy']);
  assert.equal(`${here.bare('show', `${branch}:${file}`)}\n`, proposed);
  assert.deepEqual(
    (await call<{ statuses: unknown[] }>(here, 'GET', `/commits/${forged}/status`)).statuses,
    [],
  );
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['merged group-desk/automatic busy']);
  assert.match(here.bare('show', `main:${file}`), /role: reader/);
});

test('merge by themselves where the kind may, and no other kind', async () => {
  const here = await opened('second-factor, rate-limit');
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['merged group-desk/automatic busy']);
  assert.match(here.bare('show', 'main:grants/access/orders/group-desk.yaml'), /limits: \{ rate: 3\/min \}/);
  assert.deepEqual(actions(await here.apply({ recommend: true })), []);
  const other = await opened('second-factor');
  assert.deepEqual(actions(await other.apply({ recommend: true })), ['opened group-desk/controls busy']);
});
