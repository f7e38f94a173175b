import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { reviewFile } from '../../../bundle/grants/reviewRules.ts';
import { narrow } from '../../../reviewer/edit/narrow.ts';
import { brake } from '../../../reviewer/plan/brake.ts';
import { explainedText } from '../../../reviewer/plan/explainFinding.ts';
import type { Plan } from '../../../reviewer/plan/finding.ts';
import { renderTable } from '../../../reviewer/pulls/renderTable.ts';
import { suite } from '../../_suite.ts';
import { access, daysAgo, logLines, type Place, place, uses } from '../_review.ts';

const test = suite('plan');
let here: Place;
test.before(async () => {
  here = await place(
    access([
      { id: 'idle', rest: `role: reader # why?\ngranted: ${daysAgo(2)}` },
      { id: 'wide', rest: 'role: admin' },
      { id: 'of-cleo', principal: 'user:cleo@example.com', api: 'payments' },
    ]),
  );
  await here.log(logLines(uses('wide', ['list', 'get'], 2)));
});
test.after(() => here.remove());

test('has the published shape, in a fixed order', async () => {
  const { plan } = await here.review();
  assert.deepEqual(Object.keys(plan), [
    'as_of',
    'revision',
    'population',
    'evidence',
    'findings',
    'not_evaluable',
    'exempt',
  ]);
  assert.equal(plan.as_of, '2026-11-23T12:00:00Z');
  assert.equal(plan.revision, here.git('rev-parse', 'HEAD').trim());
  assert.equal(plan.population.grants, 3);
  assert.match(plan.population.digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(plan.evidence, { from: '2026-11-20T12:00:00Z', records: 4, instances: 1, coverage: 1 });
  const wide = plan.findings.find(({ grant }) => grant === 'wide');
  assert.deepEqual(Object.keys(wide ?? {}), [
    'fingerprint',
    'detector',
    'grant',
    'principal',
    'api',
    'action',
    'to',
    'severity',
    'owner',
    'sentence',
    'evidence',
    'change',
  ]);
  assert.deepEqual(wide?.change, {
    file: 'grants/access/orders/group-desk.yaml',
    before: wide?.change.before ?? '',
    after: wide?.change.before.replace('role: admin', 'role: reader') ?? '',
  });
  const idle = plan.findings.find(({ grant }) => grant === 'idle');
  assert.match(idle?.change.before ?? '', /^- id: idle\n[\s\S]*# why\?\n/);
  assert.equal(idle?.change.after, '');
  assert.match(
    idle?.sentence ?? '',
    /^ann@example\.com has not used the access to orders \(get and list\) once in the 2 days/,
  );
});

test('is the same, byte for byte, for the same inputs', async () => {
  const twice = [await here.review(), await here.review()].map(({ plan }) => JSON.stringify(plan));
  assert.equal(twice[0], twice[1]);
});

test('is the same from a bare repository', async () => {
  const bare = `${here.folder}/bare.git`;
  execFileSync('git', ['clone', '--quiet', '--bare', here.root, bare], { stdio: 'ignore' });
  assert.deepEqual((await here.review({ root: bare })).plan, (await here.review()).plan);
});

test('keeps the fingerprint of a finding while the same is proposed', async () => {
  const prints = async (asOf: number) =>
    (await here.review({ asOfMs: asOf })).plan.findings.map(({ grant, fingerprint }) => [grant, fingerprint]);
  const now = Date.parse('2026-11-23T12:00:00Z');
  assert.deepEqual(await prints(now), await prints(now + 3_600_000));
});

test('reads well in a terminal, and lets no text of a grant move its cursor', async () => {
  const { plan } = await here.review();
  const hostile = plan.findings.map((finding) => ({ ...finding, sentence: '\u001b[2Jgone' }));
  assert.match(renderTable(plan), /over-privileged/);
  assert.ok(!renderTable({ ...plan, findings: hostile }).includes('\u001b[2J'));
  assert.match(renderTable({ ...plan, findings: [] }), /nothing to propose/);
  // A name is never cut, and no line is wider than the terminal.
  const long = `a-${'very-'.repeat(10)}long-name`;
  const wordy = plan.findings.map((finding) => ({ ...finding, grant: long, sentence: `why ${long} is` }));
  for (const width of [80, 100, 120, 140]) {
    const lines = renderTable({ ...plan, findings: wordy }, [], width).split('\n');
    const boxed = lines.filter((line) => /^[│┌└]/.test(line));
    assert.ok(boxed.length > 3 && boxed.every((line) => line.length <= width), boxed[0] ?? '');
    assert.doesNotMatch(boxed.join('\n'), /…/);
  }
});

// The brake.

const organisationOf = (sizes: Readonly<Record<string, number>>, share: number): Organisation =>
  ({
    apis: new Map(Object.keys(sizes).map((name) => [name, {}])),
    grants: Object.entries(sizes).flatMap(([api, size]) =>
      Array.from({ length: size }, (_, i) => ({ id: `${api}-${i}`, api, expiresAt: null })),
    ),
    review: reviewFile.parse({ thresholds: { brake: share } }),
  }) as unknown as Organisation;
const planOf = (going: Readonly<Record<string, number>>, action = 'revoke', detector = 'never-used'): Plan =>
  ({
    as_of: '2026-11-23T12:00:00Z',
    findings: Object.entries(going).flatMap(([api, count]) =>
      Array.from({ length: count }, (_, i) => ({ grant: `${api}-${i}`, api, action, detector })),
    ),
  }) as unknown as Plan;

test('the brake stops more than its share of all grants, and lets exactly it pass', () => {
  const organisation = organisationOf({ a: 8, b: 8, c: 8 }, 0.25);
  assert.equal(brake(planOf({ a: 2, b: 2, c: 2 }), organisation), null);
  assert.equal(brake(planOf({ a: 3, b: 2, c: 2 }), organisation)?.error.code, 'brake');
  assert.match(
    brake(planOf({ a: 3, b: 2, c: 2 }), organisation)?.error.message ?? '',
    /7 of 24 grants in all/,
  );
});

test('the brake stops more than its share of one API', () => {
  const organisation = organisationOf({ a: 8, b: 80 }, 0.25);
  assert.equal(brake(planOf({ a: 2 }), organisation), null);
  assert.match(brake(planOf({ a: 3 }), organisation)?.error.message ?? '', /3 of 8 grants of the API a/);
  for (const action of ['delete', 'revoke', 'suspend'])
    assert.equal(brake(planOf({ a: 3 }, action), organisation)?.error.code, 'brake');
  assert.equal(brake(planOf({ a: 8 }, 'narrow'), organisation), null);
});

test('in a small organisation one grant may always go, unless none may', () => {
  assert.equal(brake(planOf({ a: 1 }), organisationOf({ a: 1 }, 0.25)), null);
  assert.equal(brake(planOf({ a: 1 }), organisationOf({ a: 3 }, 0.25)), null);
  assert.equal(brake(planOf({ a: 2 }), organisationOf({ a: 3 }, 0.25))?.error.code, 'brake');
  assert.equal(brake(planOf({ a: 1 }), organisationOf({ a: 3 }, 0))?.error.code, 'brake');
  assert.equal(brake(planOf({}), organisationOf({ a: 3 }, 0)), null);
});

test('what nobody loses does not count, and people who have left are judged apart', () => {
  const organisation = organisationOf({ a: 8 }, 0.25);
  assert.equal(brake(planOf({ a: 8 }, 'delete', 'expired'), organisation), null);
  const past = { ...organisation, grants: organisation.grants.map((grant) => ({ ...grant, expiresAt: 1 })) };
  assert.equal(brake(planOf({ a: 8 }), past), null);
  const [urgent] = planOf({ a: 1 }, 'revoke', 'orphan-disabled').findings;
  const [tidying] = planOf({ a: 1 }, 'delete', 'expired').findings;
  const many = planOf({ a: 3 });
  assert.ok(urgent && tidying);
  const [one] = many.findings;
  assert.ok(one);
  const held = brake({ ...many, findings: [...many.findings, urgent, tidying] }, organisation);
  assert.deepEqual([held?.stops(one), held?.stops(urgent), held?.stops(tidying)], [true, false, false]);
  const gone = brake(planOf({ a: 3 }, 'revoke', 'orphan-disabled'), organisation);
  assert.deepEqual([gone?.stops(one), gone?.stops(urgent), gone?.stops(tidying)], [true, true, false]);
});

test('a braked review still has its plan', async () => {
  await here.write({ 'grants/review.yaml': (await rulesOf(here)).replace('brake: 1', 'brake: 0') });
  try {
    const { plan, error } = await here.review();
    assert.equal(plan.findings.length, 3);
    assert.equal(error?.code, 'brake');
  } finally {
    here.git('checkout', '--', 'grants/review.yaml');
  }
});

const rulesOf = async ({ git }: Place) => git('show', 'HEAD:grants/review.yaml');

// Narrowing.

const roles = new Map<string, readonly string[]>([
  ['reader', ['get', 'list']],
  ['viewer', ['get']],
  ['editor', ['create', 'get', 'list']],
  ['outsider', ['get', 'other']],
]);

test('narrows to the smallest role that holds the use and lies within the grant', () => {
  const covers = ['create', 'get', 'list', 'remove'];
  assert.deepEqual(narrow(covers, ['get'], roles), { role: 'viewer' });
  assert.deepEqual(narrow(covers, ['list'], roles), { role: 'reader' });
  assert.deepEqual(narrow(covers, ['create'], roles), { role: 'editor' });
  assert.deepEqual(narrow(covers, ['remove', 'get'], roles), { operations: ['get', 'remove'] });
});

test('narrows to no role that is as wide as the grant, and to nothing it does not cover', () => {
  assert.deepEqual(narrow(['get', 'list'], ['list'], roles), { operations: ['list'] });
  assert.deepEqual(narrow(['get', 'list'], ['list', 'gone'], roles), { operations: ['list'] });
  assert.deepEqual(
    narrow(
      ['a', 'get'],
      ['get'],
      new Map([
        ['z', ['get']],
        ['y', ['get']],
      ]),
    ),
    { role: 'y' },
  );
});

test('explains a finding by facts, thresholds and the Rego that decided; another fingerprint by nothing', async () => {
  const alone = await place(access([{ id: 'past', rest: `role: reader\nexpires: ${daysAgo(1)}` }]));
  try {
    const [finding] = (await alone.review()).plan.findings;
    assert.ok(finding);
    const { explained } = await alone.review({ explain: finding.fingerprint.slice(0, 8) });
    assert.equal(explained?.finding.grant, 'past');
    assert.equal(explained?.policy?.path, 'policies/review/expired.rego');
    assert.match(explainedText(explained), /"notice_days"[\s\S]*"expires_at"[\s\S]*candidates contains/);
    assert.equal((await alone.review({ explain: 'ffff' })).explained, null);
    assert.equal((await alone.review({ explain: '' })).explained, null);
  } finally {
    await alone.remove();
  }
});
