import * as assert from 'node:assert/strict';
import { forgeName } from '../../../reviewer/asking/forgeName.ts';
import { ownersOf, parseCodeowners } from '../../../reviewer/pulls/codeowners.ts';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, dayMs, type GrantText, logLines, rules, withGroups } from '../_review.ts';
import { call, closeWorlds, idle, reviewedWorld, standard, type World, world } from '../_world.ts';

const test = suite('pull requests and people');
test.after.each(closeWorlds);

const [ofAnn, busy] = standard as [GrantText, GrantText];
const named = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1,', 'id: 00u1, github: ann,')
  .replace('id: 00u4,', 'id: 00u4, github: dana,');

type Shown = {
  state: string;
  draft: boolean;
  title: string;
  body: string;
  labels: { name: string }[];
  requested_reviewers: { login: string }[];
  requested_teams: { slug: string }[];
};
const shown = (here: World, number: number) => call<Shown>(here, 'GET', `/pulls/${number}`);

test('reads CODEOWNERS as GitHub does: the last pattern wins', () => {
  const rules = parseCodeowners(
    '# all\n*  @all\n/grants/access/ @org/access ann@example.com\n*.md @writers # notes\ngrants/access/orders/*  @orders @org/orders\n/docs/*  @docs\n',
  );
  const of = (file: string) => ownersOf(rules, file).join();
  assert.equal(of('README'), 'all');
  assert.equal(of('grants/access/payments/desk.yaml'), 'org/access');
  assert.equal(of('a/b/c.md'), 'writers');
  assert.equal(of('grants/access/orders/desk.yaml'), 'orders,org/orders');
  assert.equal(of('docs/a'), 'docs');
  assert.equal(of('docs/a/b'), 'all');
});

test('only what can be a name on the forge is called by it', () => {
  const named = (github: string) =>
    forgeName('user:x', {
      people: new Map([['x', { login: 'x', id: '1', provider: 'okta', status: 'active' as const, github }]]),
    });
  assert.equal(named('ann-b_corp'), 'ann-b_corp');
  for (const other of ['acme/everyone', '@ann', 'ann, @bob', '**ann**', 'a b', '-ann', ''])
    assert.equal(named(other), null, other);
});

test('asks the owner’s people and the code owners, never the person under review; labels, links and mentions', async () => {
  const alone = { ...ofAnn, rest: idle.replace('role: reader', 'operations: [create]') };
  // A group of one is that one, who owns it besides.
  const night = {
    ...{ id: 'of-night', principal: 'group:night', api: 'payments', owner: 'group:night' },
    rest: idle,
  };
  const here = await world([alone, busy, night], {
    'grants/directory/okta.yaml': named,
    '.github/CODEOWNERS': '/grants/access/orders/ @eve @ann @nobody @acme/access\n',
    // Only the first place counts.
    CODEOWNERS: '/grants/ @maintainer\n',
  });
  const apply = () => here.apply({ forge: { cloneUrl: here.forge.cloneUrl } });
  await apply();
  const pull = await shown(here, 2);
  assert.deepEqual(pull.requested_reviewers.map(({ login }) => login).sort(), ['dana', 'eve']);
  assert.deepEqual(
    pull.requested_teams.map(({ slug }) => slug),
    ['access'],
  );
  assert.deepEqual(
    pull.labels.map(({ name }) => name),
    ['grantgate', 'grantgate: removal'],
  );
  const another = await shown(here, 1);
  assert.match(another.body, /of-night/);
  assert.deepEqual(
    another.requested_reviewers.map(({ login }) => login),
    ['ann'],
    'who answers for the API is asked in the place of a holder alone',
  );
  assert.match(pull.body, /@ann: you lose access by this/);
  assert.doesNotMatch(pull.body, /Nobody could be asked/);
  assert.match(
    pull.body,
    /\[the grant\]\(http:\/\/127\.0\.0\.1:\d+\/acme\/access\/blob\/[0-9a-f]{40}\/grants\/access\/orders\/group-desk\.yaml#L\d+\)/,
  );
  assert.match(pull.body, /grantgate review --as-of 2026-11-23T12:00:00Z/);
  assert.equal(pull.draft, false);
  here.writes();
  await apply();
  assert.deepEqual(here.writes().calls, []);
});

test('a proposal that rests on records with a gap is a draft, and one without is not', async () => {
  const here = await world([ofAnn, busy]);
  const gap = (most: number) =>
    here.here.log(logLines([], { skip: (minute) => minute > 100 && minute < most }));
  await gap(190);
  await here.apply();
  assert.equal((await shown(here, 1)).draft, true);
  const whole = await world([ofAnn, busy]);
  await whole.apply();
  assert.equal((await shown(whole, 1)).draft, false);
});

test('opens nothing outside its schedule but what is urgent', async () => {
  const here = await world(standard, {
    'grants/review.yaml': rules.replace(
      'per_hour: 10',
      'per_hour: 10, schedule: "* 6-11 * * 1-5", timezone: UTC',
    ),
  });
  const { pulls, error } = await here.apply();
  assert.deepEqual(
    pulls.map(({ action }) => action),
    ['opened', 'held', 'held'],
  );
  assert.match(pulls[1]?.reason ?? '', /outside the schedule/);
  assert.equal(error, null);
});

test('the dashboard names what is held back; a ticked box opens it whatever the limits say', async () => {
  const owners = ['group:a', 'group:b', 'group:c'];
  const here = await world(
    owners.map((owner, i) => ({ id: `idle-${i}`, owner, rest: idle })),
    {
      ...withGroups('a', 'b', 'c'),
      'grants/review.yaml': rules.replace('open: 10, per_hour: 10', 'open: 1, per_hour: 1'),
    },
  );
  await here.later();
  const issues = () =>
    call<{ number: number; body: string; state: string; pull_request?: object }[]>(
      here,
      'GET',
      '/issues?labels=grantgate-dashboard&state=all',
    );
  const [board] = await issues();
  assert.ok(board);
  assert.match(
    board.body,
    /- \[ \] <!-- grantgate:ask grantgate\/review\/group-b\/removal --> `grantgate\/review\/group-b\/removal`: `idle-1` – 1 pull requests? /,
  );
  here.writes();
  await here.later();
  assert.deepEqual(here.writes().calls, []);
  await call(here, 'PATCH', `/issues/${board.number}`, {
    body: board.body.replace(
      '- [ ] <!-- grantgate:ask grantgate/review/group-c/removal',
      '- [x] <!-- grantgate:ask grantgate/review/group-c/removal',
    ),
  });
  const { pulls } = await here.later();
  assert.deepEqual(
    pulls.map(({ action, branch }) => `${action} ${branch.slice(17)}`),
    ['unchanged group-a/removal', 'held group-b/removal', 'opened group-c/removal'],
  );
  const [after] = await issues();
  assert.doesNotMatch(after?.body ?? '', /group-c\/removal -->|\[x\]/);
  assert.match(after?.body ?? '', /group-b\/removal -->/);
});

test('pauses when nobody has acted for 90 days, urgent ones excepted, and goes on once somebody has', async () => {
  const here = await world([ofAnn, busy], {
    ...withGroups('other'),
    'grants/review.yaml': rules.replace('brake: 1', 'brake: 1\n  coverage: 0'),
  });
  await here.apply();
  await here.push(
    access([
      ofAnn,
      busy,
      { id: 'other', owner: 'group:other', rest: idle },
      { id: 'of-bob', principal: 'user:bob@example.com' },
    ]),
  );
  here.clock.now = asOfMs + 91 * dayMs;
  const { pulls } = await here.apply({ asOfMs: here.clock.now });
  assert.deepEqual(
    pulls.filter(({ branch }) => /urgent/.test(branch)).map(({ action }) => action),
    ['opened'],
  );
  const held = pulls.filter(({ action }) => action === 'held');
  assert.ok(held.length > 0);
  assert.ok(held.every(({ reason }) => /nobody has acted .* for 90 days/.test(reason ?? '')));
  assert.ok(!pulls.some(({ action, branch }) => action === 'opened' && !/urgent/.test(branch)));
});

test('unanswered for 30 days: kept, handed on or suspended, as no_response says, and once', async () => {
  const rulesWith = (word: string) =>
    rules
      .replace('brake: 1', 'brake: 1\n  coverage: 0')
      .replace('per_hour: 10', `per_hour: 10, no_response: { medium: ${word} }`);
  const late = asOfMs + 31 * dayMs;
  const keeping = await reviewedWorld([ofAnn], { 'grants/review.yaml': rulesWith('keep') });
  const [kept] = (await keeping.later(late)).pulls;
  assert.equal(kept?.action, 'closed');
  assert.match(kept?.reason ?? '', /everything is kept/);
  assert.deepEqual(
    (await keeping.later(late + dayMs)).pulls.map(({ action }) => action),
    ['held'],
  );
  const handing = await reviewedWorld([ofAnn], {
    'grants/review.yaml': rulesWith('escalate'),
    'grants/directory/okta.yaml': named,
  });
  const [handed] = (await handing.later(late)).pulls;
  assert.match(
    handed?.reason ?? '',
    /nobody has merged or closed it for 30 days, so the group desk is asked/,
  );
  const { body } = await shown(handing, 1);
  assert.match(parseBody(body)?.escalated ?? '', /^2026-12-24/);
  handing.writes();
  assert.deepEqual(
    (await handing.later(late + dayMs)).pulls.map(({ action }) => action),
    ['unchanged'],
  );
  assert.deepEqual(handing.writes().calls, []);
});

test('one that somebody opens again says nothing of its end any more, and whoever closes it then has answered', async () => {
  const here = await reviewedWorld([ofAnn, busy]);
  const doneBy = async (review: ReturnType<World['apply']>) =>
    (await review).pulls.map(({ action }) => action).join();
  const again = () => doneBy(here.later());
  const anew = () => doneBy(here.apply());
  const set = (state: 'open' | 'closed') => call(here, 'PATCH', '/pulls/1', { state });
  await set('closed');
  assert.equal(await again(), 'held');
  assert.match((await shown(here, 1)).body, /Closed without a merge: that is remembered/);
  await set('open');
  assert.equal(await again(), 'updated');
  assert.doesNotMatch((await shown(here, 1)).body, /Closed without a merge/);
  here.writes();
  assert.equal(await again(), 'unchanged');
  assert.deepEqual(here.writes().calls, []);
  // Closed by the review, for the cause was gone; then it is there again, and somebody was quicker to open it.
  const exemption = 'exemptions: [{ grant: idle, detector: never-used, reason: r, until: 2027-01-31 }]\n';
  await here.push({ 'grants/review.yaml': `${rules}${exemption}` });
  assert.equal(await anew(), 'closed');
  await here.push({ 'grants/review.yaml': rules });
  await set('open');
  assert.equal(await anew(), 'updated');
  await set('closed');
  assert.equal(await anew(), 'held');
  assert.equal((await shown(here, 1)).state, 'closed');
});
