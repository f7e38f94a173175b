import * as assert from 'node:assert/strict';
import { marked } from 'marked';
import { diffRevisions } from '../../../bundle/diff/diffRevisions.ts';
import { diffMarkdown } from '../../../reviewer/diff/diffMarkdown.ts';
import { diffText } from '../../../reviewer/diff/diffText.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { runGit, type SampleTree, sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('diff');

let tree: SampleTree;
const commits: Record<string, string> = {};
const billing = sampleFiles['grants/access/orders/billing.yaml'] ?? '';
const directory = sampleFiles['grants/directory/okta.yaml'] ?? '';

test.before(async () => {
  tree = await sampleTree({}, { git: true });
  commits.begin = runGit(tree.root, 'rev-parse', 'HEAD').trim();
  // The group loses reading; ann's own grant to create loses its conditions.
  commits.changed = await tree.commit({
    'grants/access/orders/billing.yaml': billing
      .replace('role: reader ', 'operations: [listOrders] ')
      .replace('  conditions: { networks: [office], mfa: true }\n', ''),
  });
  commits.joined = await tree.commit({
    'grants/directory/okta.yaml': directory.replace(
      'members: ["user:cleo@example.com"]',
      'members: ["user:cleo@example.com", "user:dana@example.com"]',
    ),
  });
  commits.broken = await tree.commit({ 'grants/networks.yaml': 'office: [nowhere]\n' });
});
test.after(() => tree.remove());

const between = (base: string, head: string, more: { mergeBase?: boolean; at?: number | null } = {}) =>
  diffRevisions({
    repository: tree.root,
    base: commits[base] ?? base,
    head: commits[head] ?? head,
    mergeBase: false,
    at: null,
    ...more,
  });

const grantgate = (...args: string[]) =>
  commandLine(['diff', '--root', tree.root, ...args], { cwd: tree.root });

test('tells who loses and who keeps on other terms, through roles and groups', async () => {
  const { changes, grants } = await between('begin', 'changed');
  assert.deepEqual(
    changes.map(({ kind, api, operations, group, members, who }) => [
      kind,
      api,
      operations,
      group,
      members,
      who,
    ]),
    [
      [
        'loses',
        'orders',
        ['getOrder'],
        'group:billing',
        3,
        ['service:invoicer', 'user:ann@example.com', 'user:cleo@example.com'],
      ],
      ['loosened', 'orders', ['createOrder'], null, 0, ['user:ann@example.com']],
    ],
  );
  assert.deepEqual(
    grants.map(({ grant, what }) => [grant, what]),
    [
      ['orders-ann-edit', ['conditions']],
      ['orders-billing-read', ['operations']],
    ],
  );
});

test('the other way round what was lost is gained; between a revision and itself there is nothing', async () => {
  const { changes } = await between('changed', 'begin');
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['gains', 'tightened'],
  );
  const same = await between('begin', 'begin');
  assert.deepEqual(same.changes, []);
  assert.match(diffText(same), /: Nobody gains or loses access\.\n$/);
});

test('who joins a group through another gains what that gives, where it is not held already', async () => {
  const { changes } = await between('changed', 'joined');
  assert.deepEqual(
    changes.map(({ kind, api, operations, who, group, members }) => [
      kind,
      api,
      operations,
      who,
      group,
      members,
    ]),
    [
      ['gains', 'orders', ['listOrders'], ['user:dana@example.com'], 'group:billing', 4],
      ['gains', 'payments', ['createPayment'], ['user:dana@example.com'], 'group:billing', 4],
    ],
  );
});

test('what has expired at an instant is neither lost nor gained', async () => {
  const after = Date.parse('2027-03-01T00:00:00Z') / 1000;
  const kinds = async (at: number) =>
    (await between('begin', 'changed', { at })).changes.map(({ kind }) => kind);
  assert.deepEqual(await kinds(after - 1), ['loses', 'loosened']);
  assert.deepEqual(await kinds(after), ['loosened']);
});

test('compares with the branching point when asked, so that what main did meanwhile is not told', async () => {
  runGit(tree.root, 'checkout', '--quiet', '-b', 'topic', commits.begin ?? '');
  commits.topic = await tree.commit({ 'README.md': 'nothing\n' });
  runGit(tree.root, 'checkout', '--quiet', 'main');
  assert.equal((await between('changed', 'topic')).changes.length, 2);
  const { base, changes } = await between('changed', 'topic', { mergeBase: true });
  assert.deepEqual([base, changes], [commits.begin, []]);
});

test('text and Markdown say it in words, and nothing of it is a mention or breaks the table', async () => {
  const diff = await between('begin', 'changed');
  assert.equal(
    diffText(diff),
    `${commits.begin?.slice(0, 12)}..${commits.changed?.slice(0, 12)}: 2 people and 1 service lose access; 1 person keeps access on other terms.
  group:billing (2 people and 1 service) loses getOrder of orders (orders-billing-read)
  user:ann@example.com keeps, under looser conditions, createOrder of orders (orders-ann-edit)
      from office, with a second factor → anywhere, without a second factor
`,
  );
  const html = await marked(diffMarkdown(diff));
  assert.equal([...html.matchAll(/<tr>/g)].length, 3);
  assert.match(html, /<td>group:billing \(2 people and 1 service\)<\/td>/);
  assert.match(html, /<code>orders-billing-read<\/code>/);
  assert.doesNotMatch(diffMarkdown(diff), /\w@example/);
});

test('Markdown ends a long table with how many rows are left, and JSON has them all', async () => {
  const diff = await between('begin', 'changed');
  const [row] = diff.changes;
  assert.ok(row);
  const many = { ...diff, changes: Array.from({ length: 60 }, () => row) };
  const text = diffMarkdown(many);
  assert.equal([...text.matchAll(/^\| .*getOrder/gm)].length, 50);
  assert.match(text, /… and 10 more rows/);
  assert.ok(text.length < 65_536);
});

test('the rules and what grants refer to are told beside it', async () => {
  const rules =
    'package grantgate.authz\n\ndefault decision := {"allow": false, "grants": [], "reason": "x"}\n';
  runGit(tree.root, 'checkout', '--quiet', '-b', 'rules', commits.begin ?? '');
  const head = await tree.commit({
    'policies/authz/decision.rego': rules,
    'grants/networks.yaml': 'office: [192.0.2.0/24]\nvpn: [198.51.100.0/24]\n',
  });
  const told = await tree.commit({
    'grants/apis/orders.yaml': `${sampleFiles['grants/apis/orders.yaml']}\nfacts: { risk: { header: x-risk, from: caller } }\n`,
  });
  runGit(tree.root, 'checkout', '--quiet', 'main');
  assert.match(
    diffText(await between(head, told)),
    /: By grants nobody gains or loses access\.\nAlso:\n {2}policies are told the fact risk of orders: .*"from":"caller"/,
  );
  const diff = await between('begin', head);
  assert.deepEqual([diff.policiesChanged, diff.ownPolicies, diff.changes], [true, true, []]);
  assert.equal((await between(head, 'begin')).ownPolicies, false);
  assert.match(diffText(diff), /: By grants nobody gains or loses access\.\n/);
  assert.match(diffText(diff), /policies\/authz changed/);
  assert.match(diffText(diff), /network office was 192\.0\.2\.0\/25, 2001:db8:10::\/48, is 192\.0\.2\.0\/24/);
});

test('the command ends with 0 with or without differences, and prints the same twice', async () => {
  const { begin = '', changed = '' } = commits;
  const [first, second, same] = await Promise.all([
    started(['diff', '--root', tree.root, begin, changed, '--json'], { cwd: tree.root }),
    grantgate(begin, changed, '--format', 'json'),
    grantgate(begin, begin),
  ]);
  assert.deepEqual([first.code, same.code], [0, 0], first.stderr + same.stderr);
  assert.equal(first.stdout, second.stdout);
  const json = JSON.parse(first.stdout);
  assert.deepEqual([json.base, json.head, json.policies_changed], [begin, changed, false]);
  assert.equal(json.changes[0].who.length, 3);
  assert.deepEqual(json.changes[1].terms.before, [
    { networks: ['office'], mfa: true, rate: '60/min', expires: null },
  ]);
  assert.match(
    (await grantgate(begin, changed, '--format', 'markdown')).stdout,
    /^\*\*2 people and 1 service/,
  );
});

test('the command refuses unknown revisions and options with 2, and invalid grants with 1 and the commit', async () => {
  const { begin = '', broken = '' } = commits;
  for (const [args, said] of [
    [[begin, 'nowhere'], /no commit "nowhere"/],
    [['--', '--output=x', begin], /is not a revision/],
    [[begin, begin, '--at', 'soon'], /--at/],
    [[begin, begin, '--format', 'html'], /Allowed choices/],
    [[begin], /missing required argument/],
  ] as const) {
    const { code, stderr } = await grantgate(...args);
    assert.deepEqual([code, said.test(stderr)], [2, true], stderr);
  }
  const invalid = await grantgate(begin, broken);
  assert.equal(invalid.code, 1);
  assert.match(invalid.stderr, new RegExp(`${broken.slice(0, 12)}: grants/ has \\d+ problem`));
  assert.match(invalid.stderr, /grants\/networks\.yaml:1:/);
});
