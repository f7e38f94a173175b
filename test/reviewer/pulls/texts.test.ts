import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import type { Detector, Recommendation } from '../../../bundle/grants/names.ts';
import { code, fenced, prose } from '../../../reviewer/forge/markdown.ts';
import type { Finding, Plan, Seen } from '../../../reviewer/plan/finding.ts';
import { losses } from '../../../reviewer/plan/losses.ts';
import { type DetectorTier, detectorTierNames } from '../../../reviewer/plan/tiers.ts';
import { groupFindings } from '../../../reviewer/pulls/group.ts';
import { type BodyOptions, entriesOf, longestBody, renderBody } from '../../../reviewer/pulls/text/body.ts';
import { branchOf, ownerPart, parseBranch, turnOf } from '../../../reviewer/pulls/text/branch.ts';
import { changedNotice } from '../../../reviewer/pulls/text/changedNotice.ts';
import { endMark } from '../../../reviewer/pulls/text/hiddenMarker.ts';
import { joinBody } from '../../../reviewer/pulls/text/joinBody.ts';
import {
  bodyParts,
  type Entry,
  hidden,
  type Marker,
  parseBody,
} from '../../../reviewer/pulls/text/marker.ts';
import { joinOwn, splitOwn } from '../../../reviewer/pulls/text/sections.ts';
import { parseTitle, renderTitle } from '../../../reviewer/pulls/text/title.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, place } from '../_review.ts';

const test = suite('pull request texts');

const evidence = { granted: '2026-03-01T00:00:00Z' };
const by = (detector: Exclude<Detector, Recommendation>): Seen =>
  detector === 'orphan-disabled' || detector === 'orphan-missing'
    ? { detector, evidence: { ...evidence, account: null } }
    : { detector, evidence };
const finding = (changes: Partial<Omit<Finding, 'detector' | 'evidence'>> = {}, seen?: Seen): Finding => ({
  fingerprint: 'a'.repeat(32),
  grant: 'desk-read',
  principal: 'group:desk',
  api: 'orders',
  action: 'revoke',
  severity: 'medium',
  owner: 'group:desk',
  sentence: 'the group desk has not used it',
  ...by('never-used'),
  change: { file: 'grants/access/orders/desk.yaml', before: '- id: desk-read\n', after: '' },
  ...changes,
  ...seen,
});
const plannedAt = '2026-11-23T12:00:00Z';
const planOf = (findings: readonly Finding[]): Plan => ({
  as_of: '2026-11-23T12:00:00Z',
  revision: 'abc',
  population: { grants: 1, digest: 'sha256:0' },
  evidence: { from: '2026-08-25T12:00:00Z', records: 1, instances: 1, coverage: 1 },
  findings,
  not_evaluable: [],
  exempt: [],
});
async function organisationOf(files: Parameters<typeof access>[0], more = {}) {
  const here = await place({ ...access(files), ...more });
  try {
    const { organisation, problems } = await load(await workingTree(here.root));
    if (organisation === null) throw new Error(problems[0]?.message);
    return organisation;
  } finally {
    await here.remove();
  }
}
const seconds = asOfMs / 1000;

const ownerName = fc.oneof(
  fc.stringMatching(/^user:[A-Za-z0-9][A-Za-z0-9.@+_-]{0,60}$/),
  fc.stringMatching(/^group:[A-Za-z0-9][A-Za-z0-9._-]{0,60}$/),
  fc.constantFrom('user:a..b', 'group:x.lock', 'user:dot.', 'group:a-b', 'user:a.lock.lock.'),
  // What providers issue beyond that.
  fc.constantFrom(
    'group:Domain Admins',
    'group:/staff/eu: all',
    'user:renovate[bot]',
    "user:pat.o'brien@x.example",
  ),
  fc.constantFrom(
    'user:a#EXT#@b',
    'user:jürgen@x.example',
    'user:@{',
    'user:@',
    'group:a=2eb',
    'group:a~^:?*\\`|<b>',
  ),
);
const tier = fc.constantFrom<DetectorTier>(...detectorTierNames);
const risk = fc.constantFrom('high' as const, 'routine' as const);

/** A body as it is written for findings. */
function bodyOf(
  findings: readonly Finding[],
  organisation: BodyOptions['organisation'],
  { owner = 'group:desk', tier: of = 'removal' as DetectorTier, risk: at = 'routine' as const } = {},
) {
  const family = { owner, tier: of, risk: at };
  const plan = planOf(findings);
  const marker: Marker = {
    ...{ version: 2, as_of: plan.as_of, ...family, title: 'A title', commit: 'c'.repeat(40) },
    entries: entriesOf(findings),
  };
  const own = renderBody({ family, findings, plan, organisation, asOf: seconds }, marker);
  return { marker, body: joinBody(marker, own, { above: '', below: '' }) };
}

test("a branch's name is good for Git and reads back to its owner, tier, risk and turn", () => {
  fc.assert(
    fc.property(ownerName, tier, risk, fc.integer({ min: 1, max: 9999 }), (owner, of, at, turn) => {
      const branch = branchOf({ owner, tier: of, risk: at, turn });
      assert.deepEqual(parseBranch(branch), { owner, tier: of, risk: at, turn });
      // git check-ref-format, as far as these characters reach.
      assert.doesNotMatch(branch, /\.\.|\.\/|\/\.|\.lock(?:\/|$)|@\{|[\s~^:?*[\\]/);
    }),
    { seed: 3 },
  );
  assert.equal(
    branchOf({ owner: 'group:billing', tier: 'removal', risk: 'routine', turn: 1 }),
    'grantgate/review/group-billing/removal',
  );
  assert.equal(
    branchOf({ owner: 'group:billing', tier: 'removal', risk: 'high', turn: 2 }),
    'grantgate/review/group-billing/removal-high-2',
  );
  for (const other of [
    'main',
    'grantgate/review/x',
    'grantgate/review/group-a/other',
    'grantgate/review/group-a/removal-0',
    'x/grantgate/review/group-a/removal',
  ])
    assert.equal(parseBranch(other), null);
});

test('a title reads back to what it says, tells kinds and risks apart, and stays short', () => {
  const findings = [finding(), finding({ action: 'suspend' }), finding()];
  const family = { owner: 'group:billing', tier: 'removal', risk: 'routine' } as const;
  assert.equal(
    renderTitle(family, findings),
    'Access review for group:billing: revoke 2, suspend 1 on orders',
  );
  assert.equal(
    renderTitle({ ...family, tier: 'urgent', risk: 'high' }, [finding({ api: 'payments' }), finding()]),
    'Urgent high-risk access review for group:billing: revoke 2 on orders, payments',
  );
  fc.assert(
    fc.property(
      ownerName,
      tier,
      risk,
      fc.array(fc.constantFrom('delete', 'revoke', 'suspend', 'narrow', 'keep', 'extend'), { minLength: 1 }),
      (owner, of, at, actions) => {
        const title = renderTitle(
          { owner, tier: of, risk: at },
          actions.map((action) => ({ action: action as 'delete', api: 'orders' })),
        );
        const counts: Record<string, number> = {};
        for (const action of actions) counts[action] = (counts[action] ?? 0) + 1;
        const kind = of === 'urgent' ? 'Urgent' : of === 'tidying' ? 'Clean-up' : 'Access';
        assert.deepEqual(parseTitle(title), { kind, owner, risk: at, actions: counts, on: ['orders'] });
      },
    ),
  );
  const many = Array.from({ length: 9 }, (_, i) => finding({ api: `api-${i}` }));
  const long = renderTitle({ ...family, owner: `user:${'x'.repeat(250)}` }, many);
  assert.ok(long.length <= 256);
  assert.deepEqual([parseTitle(long)?.actions.revoke, parseTitle(long)?.on], [9, ['9 APIs']]);
  assert.equal(parseTitle('Fix a typo'), null);
});

test('a body reads back to what it was written for, and keeps what people write around it', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const print = fc.stringMatching(/^[0-9a-f]{32}$/);
  const note = fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .map((text) => text.replace(/<!--|\r|\n/g, ' ').trim());
  fc.assert(
    fc.property(
      ownerName,
      tier,
      fc.uniqueArray(print, { minLength: 1, maxLength: 5 }),
      note,
      note,
      (owner, of, prints, above, below) => {
        const findings = prints.map((fingerprint) => finding({ fingerprint }));
        const { marker, body } = bodyOf(findings, organisation, { owner, tier: of });
        assert.deepEqual(parseBody(body), marker);
        assert.deepEqual(parseBody(body.replaceAll('\n', '\r\n')), marker);
        const noted = [above, body, below].join('\n\n');
        assert.deepEqual(parseBody(noted), marker);
        const parts = bodyParts(noted);
        assert.deepEqual([parts.above, parts.below], [above, below]);
        assert.deepEqual(bodyParts(joinBody(marker, parts.own, parts)), parts);
      },
    ),
    { numRuns: 30 },
  );
});

test('a marker that does not stand alone in its line, or is broken, is none', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const { body } = bodyOf([finding()], organisation);
  const good = body.split('\n')[0] ?? '';
  assert.notEqual(parseBody(good), null);
  for (const other of [
    ` ${good}`,
    `> ${good}`,
    `${good} x`,
    good.replace('"version":2', '"version":1'),
    good.replace('a'.repeat(32), 'x'),
    '',
    '<!-- grantgate:review {} -->',
  ])
    assert.equal(parseBody(other), null, other);
  assert.ok(body.trimEnd().endsWith(endMark));
});

test('groups findings by owner, tier and risk, urgent ones first and high ones before the rest', () => {
  const findings = [
    finding({ owner: 'group:b' }),
    finding({ owner: 'group:b', action: 'narrow' }, by('over-privileged')),
    finding({ owner: 'group:a' }, by('expired')),
    finding({ owner: 'group:b' }, by('orphan-disabled')),
    finding({ owner: 'group:b' }, by('dormant')),
    finding({ owner: 'group:b', severity: 'critical' }, by('dormant')),
  ];
  assert.deepEqual(
    groupFindings({ findings }).map(({ owner, tier: of, risk: at, findings: grouped }) => [
      `${owner} ${of} ${at}`,
      grouped.map(({ detector }) => detector),
    ]),
    [
      ['group:b urgent routine', ['orphan-disabled']],
      ['group:b removal high', ['dormant']],
      ['group:b removal routine', ['never-used', 'dormant']],
      ['group:b narrowing routine', ['over-privileged']],
      ['group:a tidying routine', ['expired']],
    ],
  );
});

const hostile = [
  '@someone please look',
  '`@someone` and ``@other``',
  '<img src=x onerror=alert(1)> <script>x</script>',
  '[link](https://evil.example) https://evil.example www.evil.example',
  '#123 owner/repo#1 **bold** | table',
  '--> <!-- grantgate:review {"version":1} -->',
  '```\n# out of the fence\n```',
  'a\r\n\r\n# heading',
  '</summary></details>',
];

test('text from grants stays text: no markup, link, mention or reference comes of it', () => {
  for (const text of hostile)
    for (const rendered of [
      marked.parse(code(text)),
      marked.parse(prose(text)),
      marked.parse(fenced(text, 'yaml')),
    ]) {
      const html = String(rendered);
      assert.doesNotMatch(html, /<(?:img|script|a|h1|strong|table|summary|details)\b/, `${text} → ${html}`);
      // Outside code GitHub looks for mentions in what is rendered.
      const outside = html.replace(/<code[^>]*>[\s\S]*?<\/code>/g, '');
      assert.doesNotMatch(outside, /@\w|:\/\/|www\./, `${text} → ${html}`);
    }
});

test('says who loses what, through groups, and who keeps it through another grant', async () => {
  const organisation = await organisationOf([
    { id: 'desk-read', principal: 'group:desk' },
    { id: 'night-list', principal: 'group:night', rest: 'operations: [list]' },
    { id: 'ann-get', principal: 'user:ann@example.com', rest: 'operations: [get]' },
    { id: 'ann-list', principal: 'user:ann@example.com', rest: 'operations: [list]' },
    {
      id: 'dana-get-office',
      principal: 'user:dana@example.com',
      rest: 'operations: [get]\nconditions: { mfa: true }',
    },
    {
      id: 'dana-get-past',
      principal: 'user:dana@example.com',
      rest: 'operations: [get]\nexpires: 2026-11-01',
    },
    {
      id: 'dana-get-paused',
      principal: 'user:dana@example.com',
      rest: 'operations: [get]\nstate: suspended',
    },
  ]);
  // ann keeps both by grants of her own; bob is suspended; dana, through the group night, keeps list, and get with mfa.
  const revoked = losses([{ kind: 'delete', grant: 'desk-read' }], organisation, seconds);
  assert.deepEqual(revoked.get('desk-read'), {
    operations: ['get', 'list'],
    losing: [],
    restricted: [{ principal: 'user:dana@example.com', operations: ['get'] }],
    keeping: 1,
    idle: null,
  });
  const to = { operations: ['get'] };
  const narrowed = losses([{ kind: 'narrow', grant: 'desk-read', to }], organisation, seconds);
  assert.deepEqual(narrowed.get('desk-read'), {
    operations: ['list'],
    losing: [],
    restricted: [],
    keeping: 2,
    idle: null,
  });
  const past = losses([{ kind: 'delete', grant: 'dana-get-past' }], organisation, seconds);
  assert.equal(past.get('dana-get-past')?.idle, 'expired');
  assert.match(
    bodyOf([finding({ grant: 'dana-get-past' })], organisation).body,
    /Nobody today, for the grant has expired\./,
  );
  const both = [finding(), finding({ fingerprint: 'b'.repeat(32), grant: 'dana-get-office' })];
  assert.match(
    bodyOf([finding()], organisation).body,
    /Nobody loses it altogether\. 1 person keeps it under stricter conditions, less often or for a shorter time: `dana@example.com` \(`get`\)\. 1 other keeps? it all/,
  );
  // What one leaves and the other takes is lost by both together, as the merge will have it.
  const { body } = bodyOf(both, organisation);
  assert.equal(
    body.match(/1 person can no longer do `get`(?:, `list`)?: `dana@example.com`/g)?.length,
    2,
    body,
  );
  assert.match(body, /What the access does\*\*: What orders does: `get` \(`GET \/v1\/things\/\{id\}`\)/);
});

test('names a few of many people and counts the rest', async () => {
  const people = Array.from({ length: 30 }, (_, i) => `p${String(i).padStart(2, '0')}@example.com`);
  const okta = `provider: okta\nsynced: 2026-11-23T03:00:00Z\ncomplete: true\npeople:\n${people.map((login) => `  - { login: ${login}, id: ${login}, status: active }`).join('\n')}\ngroups:\n  - { name: desk, members: [${people.map((login) => `"user:${login}"`).join(', ')}] }\n`;
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }], {
    'grants/directory/okta.yaml': okta,
  });
  const { body } = bodyOf([finding()], organisation);
  assert.match(body, /30 people can no longer do/);
  assert.match(body, /p19@example\.com` and 10 more\./);
  assert.doesNotMatch(body, /p20@/);
});

test('long names are cut, and no two owners share a branch for that', () => {
  for (const unit of ['a', 'ü', '=', '日']) {
    const [one, other] = ['x', 'y'].map((end) => ({
      ...({ owner: `group:${unit.repeat(253)}${end}`, tier: 'certification', risk: 'high' } as const),
    }));
    if (one === undefined || other === undefined) throw new Error();
    const branch = branchOf({ ...one, turn: 9999 });
    // What a ref may have on GitHub, and a file's name anywhere.
    assert.ok(branch.length < 200, branch);
    assert.match(branch, /^grantgate\/review\/group-[a-z0-9=]+==[0-9a-f]{24}\/certification-high-9999$/);
    assert.equal(turnOf(branch, one), 9999);
    assert.equal(turnOf(branch, other), null);
    assert.equal(turnOf(branch, { ...one, risk: 'routine' }), null);
    assert.equal(turnOf('main', one), null);
  }
  // Nobody's own name reads like a cut one.
  assert.match(ownerPart('group:a==0123456789abcdef01234567'), /^group-a=3d=3d/);
});

test('what is decided is said of each grant in its heading, and who loses what by that', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'user:ann@example.com' }]);
  const found = [finding({ principal: 'user:ann@example.com' })];
  const { marker, body } = bodyOf(found, organisation);
  assert.match(body, /^### revoke `desk-read`$/m);
  assert.match(body, /Who loses what\*\*: 1 person can no longer do `get`, `list`: /);
  const said = { by: 'user:dana@example.com', at: plannedAt };
  const after = (decision: Entry['decision'], own = bodyParts(body).own) =>
    joinOwn(
      splitOwn(own.replace('### To decide', '@ann: you lose access by this. Say so.\n\n### To decide')),
      marker.entries.map((entry) => ({ ...entry, decision })),
      { organisation, asOf: seconds },
    );
  const kept = after({ kind: 'keep', ...said, until: '2027-03-31', reason: 'the $& audit' });
  assert.match(kept, /^### keep `desk-read` until 2027-03-31$/m);
  assert.match(kept, /Who loses what\*\*: Nobody: the grant stays as far as it reaches today\./);
  assert.doesNotMatch(kept, /you lose access|can no longer|### revoke/);
  const gone = after({ kind: 'revoke', ...said }, kept);
  assert.match(gone, /^### revoke `desk-read`$/m);
  assert.match(gone, /you lose access by this. Say so\.\n\n### To decide/);
  assert.match(gone, /Who loses what\*\*: 1 person can no longer do `get`, `list`: /);
  const handed = after({ kind: 'reassign', ...said, owner: 'group:night' });
  assert.match(handed, /^### reassign `desk-read` to `group:night`$/m);
  assert.match(handed, /^> \*\*Given to `group:night`\*\* by `dana@example.com`/m);
});

test('decisions and people may make a body longer than GitHub takes: then sections give way', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const findings = Array.from({ length: 100 }, (_, i) =>
    finding({ fingerprint: i.toString(16).padStart(32, '0') }),
  );
  const { marker, body } = bodyOf(findings, organisation);
  const keep = (reason: string): Marker => ({
    ...marker,
    entries: marker.entries.map((entry) => ({
      ...entry,
      decision: { kind: 'keep', by: 'user:dana@example.com', at: plannedAt, until: '2027-03-31', reason },
    })),
  });
  const kept = keep('the audit');
  const own = joinOwn(splitOwn(bodyParts(body).own), kept.entries, { organisation, asOf: asOfMs / 1000 });
  const above = 'Ann writes. '.repeat(800);
  const whole = joinBody(kept, own, { above, below: 'below' });
  assert.ok([...whole].length <= longestBody);
  assert.deepEqual(parseBody(whole)?.entries, kept.entries);
  const parts = bodyParts(whole);
  assert.deepEqual([parts.above, parts.below], [above.trim(), 'below']);
  const shown = splitOwn(parts.own).sections.size;
  assert.ok(shown > 0);
  assert.match(parts.own, new RegExp(`\\*\\*${100 - shown} further findings are left out here[^*]*\\*\\*$`));
  // Said once, however often it is written anew.
  const again = joinBody(kept, parts.own, { above: `${above}${above}`, below: '' });
  assert.equal(again.match(/left out here/g)?.length, 1);
  assert.throws(() => joinBody(keep('r'.repeat(500)), own, { above: '', below: '' }), {
    code: 'edit-failed',
  });
});

test('a body that would be too long leaves sections out, says so, and still reads back', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const findings = Array.from({ length: 100 }, (_, i) =>
    finding({ fingerprint: i.toString(16).padStart(32, '0'), sentence: '😀'.repeat(1000) }),
  );
  const { body } = bodyOf(findings, organisation);
  assert.ok([...body].length <= longestBody);
  assert.match(body, /\d+ further findings are left out here/);
  assert.equal(parseBody(body)?.entries.length, 100);
  assert.match(body, /How to restore it/);
  const alone = bodyOf(findings.slice(0, 1), organisation);
  const above = 'a'.repeat(longestBody - [...alone.body].length + 1);
  const none = joinBody(alone.marker, bodyParts(alone.body).own, { above, below: '' });
  assert.match(none, /1 further finding is left out here/);
});

test('of a description that somebody has changed it is told what nobody has said, what was said, and a memory that is gone', () => {
  const keep = { kind: 'keep', by: 'user:ann', at: 'a', until: '2027-03-31', reason: 'r' } as const;
  const told = (claimed: readonly string[] | null, proven: readonly string[], unnamed: string[] = []) => {
    const held = (ids: readonly string[]) => ids.map((grant) => ({ grant, decision: keep }));
    const asked = { claimed: claimed && held(claimed), proven: held(proven), unnamed };
    return (
      changedNotice('text', asked)?.text.replace(/^.*? here that are as they were written\.\s*/, '') ?? null
    );
  };
  assert.equal(told(['a'], ['a']), null);
  assert.equal(told(null, []), '');
  assert.match(told(['a'], ['b']) ?? '', /^Not carried out.*keep of `a`.*Still in force.*keep of `b`/);
  assert.match(told(['a'], ['a'], ['dana']) ?? '', /^What names no grant was not heard again.*@dana, say/);
});

test('nothing that a marker remembers ends its comment', () => {
  const decision = {
    kind: 'keep',
    by: 'user:ann',
    at: 'a',
    until: 'b',
    reason: '--> @everyone <!-- --',
  } as const;
  const [one] = entriesOf([finding()]);
  const family = { owner: 'group:desk', tier: 'removal', risk: 'routine' } as const;
  const marker: Marker = {
    ...{ version: 2, as_of: 'a', ...family, title: 'x--y', commit: null },
    entries: [{ ...(one ?? assert.fail()), decision }],
  };
  const line = hidden(marker);
  assert.deepEqual([line.indexOf('--', 4), line.length - 3], [line.length - 3, line.length - 3]);
  assert.deepEqual(parseBody(line), marker);
});
