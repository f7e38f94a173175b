import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { reviewFile } from '../../../bundle/grants/reviewRules.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { readPolicies } from '../../../bundle/policy/policies.ts';
import { assertLookedUp, createAskWindows } from '../../../reviewer/detect/askWindows.ts';
import { compileJudge, createJudge, type Judge } from '../../../reviewer/detect/judge.ts';
import { openJudgePool } from '../../../reviewer/detect/judgePool.ts';
import { ReviewError } from '../../../reviewer/reviewError.ts';
import { suite } from '../../_suite.ts';

const test = suite('judging');
const day = 86_400;
const as_of = 20_000 * day;
const { thresholds } = reviewFile.parse({});
let module: WebAssembly.Module;
let judge: Judge;
test.before(async () => {
  const nothing = { list: async () => [], read: async () => new Map<string, Buffer>() };
  module = await compileJudge(await findOpa(), await readPolicies(nothing, 'review'));
  judge = createJudge(module);
});

/** Instants around the review's, and around where windows begin. */
const instant = fc
  .tuple(fc.constantFrom(0, 1, 30, 90, 91, 180, 182, 365, 730), fc.integer({ min: -1, max: 1 }))
  .map(([days, more]) => as_of - days * day + more);
const grant = fc.record(
  {
    id: fc.constantFrom('grant-a', 'grant-b'),
    api: fc.constant('orders'),
    principal: fc.constantFrom('user:ann@example.com', 'group:desk'),
    owner: fc.constant('group:desk'),
    tier: fc.constantFrom('low' as const, 'medium' as const, 'high' as const, 'critical' as const),
    state: fc.constantFrom('active' as const, 'suspended' as const),
    covers: fc.subarray(['get', 'list', 'create']),
    granted_at: instant,
    active_since: instant,
    changed_since_review: fc.boolean(),
    expires_at: fc.oneof(instant, fc.constant(as_of + day)),
    cadence: fc.constantFrom(
      ...(['daily', 'monthly', 'quarterly', 'annual', 'break-glass'] as const).map((name) => name),
    ),
    conditions: fc.constant({ mfa: true as const }),
    rate: fc.constant('10/minute'),
    suspended_at: instant,
    review: fc.record(
      { at: instant, until: fc.oneof(instant, fc.constant(as_of + day)) },
      { requiredKeys: ['at'] },
    ),
  },
  {
    requiredKeys: [
      ...(['id', 'api', 'principal', 'owner', 'tier', 'state', 'covers'] as const),
      ...(['granted_at', 'active_since', 'changed_since_review'] as const),
    ],
  },
);
const own = fc.subarray([
  { detector: 'own-long', days: 100 },
  { detector: 'own-short', days: 0.5 },
  { detector: 'own-blind' },
]);
/** Two words of one detector: the policies contradict themselves. */
const contradiction = [
  { detector: 'own-long', days: 1 },
  { detector: 'own-long', days: 2 },
];
const live = { state: 'active' as const, cadence: 'daily' as const, expires_at: as_of + day };
const others = {
  account: { status: 'active', absences: [], groups: ['desk'], manager: null },
  owner: { ownerless_since: as_of - day },
  group: { members: 10, certified_members: 2 },
  duties: [],
  exemptions: [{ detector: 'dormant', until: as_of + day, reason: 'Rare' }],
};

test('windows that are remembered are those that all facts of a grant ask for', () => {
  for (const observed of [undefined, {}]) {
    const common = { as_of, thresholds, ...(observed && { observed }) };
    const windows = createAskWindows(judge, common);
    fc.assert(
      fc.property(grant, own, (facts, said) => {
        const whole = { ...others, ...common, grant: facts, ...(said.length > 0 && { own: said }) };
        assert.deepEqual(windows(facts, said), judge(facts.id, whole).windows);
        const used = { ...whole, usage: { dormant: { coverage: 1, allows: 0, operations: [] } } };
        assert.deepEqual(windows(facts, said), judge(facts.id, used).windows);
      }),
      { seed: 7, numRuns: 1_500 },
    );
  }
});

test('what is the same of many grants is asked once, and whoever cannot be judged is named each time', () => {
  let asked = 0;
  const [facts] = fc.sample(grant, { seed: 1, numRuns: 1 });
  assert.ok(facts);
  const windows = createAskWindows(
    (id, whole) => {
      asked += 1;
      return judge(id, whole);
    },
    { as_of, thresholds },
  );
  for (const id of ['a', 'b', 'c']) windows({ ...facts, id, covers: [id] });
  assert.equal(asked, 1);
  const { review: _, ...unkept } = { ...facts, ...live };
  for (const id of ['one', 'two'])
    assert.throws(() => windows({ ...unkept, id }, contradiction), new RegExp(`for the grant ${id}: `));
  assert.equal(asked, 3);
});

test('findings do not count where they look at a window that was not looked up', () => {
  assertLookedUp('a', { dormant: 5, 'never-used': 7 }, { dormant: 5 });
  for (const answered of [{ dormant: 6 }, { dormant: 5, redundant: 5 }])
    assert.throws(() => assertLookedUp('a', { dormant: 5 }, answered), /window for .* of the grant a /);
});

test('threads judge as this one does, in the order asked, and name the grant that cannot be judged', async () => {
  const grants = fc.sample(grant, { seed: 3, numRuns: 700 });
  const questions = grants.map((facts, at) => ({
    grant: `grant-${at}`,
    facts: {
      ...others,
      as_of,
      thresholds,
      ...(at % 100 === 42 && { own: contradiction }),
      grant: { ...facts, ...(at % 100 === 42 && { ...live, review: { at: 0 } }), id: `größte-${at}` },
      usage: {
        dormant: { coverage: at % 2, allows: 0, days_used: 0, operations: [] },
        'never-used': { coverage: 1, allows: at % 3, days_used: 1, operations: ['get'] },
      },
    },
  }));
  const told = (answers: readonly unknown[]) =>
    answers.map((one) => (one instanceof ReviewError ? `${one.code}: ${one.message}` : one));
  const here = openJudgePool(module, 700, 0);
  const threads = openJudgePool(module, 700, 2);
  try {
    const expected = told(await here.all(questions));
    assert.ok(new Set(expected.map((one) => JSON.stringify(one))).size > 20);
    assert.match(String(expected[142]), /^policy-undefined: .* for the grant grant-142: /);
    assert.deepEqual(told(await threads.all(questions)), expected);
    assert.deepEqual(told(await threads.all(questions.slice(42, 43))), expected.slice(42, 43));
  } finally {
    await threads.close();
  }
  await assert.rejects(threads.all(questions), /a thread that judges has ended/);
});
