import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import {
  access,
  asOfMs,
  base,
  dayMs,
  daysAgo,
  found,
  type GrantText,
  grantEntry,
  logLines,
  organisationsOf,
  rules,
  uses,
} from '../_review.ts';

const test = suite('detect');
const organisation = organisationsOf(test);

test('reports an expired grant, and none that holds one second longer', async () => {
  const here = await organisation([
    { id: 'past', rest: `role: reader\nexpires: ${daysAgo(0)}` },
    { id: 'yesterday', rest: 'role: reader\nexpires: 2026-11-22' },
    { id: 'today', rest: 'role: reader\nexpires: 2026-11-23' },
    { id: 'soon', rest: `role: reader\nexpires: ${daysAgo(0, 1000)}` },
  ]);
  await here.log(logLines([...uses('today', ['get'], 1), ...uses('soon', ['get'], 1)]));
  assert.deepEqual(found(await here.review()), [
    'past: expired delete',
    'soon: expiring renew',
    'today: expiring renew',
    'yesterday: expired delete',
  ]);
});

test('tells never used, dormant and used apart by when the records say', async () => {
  const young = `role: reader\ngranted: ${daysAgo(2)}`;
  const here = await organisation([
    { id: 'never-used', rest: young },
    { id: 'too-young', rest: `role: reader\ngranted: ${daysAgo(2, 1000)}` },
    { id: 'used-once', rest: young },
    { id: 'dormant', rest: `role: reader\ngranted: ${daysAgo(5)}` },
    { id: 'not-dormant', rest: `role: reader\ngranted: ${daysAgo(5)}` },
    { id: 'high-dormant', api: 'payments', rest: `role: reader\ngranted: ${daysAgo(5)}` },
  ]);
  await here.log(
    logLines([
      { grant: 'used-once', at: asOfMs - 2 * dayMs + 1000 },
      { grant: 'dormant', at: asOfMs - 3 * dayMs },
      { grant: 'not-dormant', at: asOfMs - 3 * dayMs + 1 },
      { grant: 'high-dormant', at: asOfMs - 2 * dayMs },
    ]),
  );
  assert.deepEqual(found(await here.review()), [
    'dormant: dormant suspend',
    'high-dormant: dormant suspend',
    'never-used: never-used revoke',
  ]);
});

test('denied and limited requests keep no grant alive', async () => {
  const here = await organisation([
    { id: 'denied', rest: `role: reader\ngranted: ${daysAgo(2)}` },
    { id: 'failed', rest: `role: reader\ngranted: ${daysAgo(2)}` },
  ]);
  const at = asOfMs - dayMs;
  await here.log(
    logLines([
      { grant: 'denied', at, status: 429 },
      { grant: 'denied', at, status: 403, allow: false },
      { grant: 'failed', at, status: 502 },
    ]),
  );
  assert.deepEqual(found(await here.review()), ['denied: never-used revoke']);
});

test('cadence and break-glass protect what is meant to lie idle', async () => {
  const old = `granted: ${daysAgo(40)}`;
  const here = await organisation([
    { id: 'monthly', rest: `role: reader\n${old}\ncadence: monthly` },
    { id: 'glass', rest: `role: reader\n${old}\ncadence: break-glass` },
    { id: 'daily', rest: `role: reader\n${old}\ncadence: daily` },
  ]);
  await here.log(
    logLines(
      [
        { grant: 'monthly', at: asOfMs - 37 * dayMs },
        { grant: 'daily', at: asOfMs - 37 * dayMs },
      ],
      { days: 41 },
    ),
  );
  const result = await here.review();
  assert.deepEqual(found(result), ['daily: dormant suspend']);
  assert.ok(!('suspended' in (result.plan.findings[0]?.evidence ?? {})), 'it has not been');
});

test('reports accounts that are closed, and no group, active account or suspended grant of a paused one', async () => {
  const here = await organisation([
    { id: 'of-bob', principal: 'user:bob@example.com' },
    { id: 'of-cleo', principal: 'user:cleo@example.com' },
    { id: 'of-cleo-suspended', principal: 'user:cleo@example.com', rest: 'role: reader\nstate: suspended' },
    {
      id: 'of-bob-suspended',
      principal: 'user:bob@example.com',
      rest: `role: reader\nstate: suspended\ngranted: ${daysAgo(1)}`,
    },
    { id: 'of-mailer', principal: 'service:mailer' },
    { id: 'of-invoicer', principal: 'service:invoicer' },
    { id: 'of-desk', principal: 'group:desk' },
    { id: 'of-nobody', principal: 'user:eve@example.com' },
  ]);
  await here.commit({}, daysAgo(1));
  const kept = ['of-invoicer', 'of-desk', 'of-nobody', 'of-bob', 'of-mailer', 'of-cleo'];
  await here.log(logLines(kept.flatMap((id) => uses(id, ['get'], 1))));
  const result = await here.review();
  assert.deepEqual(
    found(result).filter((line) => !line.startsWith('of-bob-suspended')),
    [
      'of-bob: orphan-disabled suspend',
      'of-cleo: orphan-disabled revoke',
      'of-cleo-suspended: orphan-disabled revoke [dormant]',
      'of-mailer: orphan-disabled suspend',
    ],
  );
});

test('narrows wide grants that are used narrowly, to the smallest role or the operations', async () => {
  const wide = (id: string, scope: string): GrantText => ({ id, rest: scope });
  const orders = (base['grants/apis/orders.yaml'] ?? '')
    .replace('roles:', '  export: GET /v1/export\n  import: POST /v1/import\nroles:')
    .concat('  owner: [admin, export, import]\n');
  const grants = [
    wide('to-role', 'role: admin'),
    // The smallest role with both is found too wide for them, too.
    wide('past-role', 'role: owner'),
    wide('to-operations', 'role: admin'),
    wide('from-list', 'operations: [get, create, remove]'),
    wide('half-used', 'role: editor'),
    wide('too-seldom', 'role: admin'),
    wide('too-few-days', 'role: admin'),
    { id: 'too-young', rest: `role: admin\ngranted: ${daysAgo(3, 1000)}` },
  ];
  const here = await organisation(grants, { 'grants/apis/orders.yaml': orders });
  await here.log(
    logLines([
      ...uses('past-role', ['get', 'remove'], 2),
      ...uses('to-role', ['list', 'get'], 2),
      ...uses('to-operations', ['get', 'remove'], 2),
      ...uses('from-list', ['get'], 2),
      ...uses('from-list', ['get'], 2, 0.2),
      ...uses('half-used', ['list', 'get'], 2),
      ...uses('too-seldom', ['get'], 2),
      ...uses('too-few-days', ['get', 'get', 'get', 'get'], 1),
      ...uses('too-young', ['list', 'get'], 2),
    ]),
  );
  const result = await here.review();
  assert.deepEqual(found(result), [
    'from-list: over-privileged narrow',
    'past-role: over-privileged narrow',
    'to-operations: over-privileged narrow',
    'to-role: over-privileged narrow',
  ]);
  assert.deepEqual(
    result.plan.findings.map(({ to }) => to),
    [
      { operations: ['get'] },
      { operations: ['get', 'remove'] },
      { operations: ['get', 'remove'] },
      { role: 'reader' },
    ],
  );
});

test('a grant suspended long enough goes; since when, the history tells', async () => {
  const active: GrantText = { id: 'paused', rest: 'role: reader' };
  const here = await organisation([active, { id: 'paused-late' }]);
  const file = 'grants/access/orders/group-desk.yaml';
  const paused = (grants: readonly GrantText[]) => ({
    [file]: grants.map((grant) => grantEntry(grant)).join('\n'),
  });
  const first = { id: 'paused', rest: 'role: reader\nstate: suspended' };
  await here.commit(paused([first, { id: 'paused-late' }]), daysAgo(2));
  await here.commit(
    paused([first, { id: 'paused-late', rest: 'role: reader\nstate: suspended' }]),
    daysAgo(2, 1000),
  );
  const result = await here.review();
  assert.deepEqual(found(result), ['paused: dormant revoke']);
  const { evidence } = result.plan.findings[0] ?? {};
  assert.equal(evidence && 'suspended' in evidence && evidence.suspended, daysAgo(2).replace('.000', ''));
});

test('a suspension that is not committed, or whose day nobody knows, revokes nothing', async () => {
  const here = await organisation([{ id: 'paused' }, { id: 'other' }]);
  await here.log(logLines(uses('other', ['get'], 1)));
  await here.write(access([{ id: 'paused', rest: 'role: reader\nstate: suspended' }, { id: 'other' }]));
  assert.deepEqual(found(await here.review()), []);
  const { rm } = await import('node:fs/promises');
  await rm(`${here.root}/.git`, { recursive: true });
  const { plan } = await here.review();
  assert.equal(plan.revision, null);
  assert.deepEqual(plan.not_evaluable, [{ grant: 'paused', detectors: ['dormant'], coverage: 0 }]);
});

test('a live keep silences what use would say, until it lapses or the grant changes', async () => {
  const keep = (until: string) =>
    `granted: ${daysAgo(5)}\nreview: { decision: keep, by: user:dana@example.com, at: ${daysAgo(4)}, until: ${until}, reason: r }`;
  const kept: GrantText = { id: 'kept', rest: `role: reader\n${keep('2026-11-23')}` };
  const lapsed: GrantText = { id: 'lapsed', rest: `role: reader\n${keep('2026-11-22')}` };
  const here = await organisation([
    kept,
    lapsed,
    { id: 'changed', rest: `role: reader\n${keep('2026-12-31')}` },
  ]);
  await here.log(logLines([]));
  assert.deepEqual(found(await here.review()), ['lapsed: never-used revoke']);
  const changed: GrantText = { id: 'changed', rest: `role: editor\n${keep('2026-12-31')}` };
  await here.commit(access([kept, lapsed, changed]), daysAgo(3));
  assert.deepEqual(found(await here.review()), ['changed: never-used revoke', 'lapsed: never-used revoke']);
});

test('a keep that was given anew is no change of the grant', async () => {
  const keep = (at: number) =>
    `role: reader\ngranted: ${daysAgo(30)}\nreview: { decision: keep, by: user:dana@example.com, at: ${daysAgo(at)}, until: 2026-12-31, reason: r }`;
  const here = await organisation([{ id: 'kept', rest: keep(20) }]);
  await here.commit(access([{ id: 'kept', rest: keep(4) }]), daysAgo(3));
  await here.log(logLines([], { days: 31 }));
  assert.deepEqual(found(await here.review()), []);
});

test('an exemption holds through its last day, and is listed with its reason', async () => {
  const exempt = (until: string) => ({
    'grants/review.yaml': `${rules}exemptions:\n  - { grant: idle, detector: never-used, reason: "Year-end", until: ${until} }\n`,
  });
  const here = await organisation(
    [{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }],
    exempt('2026-11-23'),
  );
  await here.log(logLines([]));
  const { plan } = await here.review();
  assert.deepEqual(plan.findings, []);
  assert.deepEqual(plan.exempt, [
    { grant: 'idle', detector: 'never-used', until: '2026-11-23', reason: 'Year-end' },
  ]);
  await here.write(exempt('2026-11-22'));
  assert.deepEqual(found(await here.review()), ['idle: never-used revoke']);
});

test('without records nothing that depends on use is flagged, and the plan says so', async () => {
  const here = await organisation([
    { id: 'old' },
    { id: 'young', rest: `role: reader\ngranted: ${daysAgo(1)}` },
    { id: 'expired', rest: 'role: reader\nexpires: 2026-11-01' },
  ]);
  const { plan } = await here.review();
  assert.deepEqual(
    plan.findings.map(({ grant }) => grant),
    ['expired'],
  );
  assert.deepEqual(plan.not_evaluable, [{ grant: 'old', detectors: ['dormant', 'never-used'], coverage: 0 }]);
  assert.deepEqual([plan.evidence.records, plan.evidence.instances, plan.evidence.coverage], [0, 0, 0]);
});

test('gaps in the records: flags at the threshold of coverage, abstains below it', async () => {
  const here = await organisation([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }]);
  // 2 days are 2,880 minutes: 144 of them are 5 %.
  await here.log(logLines([], { skip: (minute) => minute > 0 && minute <= 144 }));
  const enough = await here.review();
  assert.deepEqual(found(enough), ['idle: never-used revoke']);
  assert.equal(enough.plan.findings[0]?.evidence.lost_minutes, 144);
  await here.log(logLines([], { skip: (minute) => minute > 0 && minute <= 145 }));
  const { plan } = await here.review();
  assert.deepEqual(plan.findings, []);
  assert.deepEqual(plan.not_evaluable, [{ grant: 'idle', detectors: ['never-used'], coverage: 0.9496 }]);
});

test('a second gateway that fell silent leaves the window uncovered', async () => {
  const here = await organisation([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }]);
  await here.log(logLines([]));
  await here.log(logLines([], { instance: 'gw-2', skip: (minute) => minute > 10 && minute < 1000 }), 'gw-2');
  assert.deepEqual(found(await here.review()), []);
});

test('dormant judges where the records do not reach back to the day of the grant', async () => {
  const here = await organisation([{ id: 'old' }]);
  await here.log(logLines([]));
  assert.deepEqual(found(await here.review()), ['old: dormant suspend']);
});

test('what was put back, reactivated, widened or first within reach lately is not taken away for its silence before', async () => {
  const file = 'grants/access/orders/group-desk.yaml';
  const idle = (rest: string) => access([{ id: 'idle', rest: `${rest}\ngranted: ${daysAgo(30)}` }]);
  const here = await organisation([]);
  await here.log(logLines([], { days: 31 }));
  const after = async (
    days: number,
    first: Record<string, string | null>,
    then: Record<string, string | null>,
  ) => {
    here.git('checkout', '--quiet', '--detach', 'main~0');
    await here.commit(idle('role: reader'), daysAgo(20));
    await here.commit(first, daysAgo(19));
    await here.commit(then, daysAgo(days));
    return found(await here.review());
  };
  const okta = 'grants/directory/okta.yaml';
  const paused = (base[okta] ?? '').replace('id: 00u1, status: active', 'id: 00u1, status: suspended');
  const changes: [Record<string, string | null>, Record<string, string | null>][] = [
    [{ [file]: null }, idle('role: reader')],
    [idle('role: reader\nstate: suspended'), idle('role: reader')],
    [idle('role: reader'), idle('role: editor')],
    // Nobody could use it before the account was there.
    [{ [okta]: paused }, { [okta]: base[okta] ?? null }],
  ];
  for (const [first, then] of changes) {
    assert.deepEqual(await after(1.9, first, then), []);
    assert.deepEqual(await after(2, first, then), ['idle: never-used revoke']);
  }
});

test('of grants that stand in for each other the latest goes, of one instant the last by name, and none that some would miss', async () => {
  const twins = (one: string, other: string, api: string, days: number): GrantText[] => [
    { id: one, api, rest: `role: reader\ngranted: ${daysAgo(30)}` },
    { id: other, api, rest: `role: reader\ngranted: ${daysAgo(days)}` },
  ];
  const here = await organisation([
    ...twins('same-first', 'same-last', 'orders', 30),
    ...twins('z-early', 'a-late', 'payments', 20),
    // Without the later one its caller would be held to the rate of the earlier one.
    { id: 'slow', api: 'orders', rest: `role: reader\nlimits: { rate: 5/min }\ngranted: ${daysAgo(30)}` },
    { id: 'unbound', api: 'orders', rest: `role: reader\ngranted: ${daysAgo(20)}` },
    // When it was used, ann was in the night shift.
    { id: 'own', api: 'orders', rest: `role: reader\ngranted: ${daysAgo(20)}` },
    { id: 'of-night', principal: 'group:night', rest: `role: reader\ngranted: ${daysAgo(30)}` },
    // It was ann's until it was written over.
    { id: 'handed-on', principal: 'user:dana@example.com', rest: `role: reader\ngranted: ${daysAgo(30)}` },
    { id: 'left-with', api: 'orders', rest: `role: reader\ngranted: ${daysAgo(20)}` },
    // It was narrowed since.
    { id: 'whole', api: 'orders', rest: `role: reader\ngranted: ${daysAgo(20)}` },
    { id: 'part', api: 'orders', rest: `operations: [get]\ngranted: ${daysAgo(30)}` },
  ]);
  const together = (...grant: string[]) =>
    ['get', 'list', 'get', 'list'].map((operation, i) => ({
      grant,
      operation,
      at: asOfMs - (i + 0.5) * (dayMs / 2),
    }));
  await here.log(
    logLines([
      ...together('same-first', 'same-last'),
      ...together('z-early', 'a-late'),
      ...together('slow', 'unbound'),
      ...together('own', 'of-night'),
      ...together('handed-on', 'left-with'),
      ...together('whole', 'part'),
    ]),
  );
  const result = await here.review();
  assert.deepEqual(found(result), [
    'a-late: redundant delete',
    'of-night: redundant delete',
    'part: redundant delete',
    'same-last: redundant delete',
    'slow: redundant delete',
  ]);
  assert.match(result.plan.findings[0]?.sentence ?? '', / by z-early, which justified every request /);
});

test('two live exemptions of one grant stop nothing: the longest counts', async () => {
  const here = await organisation([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }], {
    'grants/review.yaml': `${rules}exemptions:
  - { grant: idle, detector: never-used, reason: "At first", until: 2026-11-30 }
  - { grant: idle, detector: never-used, reason: "Prolonged", until: 2026-12-31 }
  - { grant: idle, detector: never-used, reason: "Once more", until: 2026-12-31 }
`,
  });
  await here.log(logLines([]));
  const { plan } = await here.review();
  assert.deepEqual(plan.exempt, [
    { grant: 'idle', detector: 'never-used', until: '2026-12-31', reason: 'Prolonged' },
  ]);
});

test('missing first records, compressed ones and silent gateways flag nothing; an orderly end does not matter', async () => {
  const here = await organisation([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }]);
  const lines = logLines([
    { grant: 'other', at: asOfMs - 5 * dayMs },
    { grant: 'other', at: asOfMs - dayMs },
  ]);
  await here.log(lines);
  assert.deepEqual(found(await here.review()), ['idle: never-used revoke']);
  // Of a second gateway only the late records are there.
  const renamed = (line: string) => line.replaceAll('gw-1', 'gw-2');
  const late = lines.map(renamed).slice(Math.floor(lines.length * 0.9));
  await here.log(late, 'gw-2');
  assert.deepEqual(found(await here.review()), []);
  // It went away five days ago, without a word; then with one.
  const early = lines.map(renamed).slice(0, Math.floor(lines.length * 0.1));
  await here.log(early, 'gw-2');
  assert.deepEqual(found(await here.review()), []);
  const last = JSON.parse(early.at(-1) ?? '{}');
  const end = { stopped: true, timestamp: last.timestamp, instance: 'gw-2', seq: last.seq };
  await here.log([...early, JSON.stringify(end)], 'gw-2');
  assert.deepEqual(found(await here.review()), ['idle: never-used revoke']);
});
