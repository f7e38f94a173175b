import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { rememberFiles } from '../../../bundle/git/rememberFiles.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { advance } from '../../../reviewer/campaign/advance.ts';
import { digestOf } from '../../../reviewer/campaign/freeze.ts';
import { parseFrozen, renderFrozen } from '../../../reviewer/campaign/frozen.ts';
import { createPace } from '../../../reviewer/campaign/pace.ts';
import { baseOf } from '../../../reviewer/campaign/preparePart.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, dayMs, place, rules } from '../_review.ts';
import { type Harm, memoryForge } from './_forge.ts';
import { frozenOf } from './_frozen.ts';

const test = suite('a campaign that is interrupted');

const here = await place({
  ...access([
    { id: 'one', principal: 'service:invoicer' },
    { id: 'two', principal: 'service:invoicer' },
    { id: 'pay', principal: 'service:invoicer', api: 'payments', owner: 'user:dana@example.com' },
    { id: 'low', principal: 'service:invoicer', api: 'notes', owner: 'user:cleo@example.com' },
  ]),
  'grants/apis/notes.yaml': (base['grants/apis/orders.yaml'] ?? '')
    .replace('tier: medium', 'tier: low')
    .replaceAll('orders', 'notes'),
  'grants/directory/okta.yaml': (base['grants/directory/okta.yaml'] ?? '')
    .replace('id: 00u1, status: active', 'id: 00u1, status: active, github: ann, manager: cleo@example.com')
    .replace('id: 00u3, status: deprovisioned', 'id: 00u3, status: active, github: cleo')
    .replace('id: 00u4, status: active', 'id: 00u4, status: active, github: dana'),
  'grants/review.yaml': rules,
});
test.after(here.remove);
const tree = rememberFiles(await gitTree(here.root, 'main'));
const { organisation } = await load(tree);
assert.ok(organisation);
const grants = baseOf(tree, organisation, asOfMs / 1000);
const frozen = frozenOf(
  organisation.grants
    .map((grant) => ({
      ...{ grant: grant.id, principal: grant.principal, api: grant.api, owner: grant.owner },
      tier: organisation.apis.get(grant.api)?.tier ?? ('low' as const),
      ...{ digest: digestOf(grant), covers: grant.covers.length, gives: 'reader' },
      action: grant.id === 'two' ? ('revoke' as const) : ('recertify' as const),
    }))
    .sort((a, b) => (a.grant < b.grant ? -1 : 1)),
  'main',
);

/** Days at which something is due: opening, managers, half time, a day before the end, the end. */
const days = [0, 11, 16, 29.6, 31];

/** Runs through a campaign; each time once harmed, once not. Answers with how it ends. */
async function through(harms: readonly (Harm | null)[]) {
  let now = asOfMs;
  const memory = memoryForge(() => now);
  const run = () =>
    advance({
      ...{ forge: memory.forge, mirror: memory.mirror(), frozen, base: grants, asOf: Math.floor(now / 1000) },
      approvals: async () => [],
      pace: createPace({ perMinute: 1e9, noticesPerHour: 1e9 }, { now: () => now, sleep: async () => {} }),
    });
  const counts: number[] = [];
  for (const [index, day] of days.entries()) {
    now = asOfMs + day * dayMs;
    const harm = harms[index] ?? null;
    memory.harm(harm);
    if (harm !== null) await run().catch((error: Error) => assert.match(error.message, /killed|went wrong/));
    memory.harm(null);
    const { error } = await run();
    assert.equal(error, null);
    counts.push(memory.writes());
    memory.harm(null);
    await run();
    assert.equal(memory.writes(), 0, `a run more on day ${day} changes nothing`);
  }
  return { end: memory.end(), counts };
}

const clean = await through([]);

test('comes to the same end wherever it was interrupted, in one more run', async () => {
  const harmOf = (writes: number) =>
    fc.option(
      fc.record({
        at: fc.nat(writes),
        kind: fc.constantFrom('crash' as const, 'failed' as const, 'limited' as const),
        when: fc.constantFrom('before' as const, 'after' as const),
      }),
    );
  await fc.assert(
    fc.asyncProperty(fc.tuple(...clean.counts.map(harmOf)), async (harms) => {
      assert.deepEqual((await through(harms)).end, clean.end);
    }),
    { numRuns: 60 },
  );
});

test('does something at each of these days, and says nothing twice', () => {
  assert.ok(
    clean.counts.every((count) => count > 0),
    String(clean.counts),
  );
  const said = clean.end.pulls.map((pull) => pull.said.map((one) => one.split('\n')[0]));
  for (const one of said) assert.equal(new Set(one).size, one.length);
  assert.deepEqual(
    clean.end.pulls.map(({ branch, state }) => `${branch.split('/').at(-1)} ${state}`),
    ['group-desk open', 'user-cleo@example.com closed', 'user-dana@example.com open'],
  );
});

test('is frozen in a text that reads back the same', () => {
  assert.deepEqual(parseFrozen(renderFrozen(frozen)), frozen);
});

test('reminds nobody of what somebody has closed, and asks once more where the rules suspend', async () => {
  let now = asOfMs;
  const memory = memoryForge(() => now);
  const on = async (day: number) => {
    now = asOfMs + day * dayMs;
    const { report } = await advance({
      ...{ forge: memory.forge, mirror: memory.mirror(), frozen, base: grants, asOf: Math.floor(now / 1000) },
      approvals: async () => [],
      pace: createPace({ perMinute: 1e9, noticesPerHour: 1e9 }, { now: () => now, sleep: async () => {} }),
    });
    return report.parts.find(({ owner }) => owner === 'user:dana@example.com')?.state;
  };
  const dana = () => memory.end().pulls.find(({ branch }) => branch.endsWith('user-dana@example.com'));
  const close = () => {
    for (const pull of memory.pulls) if (pull.branch.endsWith('user-dana@example.com')) pull.state = 'closed';
  };
  assert.equal(await on(0), 'open');
  close();
  assert.equal(await on(16), 'declined');
  assert.deepEqual(dana()?.said, []);
  assert.equal(await on(31), 'open');
  assert.match(dana()?.holds ?? '', /state: suspended/);
  assert.doesNotMatch(dana()?.holds ?? '', /decision: keep/, 'silence attests nothing');
  await on(31.1);
  assert.equal(dana()?.said.length, 1);
  assert.match(dana()?.said[0] ?? '', /nobody has answered by 2026-12-23/);
  close();
  assert.equal(await on(32), 'declined');
});

test('asks others from the first run on in the place of who is absent, beside those who approve as second', async () => {
  const gone = new Map(
    [...organisation.people].map(([login, person]) => [
      login,
      login === 'dana@example.com'
        ? { ...person, status: 'suspended' as const, manager: 'cleo@example.com' }
        : person,
    ]),
  );
  const rules = { ...organisation.review, campaigns: { ...organisation.review.campaigns } };
  rules.campaigns.second_approver = ['high'];
  const memory = memoryForge(() => asOfMs);
  const run = () =>
    advance({
      ...{ forge: memory.forge, mirror: memory.mirror(), frozen, asOf: asOfMs / 1000 },
      base: { ...grants, organisation: { ...organisation, people: gone, review: rules } },
      approvals: async () => [],
      pace: createPace({ perMinute: 1e9, noticesPerHour: 1e9 }, { now: () => asOfMs, sleep: async () => {} }),
    });
  await run();
  const [desk, , dana] = memory.end().pulls;
  assert.deepEqual(desk?.said, []);
  assert.deepEqual(dana?.reviewers, ['ann', 'cleo']);
  assert.equal(dana?.said.length, 1);
  assert.match(
    dana?.said[0] ?? '',
    /^<!-- grantgate:told managers -->\n@cleo: nobody can be asked of `user:dana@example.com`/,
  );
  memory.harm(null);
  await run();
  assert.equal(memory.writes(), 0);
});

test('what fails for one owner holds up nobody else, and the issue says it; a forge that has had enough is left alone', async () => {
  const harmed = async (kind: 'failed' | 'limited') => {
    const memory = memoryForge(() => asOfMs);
    // After the issue comes the first pull request.
    memory.harm({ at: 1, kind, when: 'before' });
    const { error } = await advance({
      ...{ forge: memory.forge, mirror: memory.mirror(), frozen, base: grants, asOf: asOfMs / 1000 },
      approvals: async () => [],
      pace: createPace({ perMinute: 1e9, noticesPerHour: 1e9 }, { now: () => asOfMs, sleep: async () => {} }),
    });
    const { pulls, issues } = memory.end();
    return [error?.code, pulls.length, issues[0]?.body.match(/could not be brought in line/g)?.length ?? 0];
  };
  assert.deepEqual(await harmed('failed'), ['forge-failed', 2, 1]);
  assert.deepEqual(await harmed('limited'), ['forge-limited', 0, 0]);
});
