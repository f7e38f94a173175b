import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { rules } from '../_review.ts';
import { actions, closeWorlds, type World, world } from '../_world.ts';

const test = suite('pull requests of recommendations');
test.after(closeWorlds);
const asked = '  recommend: { days: 2, allows: 4, days_used: 2, rate_least: 3 }\n';
const review = (merge: string) =>
  rules
    .replace('pull_requests: {', `${asked}pull_requests: {`)
    .replace('per_hour: 10 }', `per_hour: 10, merge: [${merge}] }`);

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

test('merge by themselves where the kind may, and no other kind', async () => {
  const here = await opened('second-factor, rate-limit');
  assert.deepEqual(actions(await here.apply({ recommend: true })), ['merged group-desk/automatic busy']);
  assert.match(here.bare('show', 'main:grants/access/orders/group-desk.yaml'), /limits: \{ rate: 3\/min \}/);
  assert.deepEqual(actions(await here.apply({ recommend: true })), []);
  const other = await opened('second-factor');
  assert.deepEqual(actions(await other.apply({ recommend: true })), ['opened group-desk/controls busy']);
});
