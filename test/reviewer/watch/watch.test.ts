import * as assert from 'node:assert/strict';
import { Octokit } from '@octokit/rest';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { lineLog } from '../../../reviewer/evidence/commits/commitLog.ts';
import { missedGrants } from '../../../reviewer/watch/missedGrants.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, type Place, place } from '../_review.ts';
import { closeWorlds, token, tokenOf, world } from '../_world.ts';

const test = suite('watch');
const desk = 'grants/access/orders/group-desk.yaml';
const now = asOfMs / 1000;
let here: Place;

/** Records of denials; `at` in days before the review. */
const denied = (subject: string, operation: string, at: number, more: object = {}, reason = 'no-grant') =>
  JSON.stringify({
    ...{
      timestamp: daysAgo(at),
      decision_id: `${subject}-${operation}-${at}-${JSON.stringify(more)}`,
      instance: 'gw-1',
    },
    ...{ seq: 1, path: 'grantgate/authz/decision' },
    input: { subject, groups: null, api: 'orders', operation, ...more },
    result: { allow: false, grants: [], reason },
  });
const before = [
  { id: 'removed', rest: 'role: admin' },
  { id: 'paused', principal: 'user:dana@example.com', rest: 'role: editor' },
  { id: 'smaller', principal: 'group:night', rest: 'role: admin' },
  { id: 'kept' },
  { id: 'long-ago', principal: 'service:invoicer' },
  { id: 'back', principal: 'service:invoicer', rest: 'role: editor' },
  { id: 'of-bob', principal: 'user:bob@example.com' },
];
const textOf = (grants: typeof before) => access(grants)[desk] ?? null;

const missed = async (lines: readonly string[]) => {
  await here.log([...lines]);
  const tree = await workingTree(here.root);
  const { organisation } = await load(tree);
  assert.ok(organisation);
  const log = await lineLog(tree);
  const found = await missedGrants({ tree, log, organisation, decisions: [here.decisions], asOf: now });
  for (const { subject } of found) assert.equal(subject, 'grants: change');
  return found.map(
    ({ grant, how, denied: by }) =>
      `${grant} ${how}: ${by.map(({ subject, operation, count }) => `${subject} ${operation} ${count}`).join(', ')}`,
  );
};

test.before(async () => {
  here = await place(access(before));
  await here.commit({ [desk]: textOf(before.filter(({ id }) => id !== 'long-ago')) }, daysAgo(20));
  // What is taken in two steps is told of by the last.
  const without = before
    .filter(({ id }) => !['long-ago', 'back'].includes(id))
    .map((one) => (one.id === 'removed' ? { ...one, rest: 'operations: [remove]' } : one));
  await here.commit({ [desk]: textOf(without) }, daysAgo(9));
  const taken = [
    { id: 'paused', principal: 'user:dana@example.com', rest: 'role: editor\nstate: suspended' },
    { id: 'smaller', principal: 'group:night', rest: 'role: reader' },
    { id: 'kept' },
    { id: 'back', principal: 'service:invoicer', rest: 'role: editor' },
  ];
  await here.commit({ [desk]: textOf(taken) }, daysAgo(5));
  // By a clock that was wrong; what lies behind it was taken all the same.
  await here.commit({ 'NOTES.md': 'Dated long before its parent.\n' }, daysAgo(30));
});
test.after(async () => {
  await here.remove();
  await closeWorlds();
});

test('who was denied since what a grant had allowed is found, by name, group and in the words of the gateway', async () => {
  const lines = [
    denied('user:ann@example.com', 'remove', 4),
    denied('user:ann@example.com', 'remove', 3),
    // The same decision in two files counts once.
    denied('user:ann@example.com', 'remove', 3),
    denied('user:dana@example.com', 'create', 2, {}, 'suspended'),
    // By the directory dana is in the night shift; by a token somebody else is.
    denied('user:dana@example.com', 'remove', 1, {}, 'operation-not-covered'),
    denied('user:ann@example.com', 'remove', 0.5, { groups: ['group:night'] }),
  ];
  assert.deepEqual(await missed(lines), [
    'paused suspended: user:dana@example.com create 1',
    'removed removed: user:ann@example.com remove 3',
    'smaller narrowed: user:ann@example.com remove 1, user:dana@example.com create 1, user:dana@example.com remove 1',
  ]);
});

test('what is no sign that somebody misses it is passed over', async () => {
  const lines = [
    // Before it was taken; after the review; by somebody else; for an operation that it never covered, or still does.
    denied('user:ann@example.com', 'remove', 6),
    denied('user:ann@example.com', 'remove', -1),
    denied('user:stranger@example.com', 'remove', 1),
    denied('user:dana@example.com', 'nosuch', 1),
    denied('user:dana@example.com', 'list', 1, { api: 'payments' }),
    // Whoever is gone misses nothing.
    denied('user:bob@example.com', 'list', 1),
    // The caller or the request was at fault, not the grants.
    denied('user:ann@example.com', 'remove', 1, {}, 'condition-not-met'),
    denied('user:ann@example.com', 'remove', 1.1, {}, 'principal-inactive'),
    // Taken long ago, and taken but given back.
    denied('service:invoicer', 'list', 1),
    denied('service:invoicer', 'create', 1),
    '{"torn',
  ];
  assert.deepEqual(await missed(lines), []);
});

test('the review says it once where it merged the revocation, and prepares the way back', async () => {
  const there = await world([
    { id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` },
    { id: 'busy', rest: 'role: editor' },
  ]);
  const octokit = new Octokit({ baseUrl: there.forge.api, auth: token });
  const repo = { owner: 'acme', repo: 'access' };
  const first = await there.apply();
  const pull = first.pulls.find(({ grants }) => grants.includes('idle'));
  assert.ok(pull?.number);
  await octokit.pulls.merge({ ...repo, pull_number: pull.number });
  const merged = Date.parse(
    (await octokit.pulls.get({ ...repo, pull_number: pull.number })).data.merged_at ?? '',
  );
  const later = merged + 3 * 86_400_000;
  there.clock.now = later;
  const at = (days: number) => new Date(merged + days * 86_400_000).toISOString();
  // busy gives ann the same; without it she is denied.
  await there.push({ [desk]: null });
  await there.here.log(
    [1, 2]
      .map((day) => ({ ...JSON.parse(denied('user:ann@example.com', 'get', day)), timestamp: at(day) }))
      .map((line) => JSON.stringify(line)),
  );
  // What somebody else writes in its form silences nothing.
  const eve = new Octokit({ baseUrl: there.forge.api, auth: tokenOf('eve') });
  const body = '<!-- grantgate:missed idle -->\nnobody misses it';
  const { data: theirs } = await eve.issues.createComment({ ...repo, issue_number: pull.number, body });
  const second = await there.apply({ asOfMs: later });
  assert.deepEqual(
    second.missed.map(({ grant }) => grant),
    ['busy', 'idle'],
  );
  assert.equal(second.told.length, 1);
  assert.equal(second.told[0]?.pull, pull.url);
  assert.match(second.told[0]?.restore ?? '', /\/pull\/\d+$/);
  assert.match(there.bare('show', `grantgate/restore/idle:${desk}`), /^- id: idle$/m);
  const said = async () =>
    (await octokit.issues.listComments({ ...repo, issue_number: pull.number ?? 0 })).data.filter(
      ({ id, body }) => id !== theirs.id && body?.includes('grantgate:missed'),
    );
  assert.match((await said())[0]?.body ?? '', /\| `user:ann@example.com` \| `get` \| 2 \|/);
  const third = await there.apply({ asOfMs: later });
  assert.equal(third.told.length, 0);
  assert.equal((await said()).length, 1);
});
