import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { code, fenced, prose } from '../../../reviewer/forge/markdown.ts';
import type { Finding, Plan } from '../../../reviewer/plan/finding.ts';
import { losses } from '../../../reviewer/plan/losses.ts';
import { longestBody, parseBody, renderBody } from '../../../reviewer/pulls/body.ts';
import { branchOf, parseBranch } from '../../../reviewer/pulls/branch.ts';
import { groupFindings } from '../../../reviewer/pulls/group.ts';
import type { DetectorTier } from '../../../reviewer/pulls/tiers.ts';
import { parseTitle, renderTitle } from '../../../reviewer/pulls/title.ts';
import { suite } from '../../_suite.ts';
import { access, asOf, place } from '../_review.ts';

const test = suite('pull request texts');

const finding = (changes: Partial<Finding> = {}): Finding => ({
  fingerprint: 'a'.repeat(32),
  detector: 'never-used',
  grant: 'desk-read',
  principal: 'group:desk',
  api: 'orders',
  action: 'revoke',
  severity: 'medium',
  owner: 'group:desk',
  sentence: 'the group desk has not used it',
  evidence: { granted: '2026-03-01T00:00:00Z' },
  change: { file: 'grants/access/orders/desk.yaml', before: '- id: desk-read\n', after: '' },
  ...changes,
});
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
const seconds = asOf / 1000;

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
const tier = fc.constantFrom<DetectorTier>('urgent', 'removal', 'narrowing', 'certification');

test("a branch's name is good for Git and reads back to its owner and tier", () => {
  fc.assert(
    fc.property(ownerName, tier, (owner, of) => {
      const branch = branchOf({ owner, tier: of });
      assert.deepEqual(parseBranch(branch), { owner, tier: of });
      // git check-ref-format, as far as these characters reach.
      assert.doesNotMatch(branch, /\.\.|\.\/|\/\.|\.lock(?:\/|$)|@\{|[\s~^:?*[\\]/);
    }),
    { seed: 3 },
  );
  assert.equal(
    branchOf({ owner: 'group:billing', tier: 'removal' }),
    'grantgate/review/group-billing/removal',
  );
  for (const other of [
    'main',
    'grantgate/review/x',
    'grantgate/review/group-a/other',
    'x/grantgate/review/group-a/removal',
  ])
    assert.equal(parseBranch(other), null);
});

test('a title reads back to its owner and counts, and stays short', () => {
  const findings = [finding(), finding({ action: 'suspend' }), finding()];
  assert.equal(
    renderTitle('group:billing', findings),
    'Access review for group:billing: revoke 2, suspend 1',
  );
  fc.assert(
    fc.property(
      ownerName,
      fc.array(fc.constantFrom('delete', 'revoke', 'suspend', 'narrow'), { minLength: 1 }),
      (owner, actions) => {
        const title = renderTitle(
          owner,
          actions.map((action) => ({ action: action as 'delete' })),
        );
        const counts: Record<string, number> = {};
        for (const action of actions) counts[action] = (counts[action] ?? 0) + 1;
        assert.deepEqual(parseTitle(title), { owner, actions: counts });
      },
    ),
  );
  const long = renderTitle(`user:${'x'.repeat(250)}`, findings);
  assert.ok(long.length <= 256);
  assert.equal(parseTitle(long)?.actions.revoke, 2);
  assert.equal(parseTitle('Fix a typo'), null);
});

test('a body reads back to the fingerprints it was written for', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const print = fc.stringMatching(/^[0-9a-f]{32}$/);
  fc.assert(
    fc.property(
      ownerName,
      tier,
      fc.uniqueArray(print, { minLength: 1, maxLength: 5 }),
      (owner, of, prints) => {
        const findings = prints.map((fingerprint) => finding({ fingerprint }));
        const group = { owner, tier: of, branch: '', findings };
        const body = renderBody({ group, plan: planOf(findings), organisation, asOf: seconds });
        const read = { version: 1, as_of: '2026-11-23T12:00:00Z', owner, tier: of, fingerprints: prints };
        assert.deepEqual(parseBody(body), read);
        assert.deepEqual(parseBody(body.replaceAll('\n', '\r\n')), read);
      },
    ),
    { numRuns: 30 },
  );
});

test('a marker that stands anywhere but first, or is broken, is none', () => {
  const good = '<!-- grantgate:review {"version":1,"as_of":"x","owner":"o","tier":"t","fingerprints":[]} -->';
  assert.notEqual(parseBody(good), null);
  for (const body of [
    `hello\n${good}`,
    ` ${good}`,
    good.replace('1', '2'),
    good.replace('[]', '["x"]'),
    '',
    '<!-- grantgate:review {} -->',
  ])
    assert.equal(parseBody(body), null, body);
});

test('groups findings by owner and detector tier, urgent ones first', () => {
  const findings = [
    finding({ owner: 'group:b' }),
    finding({ owner: 'group:b', detector: 'over-privileged', action: 'narrow' }),
    finding({ owner: 'group:a', detector: 'expired' }),
    finding({ owner: 'group:b', detector: 'orphan-disabled' }),
    finding({ owner: 'group:b', detector: 'dormant' }),
  ];
  assert.deepEqual(
    groupFindings({ findings }).map(({ branch, findings: grouped }) => [
      branch.slice(17),
      grouped.map(({ detector }) => detector),
    ]),
    [
      ['group-b/urgent', ['orphan-disabled']],
      ['group-a/removal', ['expired']],
      ['group-b/removal', ['never-used', 'dormant']],
      ['group-b/narrowing', ['over-privileged']],
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
  // ann keeps both by grants of her own; bob is suspended; dana, through the group night, keeps only list.
  assert.deepEqual(losses(finding(), organisation, seconds), {
    operations: ['get', 'list'],
    losing: [{ principal: 'user:dana@example.com', operations: ['get'] }],
    keeping: 1,
    idle: false,
  });
  const narrowed = finding({ action: 'narrow', to: { operations: ['get'] } });
  assert.deepEqual(losses(narrowed, organisation, seconds), {
    operations: ['list'],
    losing: [],
    keeping: 2,
    idle: false,
  });
  assert.equal(losses(finding({ grant: 'dana-get-past' }), organisation, seconds).idle, true);
  const group = { owner: 'group:desk', tier: 'removal' as const, branch: '', findings: [finding()] };
  const body = renderBody({ group, plan: planOf([finding()]), organisation, asOf: seconds });
  assert.match(
    body,
    /1 person can no longer do `get`, `list`: `dana@example.com` \(`get`\)\. 1 other keeps? it all/,
  );
  assert.match(body, /What the access does\*\*: `What orders does`: `get` \(`GET \/v1\/things\/\{id\}`\)/);
});

test('names a few of many people and counts the rest', async () => {
  const people = Array.from({ length: 30 }, (_, i) => `p${String(i).padStart(2, '0')}@example.com`);
  const okta = `provider: okta\nsynced: 2026-11-23T03:00:00Z\ncomplete: true\npeople:\n${people.map((login) => `  - { login: ${login}, id: ${login}, status: active }`).join('\n')}\ngroups:\n  - { name: desk, members: [${people.map((login) => `"user:${login}"`).join(', ')}] }\n`;
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }], {
    'grants/directory/okta.yaml': okta,
  });
  const group = { owner: 'group:desk', tier: 'removal' as const, branch: '', findings: [finding()] };
  const body = renderBody({ group, plan: planOf([finding()]), organisation, asOf: seconds });
  assert.match(body, /30 people can no longer do/);
  assert.match(body, /p19@example\.com` and 10 more\./);
  assert.doesNotMatch(body, /p20@/);
});

test('a body that would be too long leaves sections out, says so, and still reads back', async () => {
  const organisation = await organisationOf([{ id: 'desk-read', principal: 'group:desk' }]);
  const findings = Array.from({ length: 100 }, (_, i) =>
    finding({ fingerprint: i.toString(16).padStart(32, '0'), sentence: '😀'.repeat(1000) }),
  );
  const group = { owner: 'group:desk', tier: 'removal' as const, branch: '', findings };
  const body = renderBody({ group, plan: planOf(findings), organisation, asOf: seconds });
  assert.ok([...body].length <= longestBody);
  assert.match(body, /\d+ further grants are left out here/);
  assert.equal(parseBody(body)?.fingerprints.length, 100);
  assert.match(body, /How to restore it/);
});
