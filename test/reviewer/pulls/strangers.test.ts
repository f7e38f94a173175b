import * as assert from 'node:assert/strict';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { suite } from '../../_suite.ts';
import { access, base } from '../_review.ts';
import { actions, call, closeWorlds, idle, token, tokenOf, type World, world } from '../_world.ts';

const test = suite('who may hold a pull request');
test.after.each(closeWorlds);

async function review({ forge }: World, login: string, event: string) {
  const made = await fetch(`${forge.api}/repos/acme/access/pulls/1/reviews`, {
    method: 'POST',
    headers: { authorization: `token ${tokenOf(login)}` },
    body: JSON.stringify({ event, body: 'said' }),
  });
  assert.ok(made.ok, `${made.status}`);
}

test('approvals and requests for changes count of who may push, or answers for it, and of no stranger', async () => {
  const here = await world();
  await here.apply();
  const forge = openForge({ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, retries: 0 });
  const isApproved = (...answering: string[]) => forge.isApproved(1, (login) => answering.includes(login));
  await review(here, 'eve', 'APPROVE');
  assert.equal(await isApproved(), false);
  assert.equal(await isApproved('eve'), true);
  await review(here, 'ann', 'APPROVE');
  assert.equal(await isApproved(), true);
  // Whom the token may not ask about may be one who may push.
  here.forge.fail({ method: 'GET', path: /\/collaborators\/ann\/permission$/, status: 403 });
  here.forge.fail({ method: 'GET', path: /\/collaborators\/eve\/permission$/, status: 403 });
  assert.equal(await isApproved(), true);
  await review(here, 'eve', 'REQUEST_CHANGES');
  assert.equal(await isApproved(), true);
  assert.equal(await isApproved('eve'), false);
  await review(here, 'ann', 'COMMENT');
  here.forge.fail({ method: 'GET', path: /\/collaborators\/ann\/permission$/, status: 403 });
  here.forge.fail({ method: 'GET', path: /\/collaborators\/eve\/permission$/, status: 403 });
  assert.equal(await isApproved(), false);
  await review(here, 'ann', 'REQUEST_CHANGES');
  assert.equal(await isApproved(), false);
});

test('a pull request that a stranger approved grows, and one that its owner approved does not', async () => {
  const named = (base['grants/directory/okta.yaml'] ?? '').replace('id: 00u4,', 'id: 00u4, github: dana,');
  const grants = ['one', 'two', 'three'].map((id) => ({ id, rest: idle }));
  const here = await world(grants.slice(0, 1), { 'grants/directory/okta.yaml': named });
  assert.deepEqual(actions(await here.apply()), ['opened group-desk/removal one']);
  await review(here, 'eve', 'APPROVE');
  await here.push(access(grants.slice(0, 2)), 'main', 39);
  assert.deepEqual(actions(await here.apply()), ['updated group-desk/removal one,two']);
  await review(here, 'dana', 'APPROVE');
  await here.push(access(grants), 'main', 38);
  // It is brought in line with the file that was changed, and takes nothing up.
  assert.deepEqual(actions(await here.apply()), [
    'updated group-desk/removal one,two',
    'opened group-desk/removal-2 three',
  ]);
});

test('a commit that somebody pushed in our name is vouched for by nobody because one of its owners has approved', async () => {
  const named = (base['grants/directory/okta.yaml'] ?? '').replace('id: 00u4,', 'id: 00u4, github: dana,');
  const grants = [{ id: 'one', rest: idle }, { id: 'busy' }, { id: 'late', rest: idle }];
  const here = await world(grants.slice(0, 2), { 'grants/directory/okta.yaml': named });
  assert.deepEqual(actions(await here.apply()), ['opened group-desk/removal one']);
  await review(here, 'dana', 'APPROVE');
  const branch = 'grantgate/review/group-desk/removal';
  const before = here.bare('rev-parse', branch);
  const { body } = await call<{ body: string }>(here, 'GET', '/pulls/1');
  await here.push({ 'grants/review.yaml': `${base['grants/review.yaml']}# theirs\n` }, branch, 0.01, bot);
  const forged = here.bare('rev-parse', branch);
  await call(here, 'PATCH', '/pulls/1', { body: body.replaceAll(before, forged) });
  // Something could join it, so its approval is asked for.
  await here.push(access(grants), 'main', 39);
  assert.deepEqual(actions(await here.apply()), [
    'unchanged group-desk/removal one',
    'opened group-desk/removal-2 late',
  ]);
  const { statuses } = await call<{ statuses: unknown[] }>(here, 'GET', `/commits/${forged}/status`);
  assert.deepEqual(statuses, []);
});
