import assert from 'node:assert/strict';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { changedLines } from '../../../reviewer/check/changedLines.ts';
import { checkPull } from '../../../reviewer/check/checkPull.ts';
import { readPullCheck } from '../../../reviewer/check/pullCheck.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base as files, type GrantText, type Place, place } from '../_review.ts';
import { recordedLines, writeLog } from '../replay/_recorded.ts';

const test = suite('check of a pull request');

const critical = String(files['grants/apis/payments.yaml']).replace('tier: high', 'tier: critical');
const grants: readonly GrantText[] = [
  { id: 'ann-read' },
  { id: 'dana-pays', principal: 'user:dana@example.com', api: 'payments', rest: 'operations: [create]' },
];
const paid = (more: GrantText) => access([...grants, { api: 'payments', ...more }]);
const withoutPayments = { 'grants/access/payments/group-desk.yaml': null };
const soon = 'expires: 2027-01-31';

let here: Place;
let base: string;
let decisions: string;

test.before(async () => {
  here = await place({
    ...access(grants),
    'grants/apis/payments.yaml': critical,
    'grants/review.yaml': `separation_of_duties:
  - { name: pay-and-void, left: { api: payments, operations: [create] }, right: { api: payments, operations: [remove] } }
`,
  });
  base = here.git('rev-parse', 'HEAD').trim();
  decisions = await writeLog(here, 'all', recordedLines([{ revision: base, times: 3 }]));
});
test.after(() => here.remove());

async function check(changes: Parameters<Place['commit']>[0], from = base, logs: string[] = [], onto = base) {
  here.git('checkout', '--quiet', '--detach', onto);
  const head = await here.commit(changes);
  const window = { decisions: logs, days: 2, asOf: asOfMs / 1000 };
  const found = await checkPull({ repository: here.root, base: from, head, ...window, opa: await findOpa() });
  // What one run writes, another one reads.
  assert.deepEqual(readPullCheck(Buffer.from(JSON.stringify(found))), found);
  return found;
}
type Checked = Awaited<ReturnType<typeof check>>;
const rules = ({ findings, requirements }: Checked) => [
  ...findings.map(({ rule, level }) => `${rule} ${level}`),
  ...requirements.map(({ rule, api, approval_of }) => `${rule} ${api} ${approval_of}`),
];

test('says who gains and loses what, whom it would have denied, and what is fine', async () => {
  const nothing = await check({ 'grants/access/readme.md': null }, base, [decisions]);
  assert.deepEqual(
    [nothing.access?.summary, rules(nothing), nothing.failures],
    ['Nobody gains or loses access.', [], 0],
  );
  assert.equal(nothing.replay?.requests.allowed, 3);
  const less = access([{ id: 'ann-read', rest: 'operations: [list]' }, ...grants.slice(1)]);
  const gone = await check(less, base, [decisions]);
  assert.deepEqual(gone.access?.rows, [
    { who: 'user:ann@example.com', what: 'loses get of orders', by: ['ann-read'], moreBy: 0 },
  ]);
  assert.deepEqual([gone.replay?.denied.requests, rules(gone)], [3, []]);
});

test('what is wrong stands at its line, on changed lines first, and then nothing is said of access', async () => {
  const found = await check({
    ...access([{ id: 'ann-read' }, { id: 'ann-writes', rest: 'role: writer' }, ...grants.slice(1)]),
    'grants/apis/payments.yaml': critical.replace('create: POST /v1/things', 'make: POST /v1/things'),
  });
  assert.deepEqual(found.problems[0]?.path, 'grants/access/orders/group-desk.yaml');
  assert.match(found.problems[0]?.message ?? '', /writer/);
  assert.ok(found.problems.some(({ path }) => path === 'grants/review.yaml'));
  assert.deepEqual([found.access, found.replay, found.failures], [null, null, found.problems.length]);
});

test('more access to a guarded API needs its owner and an end; less, or other APIs, need neither', async () => {
  const open = await check(paid({ id: 'ann-pays', rest: 'role: reader' }));
  assert.deepEqual(rules(open), ['must-end failure', 'owner-approval payments group:desk']);
  assert.match(open.findings[0]?.message ?? '', /ann-pays: access to payments \(critical\) must end/);
  assert.match(open.findings[0]?.place?.path ?? '', /^grants\/access\/payments\//);
  assert.deepEqual(open.gainers, [{ api: 'payments', who: ['user:ann@example.com'] }]);
  const late = await check(paid({ id: 'ann-pays', rest: 'role: reader\nexpires: 2027-02-28' }));
  assert.deepEqual(rules(late), ['must-end failure', 'owner-approval payments group:desk']);
  const short = await check(paid({ id: 'ann-pays', rest: `role: reader\n${soon}` }));
  assert.deepEqual(rules(short), ['owner-approval payments group:desk']);
  assert.deepEqual(rules(await check(withoutPayments)), []);
  assert.deepEqual(rules(await check(access([...grants, { id: 'ann-more', rest: 'role: admin' }]))), []);
});

test('a line is of the file and place where it stands, whatever it says', async () => {
  const lines = Array.from({ length: 9 }, (_, at) => `line ${at}`);
  here.git('checkout', '--quiet', '--detach', base);
  const before = await here.commit({ 'data/notes.txt': lines.join('\n') });
  const after = await here.commit({
    'data/notes.txt': lines.with(1, '++ b/grants/review.yaml').with(7, 'new').join('\n'),
  });
  const { paths, has } = await changedLines(here.root, before, after);
  assert.deepEqual(paths, ['data/notes.txt']);
  const at = (path: string) => lines.flatMap((_, index) => (has(path, index + 1) ? [index + 1] : []));
  assert.deepEqual([at('data/notes.txt'), at('grants/review.yaml')], [[2, 8], []]);
});

test('a grant that is dated ahead would hold at once, so it is not merged before', async () => {
  const found = await check(
    access([...grants, { id: 'ann-later', rest: 'role: admin\ngranted: 2026-12-24' }]),
  );
  assert.deepEqual([found.failures, found.problems.map(({ level }) => level)], [1, ['failure']]);
  assert.match(found.problems[0]?.message ?? '', /^"granted" of "ann-later" is ahead/);
});

test('a grant that gives nobody anything yet counts: who joins later is not asked about', async () => {
  const found = await check(paid({ id: 'empty', principal: 'group:nobody', rest: 'role: reader' }));
  assert.equal(found.access?.rows.length, 0);
  assert.deepEqual(rules(found), ['must-end failure', 'owner-approval payments group:desk']);
});

test('an operation that anybody may call needs the owner, too', async () => {
  const open = 'exceptions: { list: { public: true, although_critical: true } }';
  const found = await check({ 'grants/apis/payments.yaml': `${critical}${open}\n` });
  assert.deepEqual(rules(found), ['owner-approval payments group:desk']);
  assert.equal(found.access?.rows[0]?.who, 'anybody, without a credential,');
});

test('a network that comes to hold more needs the owner of the API whose grants ask for it', async () => {
  const asked = paid({ id: 'ann-pays', rest: `role: reader\n${soon}\nconditions: { networks: [office] }` });
  const office = (block: string) => ({ 'grants/networks.yaml': `office: [${block}]\n` });
  const before = await check({ ...asked, ...office('192.0.2.0/25') });
  const found = await check(office('192.0.2.0/24'), before.head, [], before.head);
  assert.deepEqual(rules(found), ['api-opened payments group:desk']);
  assert.equal(found.access?.summary, 'By grants nobody gains or loses access.');
});

test('who joins a group that has access to a guarded API is told of, and must not have opened it', async () => {
  const okta = String(files['grants/directory/okta.yaml']);
  const before = await check(
    paid({ id: 'night-pays', principal: 'group:night', rest: `role: reader\n${soon}` }),
  );
  const joined = {
    'grants/directory/okta.yaml': okta.replace(
      '["user:dana@example.com"]',
      '["user:dana@example.com", "user:ann@example.com"]',
    ),
  };
  const found = await check(joined, before.head, [], before.head);
  assert.deepEqual(rules(found), ['directory-access notice']);
  assert.deepEqual(found.gainers, [{ api: 'payments', who: ['user:ann@example.com'] }]);
  // Nor does it hide behind less for the group, and more for a day.
  const less = access([
    ...grants,
    { id: 'night-pays', principal: 'group:night', api: 'payments', rest: `operations: [get]\n${soon}` },
    { id: 'ann-pays', api: 'payments', rest: 'operations: [get]\nexpires: 2026-11-24' },
  ]);
  const hidden = await check({ ...joined, ...less }, before.head, [], before.head);
  assert.deepEqual(rules(hidden), ['directory-access notice', 'owner-approval payments group:desk']);
});

test('a pull request is judged by the rules of the base, however it changes them', async () => {
  const loose = await check({
    ...paid({ id: 'ann-pays', rest: 'role: reader' }),
    'grants/apis/payments.yaml': critical.replace('critical', 'low').replace('group:desk', 'group:night'),
    'grants/review.yaml': 'approval: { owner_tiers: [], self_grant: allow }\n',
  });
  assert.deepEqual(rules(loose), [
    'must-end failure',
    'rules-changed notice',
    'api-weakened payments group:desk',
    'owner-approval payments group:desk',
  ]);
  assert.equal(loose.selfGrant, 'refuse');
  const told = await check({
    'grants/apis/payments.yaml': `${critical.replace('group:desk', 'group:night')}\nfacts: { risk: { header: x-risk, from: caller } }\n`,
  });
  assert.deepEqual(rules(told), ['rules-changed notice', 'api-weakened payments group:desk']);
  const renamed = await check({
    'grants/apis/pay.yaml': critical
      .replace('api: payments', 'api: pay')
      .replace('critical', 'low')
      .replace('prefix: /payments', 'prefix: /pay'),
    'grants/access/pay/desk.yaml':
      paid({ id: 'pay-read', api: 'pay', rest: `role: reader\n${soon}` })[
        'grants/access/pay/group-desk.yaml'
      ] ?? '',
  });
  assert.deepEqual(renamed.problems, []);
  assert.deepEqual(rules(renamed), ['owner-approval pay group:desk']);
});

test('who would come to hold both sides of a pair of duties is named, and who does already is not', async () => {
  // By the pairs of the base, also where they are taken out.
  const both = await check({
    ...paid({ id: 'dana-voids', principal: 'group:night', rest: `operations: [remove]\n${soon}` }),
    'grants/review.yaml': null,
  });
  assert.deepEqual(rules(both), [
    'separation-of-duties failure',
    'rules-changed notice',
    'owner-approval payments group:desk',
  ]);
  assert.match(both.findings[0]?.message ?? '', /pay-and-void: user:dana@example\.com/);
  const other = await check({
    ...paid({ id: 'ann-voids', rest: `operations: [remove]\n${soon}` }),
    'data/regions.yaml': 'eu: [de]\n',
    'data/regions.schema.json': '{ "type": "object" }\n',
  });
  assert.deepEqual(rules(other), ['rules-changed notice', 'owner-approval payments group:desk']);
});

test('without a commit that both come from it says what the clone lacks', async () => {
  const orphan = here.git('commit-tree', `${base}^{tree}`, '-m', 'of another line').trim();
  const window = { decisions: [], days: 2, asOf: asOfMs / 1000 };
  await assert.rejects(checkPull({ repository: here.root, base, head: orphan, ...window }), {
    code: 'git-revision',
    message: /fetch-depth: 0/,
  });
});

test('the rules in force are those of the branch as it is now, not of the day it was left', async () => {
  here.git('checkout', '--quiet', '--detach', base);
  const strict = await here.commit({
    'grants/review.yaml': `approval: { owner_tiers: [critical, medium] }
separation_of_duties:
  - { name: read-and-remove, left: { api: orders, operations: [get] }, right: { api: orders, operations: [remove] } }
`,
  });
  const found = await check(access([...grants, { id: 'ann-more', rest: `role: admin\n${soon}` }]), strict);
  assert.deepEqual(rules(found), ['separation-of-duties failure', 'owner-approval orders group:desk']);
  assert.equal(found.base, base);
});

test("the tests of a repository's policies run, and rules of its own judge once they are merged", async () => {
  const own = `package grantgate.check

# METADATA
# entrypoint: true
verdict := {"findings": [{"rule": "frozen", "level": "failure", "change": 0, "message": "nothing changes now"} | count(input.changes) > 0], "requirements": [], "self_grant": "allow"}
`;
  const failing =
    'package grantgate.check_test\n\nimport data.grantgate.check\n\ntest_never if check.verdict.self_grant == "refuse"\n';
  const policy = { 'policies/check/verdict.rego': own, 'policies/check/verdict_test.rego': failing };
  const brought = await check({ ...policy, ...paid({ id: 'ann-pays', rest: `role: reader\n${soon}` }) });
  assert.match(brought.problems[0]?.message ?? '', /test_never/);
  assert.equal(brought.problems[0]?.path, 'policies/check/verdict_test.rego');
  assert.deepEqual(rules(brought), ['rules-changed notice', 'owner-approval payments group:desk']);
  here.git('checkout', '--quiet', '--detach', base);
  const merged = await here.commit({ 'policies/check/verdict.rego': own });
  const after = await check(withoutPayments, merged);
  assert.deepEqual(rules(after), ['frozen failure']);
  assert.equal(after.findings[0]?.message, 'nothing changes now');
});

test('where the rules say so, what certifies one person’s access is approved by somebody else who answers for it', async () => {
  const rest = grants.slice(1);
  here.git('checkout', '--quiet', '--detach', base);
  const group = String(files['grants/directory/okta.yaml']).replace(
    '  - { name: night',
    '  - { name: pair, members: ["user:ann@example.com", "user:bob@example.com"] }\n  - { name: night',
  );
  const held = [
    { id: 'ann-read', rest: 'role: reader\nexpires: 2027-01-31' },
    { id: 'of-pair', principal: 'group:pair' },
    { id: 'of-desk', principal: 'group:desk' },
    { id: 'ann-owns', owner: 'user:ann@example.com' },
    { id: 'of-invoicer', principal: 'service:invoicer' },
    ...rest,
  ];
  const strict = await here.commit({
    ...access(held),
    'grants/directory/okta.yaml': group,
    'grants/review.yaml': 'approval: { self_review: refuse }\n',
  });
  const review =
    'review: { decision: keep, by: group:desk, at: 2026-11-23T09:00:00Z, until: 2027-01-31, reason: Needed }';
  const asked = async (id: string, more: string, onto = strict, change: Partial<GrantText> = {}) => {
    const changed = held.map((one) =>
      one.id === id
        ? { ...one, rest: `${(one as GrantText).rest ?? 'role: reader'}\n${more}`, ...change }
        : one,
    );
    const longer = access(changed);
    const text = Object.entries(longer).map(([path, one]) => [
      path,
      one?.replace(/expires: .*\n {2}expires/, 'expires') ?? null,
    ]);
    return (await check(Object.fromEntries(text), onto, [], onto)).requirements;
  };
  const needs = (holder: string) => [
    { rule: 'self-review', api: 'orders', approval_of: 'group:desk', except: holder },
  ];
  assert.deepEqual(await asked('ann-read', review), needs('user:ann@example.com'));
  assert.deepEqual(await asked('ann-read', 'expires: 2027-02-28'), needs('user:ann@example.com'));
  assert.deepEqual(await asked('ann-read', 'expires: 2027-01-15'), []);
  // A group whose only active member one is; who owns their own is not who answers for it.
  assert.deepEqual(await asked('of-pair', review), needs('user:ann@example.com'));
  assert.deepEqual(await asked('ann-owns', review), needs('user:ann@example.com'));
  assert.deepEqual(await asked('of-desk', review), [], 'a group of several answers for itself');
  assert.deepEqual(await asked('of-invoicer', review), [], 'a service answers nobody');
  // Whose it was, whoever is to have it by the same change.
  assert.deepEqual(
    await asked('ann-read', review, strict, { principal: 'group:desk' }),
    needs('user:ann@example.com'),
  );
  // Without the rule the report tells.
  assert.deepEqual(
    (await check(access([{ id: 'ann-read', rest: `role: reader\n${review}` }, ...rest]))).requirements,
    [],
  );
});

test('what was taken away and comes back by a revert or from an older branch is told, with what took it away', async () => {
  const rest = grants.slice(1);
  const put = async (onto: string, name = 'ann-read', principal = 'user:ann@example.com') => {
    const found = await check(access([{ id: name, principal }, ...rest]), onto, [], onto);
    return [...found.findings, ...found.problems].flatMap(({ message, level }) =>
      message.includes(name) ? `${level}: ${message}` : [],
    );
  };
  here.git('checkout', '--quiet', '--detach', base);
  const without = await here.commit({ 'grants/access/orders/group-desk.yaml': null });
  const told = [
    `notice: ann-read, which was taken away on 2026-10-14 (grants: change, ${without.slice(0, 12)}), comes back: what was answered about it before does not count for it any more`,
  ];
  assert.deepEqual(await put(without), told);
  // The last removal is the one that counts; what is new comes for the first time.
  const again = await here.commit(access([{ id: 'ann-read' }, ...rest]));
  assert.deepEqual(await put(again), []);
  assert.deepEqual(await put(without, 'ann-reads'), []);
  const [other = ''] = await put(without, 'ann-read', 'user:dana@example.com');
  assert.match(other, /^failure: the grant id "ann-read" was used before/);
});

test('tells what reviews leave alone for longer, though nobody gains by it', async () => {
  const changed = (rest: string, rules = '') =>
    check({
      ...access([{ id: 'ann-read', rest: `role: reader\n${rest}` }, ...grants.slice(1)]),
      ...(rules !== '' && { 'grants/review.yaml': rules }),
    });
  const kept = (until: string) =>
    changed(
      `review: { decision: keep, by: group:desk, at: 2026-11-23T09:00:00Z, until: ${until}, reason: Needed }`,
    );
  const said = ({ findings, access: of }: Checked) => [
    of?.summary,
    ...findings.map(({ rule, level, message, place }) => [rule, level, message, place?.path]),
  ];
  const file = 'grants/access/orders/group-desk.yaml';
  const told = (message: string) => [
    'review-put-off',
    'notice',
    `ann-read ${message}: reviews ask about it later`,
    file,
  ];
  assert.deepEqual(said(await kept('2028-01-31')), [
    'Nobody gains or loses access.',
    told('is kept until 2028-01-31, and would be certified again after 180 days'),
  ]);
  const exempt = 'exemptions: [{ grant: ann-read, detector: dormant, reason: Idle, until: 2027-01-31 }]\n';
  const [, notice] = said(await changed('', exempt));
  assert.deepEqual(notice, told('is exempt from dormant until 2027-01-31'));
});
