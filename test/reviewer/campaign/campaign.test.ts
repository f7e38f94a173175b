import * as assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { answer } from '../../../reviewer/answer.ts';
import { joinPart, type PartMarker, parsePart, partsOf } from '../../../reviewer/campaign/marker.ts';
import { type CampaignOptions, campaign } from '../../../reviewer/campaign.ts';
import { campaignReport } from '../../../reviewer/campaignReport.ts';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { verifyPack, writePack } from '../../../reviewer/report/pack.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, base, dayMs, recordLine, rules } from '../_review.ts';
import { closeWorlds, idle, token, tokenOf, world } from '../_world.ts';

const test = suite('a campaign');

const directory = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1, status: active', 'id: 00u1, status: active, github: ann, manager: cleo@example.com')
  .replace('id: 00u3, status: deprovisioned', 'id: 00u3, status: active, github: eve')
  .replace('id: 00u4, status: active', 'id: 00u4, status: active, github: dana, manager: cleo@example.com');
const here = await world(
  [
    { id: 'busy', principal: 'user:dana@example.com' },
    { id: 'idle', principal: 'service:invoicer', rest: idle },
    { id: 'wide', owner: 'user:dana@example.com', rest: 'role: admin # for now' },
    { id: 'pay', principal: 'service:invoicer', api: 'payments', owner: 'user:dana@example.com' },
    { id: 'low', principal: 'service:invoicer', api: 'notes', owner: 'user:cleo@example.com' },
  ],
  {
    'grants/directory/okta.yaml': directory,
    'grants/apis/notes.yaml': (base['grants/apis/orders.yaml'] ?? '')
      .replace('api: orders', 'api: notes')
      .replace('tier: medium', 'tier: low')
      .replaceAll('orders', 'notes'),
    'grants/review.yaml': `${rules}campaigns: { second_approver: [high], manager_after_days: 5 }\n`,
  },
);
test.after(closeWorlds);

const target = {
  ...{ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, retries: 0, timeoutMs: 5000 },
  cloneUrl: here.repository,
};
const opa = await findOpa();
const run = (options: Partial<CampaignOptions> = {}) =>
  campaign({
    ...{ root: here.here.root, decisions: [here.here.decisions], asOfMs: here.clock.now, opa },
    ...{ name: '2026-Q4', scope: null, due: '2026-12-23', forge: target, apply: true },
    ...options,
  });

type Pull = {
  body: string;
  state: string;
  head: { sha: string; ref: string };
  requested_reviewers: { login: string }[];
};
async function call<T>(path: string, body?: unknown, as = token, method = 'POST'): Promise<T> {
  const response = await fetch(`${here.forge.api}/repos/acme/access${path}`, {
    headers: { authorization: `token ${as}` },
    ...(body !== undefined && { method, body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}
const pullOf = (number: number) => call<Pull>(`/pulls/${number}`);
const at = (days: number) => {
  here.clock.now = asOfMs + days * dayMs;
};
const said = async (number: number) =>
  (await call<{ body: string }[]>(`/issues/${number}/comments`)).map(({ body }) => body);
const states = ({ report }: Awaited<ReturnType<typeof run>>) =>
  report.parts.map(({ owner, state, answered }) => `${owner} ${state} ${answered}`);
const reported = (name = '2026-Q4') =>
  campaignReport({
    ...{ name, forge: target, decisions: [here.here.decisions], gateways: [] },
    asOf: Math.floor(here.clock.now / 1000),
  });
const tableOf = ({ pack }: Awaited<ReturnType<typeof reported>>, name: string) =>
  (JSON.parse(pack.get(`${name}.json`) ?? '{}') as { rows: Record<string, unknown>[] }).rows;
const mainFile = (path: string) => here.bare('show', `main:${path}`);

test('shows what it would ask, and changes nothing, until it is applied', async () => {
  const { report, writes } = await run({ apply: false });
  assert.deepEqual(
    report.parts.map(({ owner, grants, state }) => [owner, state, grants.map((one) => one.proposed)]),
    [
      ['group:desk', 'waiting', ['keep', 'revoke']],
      ['user:cleo@example.com', 'waiting', ['suspend']],
      ['user:dana@example.com', 'waiting', ['suspend', 'narrow']],
    ],
  );
  assert.equal(writes, 0);
  assert.deepEqual(here.writes(), { calls: [], branches: '' });
});

test('opens one pull request per owner, what needs thought first, and asks who answers', async () => {
  const { report, error } = await run();
  assert.equal(error, null);
  assert.equal(report.population.grants, 5);
  assert.deepEqual(
    here.writes().calls.filter((one) => one === 'POST /pulls'),
    ['POST /pulls', 'POST /pulls', 'POST /pulls'],
  );
  const desk = await pullOf(2);
  assert.match(desk.body, /### To think about \(1\)\n\n.*\n.*\n\| \*\*revoke\*\* \| `idle`/);
  assert.match(desk.body, /### The rest \(1\)\n\n.*\n.*\n\| \*\*keep\*\* until 2027-05-22 \| `busy`/);
  // dana has a grant of her own there, and is not asked about it.
  assert.deepEqual(
    desk.requested_reviewers.map(({ login }) => login),
    ['ann'],
  );
  const diff = here.bare('diff', 'main', 'grantgate/campaign/2026-Q4/group-desk', '--unified=0');
  assert.match(
    diff,
    /\+ {2}review: \{ decision: keep, by: "?group:desk"?, at: "?2026-11-23T12:00:00Z"?, until: 2027-05-22, reason: Campaign 2026-Q4 \}/,
  );
  assert.match(diff, /-- id: idle/);
  assert.doesNotMatch(diff, /low|wide|pay/);
});

test('changes nothing when it is run again, and is not opened anew otherwise', async () => {
  const { results } = await run();
  assert.deepEqual(new Set(results.map(({ action }) => action)), new Set(['unchanged']));
  assert.deepEqual(here.writes().calls, []);
  await assert.rejects(run({ due: '2026-12-31' }), { code: 'campaign-differs' });
  const scope = { text: 'tier:high', scope: { kind: 'tier', name: 'high' } } as const;
  await assert.rejects(run({ scope }), { code: 'campaign-differs' });
  const none = { text: 'api:none', scope: { kind: 'api', name: 'none' } } as const;
  await assert.rejects(run({ name: 'other', scope: none }), { code: 'campaign-empty' });
  await assert.rejects(run({ name: 'other', due: '2026-11-22' }), { code: 'campaign-empty' });
  assert.deepEqual(here.writes().calls, []);
});

test('is not frozen anew under its name where somebody tidied its branch away', async () => {
  const branch = 'refs/heads/grantgate/campaign/2026-Q4/frozen';
  const [tip, before] = [here.bare('rev-parse', branch), here.bare('rev-parse', 'main')];
  here.bare('update-ref', '-d', branch);
  // Another grant comes first now: answers by number would be another's.
  for (const apply of [true, false])
    await assert.rejects(run({ apply }), {
      code: 'campaign-malformed',
      message:
        /2026-Q4\/frozen is gone or holds what the review has not frozen, though the campaign was opened \(grantgate\/campaign\/2026-Q4\/group-desk/,
    });
  // Whoever may push can write what the campaign is about in the review's name, and say that it is fine.
  here.bare('update-ref', branch, tip);
  const file = 'campaigns/2026-Q4.json';
  const forged = here.bare('show', `${tip}:${file}`).replaceAll('group:desk', 'user:ann@example.com');
  await here.push({ [file]: forged }, branch.slice('refs/heads/'.length), 0, bot);
  const status = { state: 'success', context: 'grantgate/frozen' };
  await call(`/statuses/${here.bare('rev-parse', branch)}`, status, tokenOf('ann'));
  here.writes();
  await assert.rejects(run(), {
    code: 'campaign-malformed',
    message: /holds what the review has not frozen/,
  });
  await here.push({ [file]: forged }, branch.slice('refs/heads/'.length), 0);
  await assert.rejects(run(), { message: /has commits by people/ });
  here.bare('update-ref', branch, tip);
  assert.equal(here.bare('rev-parse', 'main'), before);
  assert.deepEqual(here.writes().calls, []);
  // Nor where its pull requests' branches are gone as well.
  const body = '<!-- grantgate:campaign-issue {"campaign":"tidied"} -->';
  const { number } = await call<{ number: number }>('/issues', {
    ...{ title: 'Access campaign tidied', body, labels: ['grantgate-campaign'] },
  });
  await call(`/issues/${number}`, { state: 'closed' }, token, 'PATCH');
  await assert.rejects(run({ name: 'tidied' }), { message: new RegExp(`opened \\(issue #${number}\\)`) });
  // What somebody else opened is no issue of a campaign's.
  const theirs = { title: 'x', body: body.replace('tidied', 'theirs'), labels: ['grantgate-campaign'] };
  await call('/issues', theirs, tokenOf('ann'));
  assert.equal((await run({ name: 'theirs', apply: false })).error, null);
  here.writes();
});

test('reports a campaign that runs as of now, says so, and knows no other', async () => {
  const { pack, about } = await reported();
  assert.deepEqual(about.campaign, { name: '2026-Q4', finished: false });
  assert.match(pack.get('index.html') ?? '', /class="warning">This campaign is not finished: 0 of 3 owners/);
  await assert.rejects(reported('2026-Q3'), {
    code: 'campaign-unknown',
    message: /acme\/access has no campaign 2026-Q3/,
  });
});

test('takes answers from comments of those who may give them, for single grants', async () => {
  at(4.9);
  await run();
  assert.deepEqual(here.writes().calls, [], 'nobody is reminded yet');
  await call('/issues/2/comments', { body: '/revoke busy' }, tokenOf('eve'));
  await call('/issues/2/comments', { body: '/keep idle 2027-01-31 the audit\n/split idle' }, tokenOf('ann'));
  // No run was told of these.
  await run();
  assert.equal((await answer(target, 2)).handled, 0);
  const { body, head } = await pullOf(2);
  assert.match(body, /\*\*keep\*\* until 2027-01-31 \| `idle`.*ann@.*: the audit/);
  assert.match(here.bare('show', `${head.sha}:grants/access/orders/group-desk.yaml`), /reason: the audit/);
  const replies = await said(2);
  assert.ok(replies.some((one) => one.includes('only its owner')));
  assert.ok(replies.some((one) => one.includes('stays whole')));
  here.writes();
  assert.deepEqual(states(await run())[0], 'group:desk open 0');
  assert.deepEqual(here.writes().calls, [], 'and a run leaves them as they are');
});

test('carries out no answer that somebody wrote into a description, tells it, and keeps what comments say', async () => {
  const before = await pullOf(2);
  const marker = parsePart(before.body) as PartMarker;
  const saidAt = '2026-11-27T12:00:00Z';
  const answers = [
    { of: '0-1', decision: { kind: 'revoke', by: 'user:dana@example.com', at: saidAt } as const },
  ];
  const forged = joinPart({ ...marker, answers }, 'as dana says', partsOf(before.body));
  const changed = async () =>
    (await said(2)).filter((one) => one.startsWith('<!-- grantgate:told changed ')).join('\n');
  const forge = () => call('/pulls/2', { body: forged }, tokenOf('ann'), 'PATCH');
  await forge();
  assert.deepEqual(states(await run())[0], 'group:desk open 0');
  const now = async () => {
    const { body, head } = await pullOf(2);
    return [body.replace(/,"anew":"[^"]+"/, ''), head.sha];
  };
  assert.deepEqual(await now(), [before.body, before.head.sha]);
  assert.match(
    await changed(),
    /bears it out: revoke of `busy` by `dana@example\.com`, revoke of `idle` by .*Still in force.*: keep of `idle` by `ann@/,
  );
  here.writes();
  await run();
  assert.deepEqual(here.writes().calls, []);
  // A comment finds it as it was, too, before the next run; and what looks like an answer in words beside it is none.
  await forge();
  assert.equal((await answer(target, 2)).handled, 0);
  assert.deepEqual(await now(), [before.body, before.head.sha]);
  await call('/pulls/2', { body: `/revoke busy\n\n${before.body}` }, tokenOf('ann'), 'PATCH');
  at(4.95);
  await run();
  assert.deepEqual(await now(), [`/revoke busy\n\n${before.body}`, before.head.sha]);
  here.writes();
  await run();
  assert.deepEqual(here.writes().calls, [], 'it is the campaign’s again');
  assert.equal((await changed()).match(/grantgate:told/g)?.length, 1, 'the same text is told once');
  here.writes();
});

test('asks those whom a silent owner reports to, once', async () => {
  // What others say and is refused breaks nobody's silence.
  await call('/issues/4/comments', { body: '/revoke wide' }, tokenOf('eve'));
  assert.equal((await answer(target, 4)).changed, false);
  at(5.1);
  await run();
  const asked = async (number: number) =>
    (await pullOf(number)).requested_reviewers.map(({ login }) => login);
  assert.deepEqual(await asked(4), ['dana', 'eve']);
  assert.deepEqual(await asked(3), ['eve'], 'cleo reports to nobody');
  assert.deepEqual(await asked(2), ['ann'], 'ann has answered');
  here.writes();
  await run();
  assert.deepEqual(here.writes().calls, []);
});

test('shows a grant that has changed since, leaves it alone, and knows nothing of those that came later', async () => {
  const file = 'grants/access/orders/user-dana-example-com.yaml';
  const text = mainFile(file);
  await here.push({
    [file]: `${text.replace('Because of wide', 'Because of more')}\n${text.replaceAll('wide', 'later')}\n`,
  });
  const { report } = await run();
  assert.equal(report.population.grants, 5);
  const { body, head } = await pullOf(4);
  assert.match(body, /### To think about \(2\)\n\n.*\n.*\n\| \*\*changed\*\* \| `wide`/);
  assert.doesNotMatch(body, /later`/);
  const after = here.bare('show', `${head.sha}:${file}`);
  assert.match(after, /role: admin/);
  assert.doesNotMatch(after, /review:/);
  // Until somebody decides about what it is now.
  await call('/issues/4/comments', { body: '/narrow wide reader' }, tokenOf('dana'));
  assert.equal((await answer(target, 4)).changed, true);
  const decided = here.bare('show', `${(await pullOf(4)).head.sha}:${file}`);
  assert.match(decided, /role: reader # for now/);
  assert.match(decided, /role: admin/, 'the later one is as it was');
  // Whoever brings a branch up to date has changed nothing: it is told of, and nothing is pushed over what is approved.
  const { head: behind } = await pullOf(2);
  const tree = here.bare('merge-tree', '--write-tree', behind.sha, 'main');
  const caughtUp = here.bare('commit-tree', tree, '-p', behind.sha, '-p', 'main', '-m', 'Merge');
  here.bare('update-ref', `refs/heads/${behind.ref}`, caughtUp);
  await run();
  const told = await pullOf(2);
  assert.deepEqual([told.head.sha, parsePart(told.body)?.commit], [caughtUp, caughtUp]);
});

test('reminds each who has not finished once, and nobody else', async () => {
  await here.forge.merge(2, { login: 'ann' });
  at(15.5);
  here.writes();
  const half = await run();
  assert.deepEqual(
    half.results.map(({ action }) => action),
    ['unchanged', 'reminded', 'reminded'],
  );
  assert.deepEqual(
    here.writes().calls.filter((one) => /comments/.test(one)),
    ['POST /issues/3/comments', 'POST /issues/4/comments'],
  );
  await run();
  assert.deepEqual(here.writes().calls, [], 'once');
  at(29.6);
  await run();
  assert.deepEqual(
    (await said(3)).filter((one) => /grantgate:told/.test(one)).map((one) => one.split('\n')[0]),
    ['<!-- grantgate:told half -->', '<!-- grantgate:told 1 day -->'],
  );
});

test('says on the commit when two people have approved it, and never for who may not', async () => {
  const status = async () => {
    const { head } = await pullOf(4);
    const { statuses } = await call<{ statuses: { context: string; state: string }[] }>(
      `/commits/${head.sha}/status`,
    );
    return statuses.find(({ context }) => context === 'grantgate/second-approver')?.state;
  };
  const approve = async (login: string) => call('/pulls/4/reviews', { event: 'APPROVE' }, tokenOf(login));
  await approve('dana');
  // Her own access is in it.
  await approve('ann');
  await run();
  assert.equal(await status(), undefined);
  await approve('eve');
  await run();
  assert.equal(await status(), 'success');
});

test('does what the rules say of those who have not answered by the due date', async () => {
  at(31);
  const { report } = await run();
  assert.deepEqual(
    report.parts.map(({ owner, state }) => `${owner} ${state}`),
    ['group:desk merged', 'user:cleo@example.com lapsed', 'user:dana@example.com open'],
  );
  assert.equal(report.overdue, true);
  assert.equal((await pullOf(3)).state, 'closed');
  assert.match((await pullOf(3)).body, /nobody has answered by 2026-12-23, so it is left as it is/);
});

test('ends with a report of what became of each grant, by whom', async () => {
  await here.forge.merge(4, { login: 'dana' });
  const { report } = await run();
  assert.equal(report.finished, true);
  assert.deepEqual(
    report.parts.flatMap(({ grants }) => grants.map(({ grant, outcome }) => `${grant} ${outcome}`)),
    ['busy kept', 'idle kept', 'low unreviewed', 'pay suspended', 'wide narrowed'],
  );
  assert.deepEqual(
    report.parts.map((one) => [one.merged_by, one.second_approver]),
    [
      ['ann', undefined],
      [undefined, undefined],
      ['dana', 'given'],
    ],
  );
  const issue = await call<{ state: string; body: string }>('/issues/1');
  assert.equal(issue.state, 'closed');
  assert.match(issue.body, /\*\*Closed\.\*\* 3 of 3 owners done/);
  here.writes();
  await run();
  assert.deepEqual(here.writes().calls, []);
  assert.deepEqual((await run({ apply: false })).report.totals, report.totals);
});

test('hands an auditor each decision with who, when, why, commits and how soon gateways decided by it', async () => {
  const merge = here.bare('rev-parse', 'main').trim();
  const line = recordLine({ grant: 'busy', at: here.clock.now + 4000 }, 'gw-2', 1).replace(
    '"abc"',
    `"${merge}"`,
  );
  await here.here.log([line], 'gw-2');
  at(31.01);
  const made = await reported();
  const signed = 'user:dana@example.com user:ann@example.com user:cleo@example.com';
  assert.deepEqual(
    tableOf(made, 'decisions').map((row) => [
      ...[row.grant, row.outcome, row.by, row.relation, row.approved_by, row.why, row.pull_request],
      ...[row.batch, row.evaluable, row.seconds_to_enforcement],
    ]),
    [
      ['busy', 'kept', 'user:ann@example.com', 'owner', '', 'Campaign 2026-Q4', 2, 2, true, 2237764],
      ['idle', 'kept', 'user:ann@example.com', 'owner', '', 'the audit', 2, 2, true, 2237764],
      ['low', 'unreviewed', null, null, null, null, 3, null, true, null],
      ['pay', 'suspended', 'user:dana@example.com', 'owner', signed, 'Campaign 2026-Q4', 4, 2, true, 4],
      ['wide', 'narrowed', 'user:dana@example.com', 'owner', signed, 'Campaign 2026-Q4', 4, 2, true, 4],
    ],
  );
  for (const { commit_before, commit_after, grant } of tableOf(made, 'decisions'))
    if (grant !== 'low') assert.match(`${commit_before} ${commit_after}`, /^[0-9a-f]{40} [0-9a-f]{40}$/);
  assert.deepEqual(
    tableOf(made, 'population').map(({ source, grants, agrees }) => [source, grants, agrees]),
    [
      ['frozen', 5, true],
      ['commit', 5, true],
      ['outcomes', 5, true],
      ['branch', 6, null],
    ],
  );
  const of = (name: string, ...keys: string[]) =>
    tableOf(made, name).map((row) => keys.map((key) => row[key]).join(' '));
  assert.deepEqual(of('owners', 'owner', 'state', 'overdue', 'second_approver', 'merged_by'), [
    'group:desk merged false  ann',
    'user:cleo@example.com lapsed true  ',
    'user:dana@example.com merged true given dana',
  ]);
  assert.deepEqual(of('overdue', 'owner', 'state'), [
    'user:cleo@example.com lapsed',
    'user:dana@example.com merged',
  ]);
  assert.deepEqual(of('reminders', 'owner', 'what', 'to'), [
    'user:cleo@example.com reminder at half time eve',
    'user:cleo@example.com reminder 1 day before the end eve',
    'user:dana@example.com asked in their place: who they report to eve',
    'user:dana@example.com reminder at half time dana',
    'user:dana@example.com reminder 1 day before the end dana',
  ]);
  assert.deepEqual(of('delegations', 'owner', 'what', 'to'), [
    'user:dana@example.com asked in their place: who they report to eve',
  ]);
  assert.deepEqual(of('second-approvals', 'owner', 'second_approver'), ['user:dana@example.com given']);
  assert.deepEqual(of('answers', 'grant', 'decision', 'by'), [
    'idle keep user:ann@example.com',
    'wide narrow user:dana@example.com',
  ]);
  assert.deepEqual(of('changed-meanwhile', 'grant', 'what'), ['wide changed']);
  const page = made.pack.get('index.html') ?? '';
  const anchors = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
  assert.ok(anchors.length > 7);
  for (const id of anchors) assert.ok(page.includes(`id="${id}"`), id);
  assert.deepEqual(of('enforcement', 'pull_request', 'gateway', 'seconds_from_merge'), [
    '2 gw-1 ',
    '2 gw-2 2237764',
    '4 gw-1 ',
    '4 gw-2 4',
  ]);
  assert.deepEqual(of('changed-descriptions', 'pull_request'), ['2']);
  // What somebody writes into it after the merge is no answer of anybody's.
  const { body } = await pullOf(2);
  const forged = body.replaceAll('the audit', 'as dana says');
  await call('/pulls/2', { body: forged }, tokenOf('ann'), 'PATCH');
  const later = await reported();
  assert.doesNotMatch(JSON.stringify(tableOf(later, 'answers')), /as dana says|the audit/);
  assert.doesNotMatch(JSON.stringify(tableOf(later, 'decisions')), /as dana says/);
  assert.deepEqual(
    tableOf(later, 'changed-descriptions').map(({ pull_request, what }) => [
      pull_request,
      /answers in comments are not taken from it/.test(String(what)),
    ]),
    [
      [2, false],
      [2, true],
    ],
  );
});

test('reports the same bytes of a campaign that is finished, however late, and a pack that is verified', async () => {
  const first = await reported();
  at(40);
  const again = await reported();
  assert.deepEqual(again, first);
  assert.deepEqual(first.about.campaign, { name: '2026-Q4', finished: true });
  assert.deepEqual(
    tableOf(first, 'records').map(({ gateway, wrong }) => [gateway, wrong]),
    [
      ['gw-1', ''],
      ['gw-2', ''],
    ],
  );
  assert.deepEqual(first.doubted, []);
  assert.doesNotMatch(first.pack.get('index.html') ?? '', /in doubt/);
  assert.doesNotMatch(first.pack.get('index.html') ?? '', /class="warning"/);
  const out = await mkdtemp(join(tmpdir(), 'campaign-report-'));
  try {
    await writePack(out, first.pack, first.about, null);
    assert.deepEqual((await verifyPack(out, null)).campaign, first.about.campaign);
    await writeFile(join(out, 'decisions.csv'), 'nothing');
    await assert.rejects(verifyPack(out, null), { code: 'report-invalid' });
  } finally {
    await rm(out, { recursive: true, force: true });
  }
  // A number that is missing, and what came behind it.
  const line = recordLine({ grant: 'busy', at: here.clock.now }, 'gw-3', 1);
  await here.here.log([line, line.replace('"seq":1', '"seq":4')], 'gw-3');
  const doubted = await reported();
  assert.deepEqual(doubted.doubted, ['gw-3']);
  assert.match(doubted.pack.get('records.csv') ?? '', /gw-3.*(?:missing|gap)/);
  assert.match(doubted.pack.get('index.html') ?? '', /in doubt: records of gw-3/);
});
