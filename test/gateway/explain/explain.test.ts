import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { assemble } from '../../../bundle/assemble.ts';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { createPrepare } from '../../../gateway/decision/prepare.ts';
import { explain } from '../../../gateway/explain/explain.ts';
import { explainRepository } from '../../../gateway/explain/explainRepository.ts';
import type { Explanation } from '../../../gateway/explain/explanation.ts';
import { openSnapshot } from '../../../gateway/revision/snapshot.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { runGit, type SampleTree, sampleFiles, sampleTree } from '../../bundle/_organisation.ts';
import { startWorld } from '../_gateway.ts';

const test = suite('explain');
const now = Date.parse('2026-11-23T10:00:00Z');
const billing = sampleFiles['grants/access/orders/billing.yaml'] ?? '';
const commerce = sampleFiles['grants/access/orders/commerce.yaml'] ?? '';

/** Commits what lies there, at a time of its own: those of the sample are all of one second. */
function commitAt(root: string, date: string, message: string): string {
  const author = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com'];
  const env = { PATH: process.env.PATH, HOME: root, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  execFileSync('git', [...author, 'commit', '--quiet', '--all', '--message', message], { cwd: root, env });
  return runGit(root, 'rev-parse', 'HEAD').trim();
}

let tree: SampleTree;
const commits: Record<string, string> = {};
test.before(async () => {
  // As a forge leaves it behind: one grant by a merged pull request, one by a squashed one, one changed later by hand.
  const { 'grants/access/orders/billing.yaml': _, ...begin } = sampleFiles;
  tree = await sampleTree(
    { ...begin, 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null },
    { git: true },
  );
  runGit(tree.root, 'switch', '--quiet', '--create', 'billing');
  commits.added = await tree.commit(
    { 'grants/access/orders/billing.yaml': billing },
    'grants: billing reads orders',
  );
  runGit(tree.root, 'switch', '--quiet', 'main');
  await tree.commit({
    'grants/networks.yaml': `${sampleFiles['grants/networks.yaml']}lab: [203.0.113.0/28]\n`,
  });
  runGit(
    tree.root,
    'merge',
    '--quiet',
    '--no-ff',
    '-m',
    'Merge pull request #12 from shop/billing',
    'billing',
  );
  const said = commerce.replace('Writes invoices', 'Writes all invoices');
  await tree.write({ 'grants/access/orders/commerce.yaml': said });
  commits.squashed = commitAt(tree.root, '2026-11-24T08:00:00Z', 'grants: say it better (#15)');
});
test.after(() => tree.remove());

const ask = (question: object) =>
  explainRepository(
    { root: tree.root, api: 'orders', ...question } as Parameters<typeof explainRepository>[0],
    {
      nowMs: now,
    },
  );
const ann = { subject: 'user:ann@example.com' };
const grantOf = ({ grants }: Explanation, id: string) => grants.find((grant) => grant.id === id);

test('an allow names the grant, its file and line, and the pull request that merged it', async () => {
  const { explanation, text } = await ask({ ...ann, operation: 'getOrder' });
  assert.equal(explanation.allowed, true);
  assert.equal(explanation.ask, null);
  const grant = grantOf(explanation, 'orders-billing-read');
  assert.equal(grant?.holds, true);
  assert.equal(grant?.principal, 'group:billing');
  assert.deepEqual(grant?.origin, {
    file: 'grants/access/orders/billing.yaml',
    line: 1,
    role: 'reader',
    reason: 'Nightly invoice reconciliation',
    owner: 'group:billing',
    added: {
      commit: commits.added,
      author: 'Ann <ann@example.com>',
      at: '2026-11-23T10:00:00Z',
      subject: 'grants: billing reads orders',
      pull_request: 12,
    },
    changed: null,
  });
  assert.match(
    text,
    /^ALLOWED: user:ann@example\.com may call getOrder of orders\.\nGET \/orders\/v1\/orders\/\{orderId\}, at /,
  );
  assert.match(
    text,
    /\n {2}\+ orders-billing-read \(through group:billing\) holds until 2027-03-01T00:00:00Z\n/,
  );
  assert.match(
    text,
    / by Ann <ann@example\.com> in [0-9a-f]{12}, pull request #12: grants: billing reads orders\n/,
  );
  // The other one is considered too, and says what it lacks.
  assert.equal(grantOf(explanation, 'orders-ann-edit')?.sentence, 'covers createOrder, not getOrder');
  assert.equal(grantOf(explanation, 'orders-ann-edit')?.origin?.line, 11);
});

test('a denial names the role to ask for and who owns the API', async () => {
  const { explanation, text } = await ask({ subject: 'user:cleo@example.com', operation: 'createOrder' });
  assert.equal(explanation.allowed, false);
  assert.equal(explanation.reason, 'operation-not-covered');
  assert.deepEqual(explanation.ask, {
    sentence: 'Ask group:commerce, who own orders, for the role editor.',
    of: 'group:commerce',
    role: 'editor',
    grant: null,
  });
  assert.match(
    text,
    /^DENIED \(operation-not-covered\): user:cleo@example\.com may not call createOrder of orders\./,
  );
  assert.ok(text.endsWith('Ask group:commerce, who own orders, for the role editor.'));
});

test('conditions, suspension and time are told apart, each with what helps', async () => {
  const create = { ...ann, operation: 'createOrder' };
  assert.equal((await ask({ ...create, networks: ['office'], mfa: true })).explanation.allowed, true);
  const outside = (await ask({ ...create, networks: ['vpn'] })).explanation;
  assert.equal(outside.reason, 'condition-not-met');
  assert.equal(
    grantOf(outside, 'orders-ann-edit')?.sentence,
    'asks for a sign-in with a second factor and a call from office',
  );
  assert.equal(outside.ask?.grant, 'orders-ann-edit');

  const suspended = (await ask({ subject: 'user:dana@example.com', operation: 'getOrder' })).explanation;
  assert.equal(suspended.reason, 'suspended');
  assert.equal(suspended.ask?.sentence, 'Ask group:commerce to resume orders-commerce-edit.');

  const last = { ...ann, operation: 'getOrder' };
  assert.equal((await ask({ ...last, at: '2027-02-28T23:59:59Z' })).explanation.allowed, true);
  const over = (await ask({ ...last, at: '2027-03-01T00:00:00Z' })).explanation;
  assert.equal(over.reason, 'expired');
  assert.equal(over.ask?.sentence, 'Ask group:billing to renew orders-billing-read.');
  assert.equal(grantOf(over, 'orders-billing-read')?.sentence, 'ended 2027-03-01T00:00:00Z');
  assert.equal(grantOf(over, 'orders-billing-read')?.origin?.added?.pull_request, 12);
});

test('a grant that lacks several things says all of them, and so does what helps', async () => {
  const over = billing.replace('limits: { rate: 60/min }', 'expires: 2026-10-31\n  state: suspended');
  await tree.write({ 'grants/access/orders/billing.yaml': over });
  try {
    const create = { ...ann, operation: 'createOrder' };
    const { grants, reason, ask: advice } = (await ask({ ...create, mfa: true })).explanation;
    assert.equal(reason, 'expired');
    const [edit] = grants.filter(({ id }) => id === 'orders-ann-edit');
    assert.equal(
      edit?.sentence,
      'ended 2026-11-01T00:00:00Z, and is suspended, and asks for a call from office',
    );
    assert.equal(
      advice?.sentence,
      'Ask user:dana@example.com to renew orders-ann-edit, which besides is suspended and asks for a call from office.',
    );
    const inTime = (await ask({ ...create, networks: ['office'], at: '2026-10-31T12:00:00Z' })).explanation;
    assert.match(inTime.ask?.sentence ?? '', /to resume orders-ann-edit, which besides asks for a sign-in/);
    assert.deepEqual(grantOf(inTime, 'orders-billing-read')?.also, [], 'another operation is another matter');
  } finally {
    await tree.write({ 'grants/access/orders/billing.yaml': billing });
  }
});

test('whoever is unknown or not active is told so first', async () => {
  const eve = (await ask({ subject: 'user:eve@example.com', operation: 'getOrder' })).explanation;
  assert.equal(eve.reason, 'principal-unknown');
  assert.match(eve.ask?.sentence ?? '', /No directory knows user:eve@example\.com/);
  const { explanation: bob } = await ask({ subject: 'user:bob@example.com', operation: 'getOrder' });
  assert.equal(bob.reason, 'principal-inactive');
  assert.match(grantOf(bob, 'orders-commerce-edit')?.sentence ?? '', /account is not active/);
  assert.match(
    bob.ask?.sentence ?? '',
    /^The account of user:bob@\S+ is suspended in grants\/directory\/okta\.yaml:\d+; its directory/,
  );
});

test('a request is matched as the gateway would, as callers write it or as the API declares it', async () => {
  for (const [method, path, operation] of [
    ['GET', '/orders/v1/orders/7', 'getOrder'],
    ['GET', '/v1/orders/7?expand=lines', 'getOrder'],
    ['HEAD', '/orders/v1/orders', 'listOrders'],
    ['post', '/orders/v1/orders', 'createOrder'],
  ] as const)
    assert.equal((await ask({ ...ann, method, path })).explanation.operation?.operation, operation, path);
  const host = await ask({ ...ann, api: 'payments', method: 'POST', path: '/payments' });
  assert.equal(host.explanation.allowed, true);
  assert.equal(host.explanation.operation?.address, 'payments.example.com/payments');
  const { explanation, text } = await ask({ ...ann, method: 'DELETE', path: '/orders/v1/orders/7' });
  assert.equal(explanation.reason, 'no-such-operation');
  assert.match(text, /orders declares .*getOrder \(GET \/orders\/v1\/orders\/\{orderId\}\)/);
});

test('a squashed pull request is found in the subject, and a later change beside the first', async () => {
  const invoicer = { subject: 'service:invoicer', operation: 'listOrders' };
  const origin = grantOf((await ask(invoicer)).explanation, 'orders-invoicer-read')?.origin;
  assert.equal(origin?.added?.subject, 'grants: begin');
  assert.equal(origin?.added?.pull_request, null);
  assert.deepEqual(origin?.changed, {
    commit: commits.squashed,
    author: 'Ann <ann@example.com>',
    at: '2026-11-24T08:00:00Z',
    subject: 'grants: say it better (#15)',
    pull_request: 15,
  });
  runGit(tree.root, 'switch', '--quiet', '--create', 'later');
  const moved = commerce
    .replace('- id: orders-invoicer-read', '- id: orders-invoicer-list')
    .replace('Writes invoices', 'Writes');
  const commit = await tree.commit({ 'grants/access/orders/commerce.yaml': moved }, 'grants: a list (#16)');
  const after = grantOf((await ask(invoicer)).explanation, 'orders-invoicer-list')?.origin;
  assert.deepEqual([after?.added?.commit, after?.added?.pull_request], [commit, 16]);
  runGit(tree.root, 'switch', '--quiet', 'main');
});

test('what is not committed yet is explained as it lies on disk, a revision as it was', async () => {
  const granted = billing.replace('operations: [createOrder]', 'operations: [createOrder, listOrders]');
  await tree.write({ 'grants/access/orders/billing.yaml': `${granted}# \u001b[31mred\n` });
  try {
    const disk = (await ask({ ...ann, operation: 'listOrders' })).explanation;
    assert.ok(grantOf(disk, 'orders-ann-edit')?.operations.includes('listOrders'));
    assert.equal(disk.revision, null);
    const then = (await ask({ ...ann, operation: 'listOrders', revision: 'HEAD' })).explanation;
    assert.deepEqual(grantOf(then, 'orders-ann-edit')?.operations, ['createOrder']);
    assert.match(then.revision ?? '', /^[0-9a-f]{40}$/);
    const first = ask({ ...ann, operation: 'listOrders', revision: 'HEAD~3' });
    assert.equal((await first).explanation.reason, 'no-grant');
  } finally {
    await tree.write({ 'grants/access/orders/billing.yaml': billing });
  }
});

test('outside of Git everything but the history is told', async () => {
  const plain = await sampleTree();
  try {
    const { explanation } = await explainRepository(
      { root: plain.root, api: 'orders', ...ann, operation: 'getOrder' },
      { nowMs: now },
    );
    const origin = grantOf(explanation, 'orders-billing-read')?.origin;
    assert.deepEqual([origin?.line, origin?.added], [1, null]);
  } finally {
    await plain.remove();
  }
});

test("a repository's own policy is what answers", async () => {
  const own = await sampleTree({
    'policies/authz/decision.rego':
      'package grantgate.authz\n\nimport rego.v1\n\ndefault decision := {"allow": false, "grants": [], "reason": "closed-today"}\n',
  });
  try {
    const { explanation } = await explainRepository(
      { root: own.root, api: 'orders', ...ann, operation: 'getOrder' },
      { nowMs: now },
    );
    assert.equal(explanation.reason, 'closed-today');
    assert.equal(grantOf(explanation, 'orders-billing-read')?.sentence, 'does not hold: closed-today');
    assert.equal(explanation.ask?.role, 'reader');
  } finally {
    await own.remove();
  }
});

test('what people wrote into commits does not reach the terminal as commands', async () => {
  const odd = await sampleTree({}, { git: true });
  try {
    await odd.commit({ 'grants/access/orders/billing.yaml': `${billing}\n` }, 'x');
    const renamed = billing
      .replace('Nightly', 'Nightly "\\e[2J"')
      .replace('reason: Nightly "\\e[2J"', 'reason: "Nightly \\e[2J');
    await odd.commit(
      { 'grants/access/orders/billing.yaml': renamed.replace('reconciliation', 'reconciliation"') },
      'a \u001b[2J b',
    );
    const { text } = await explainRepository(
      { root: odd.root, api: 'orders', ...ann, operation: 'getOrder' },
      { nowMs: now },
    );
    assert.match(text, /Nightly \?\[2J/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    assert.doesNotMatch(text, /\u001b/);
  } finally {
    await odd.remove();
  }
});

const wrong: [string, object, RegExp][] = [
  [
    'an API that is not there',
    { ...ann, api: 'nowhere', operation: 'x' },
    /no API "nowhere"; there are orders, payments/,
  ],
  [
    'a group',
    { subject: 'group:billing', operation: 'getOrder' },
    /"subject": must be user:LOGIN or service:NAME/,
  ],
  ['neither operation nor path', ann, /name either the operation, or the method and the path/],
  ['operation and path', { ...ann, operation: 'getOrder', path: '/v1/orders' }, /name either/],
  ['a method without a path', { ...ann, operation: 'getOrder', method: 'GET' }, /name either/],
  [
    'an unknown network',
    { ...ann, operation: 'getOrder', networks: ['moon'] },
    /no network "moon"; there are lab, office, vpn/,
  ],
  ['a time that is none', { ...ann, operation: 'getOrder', at: 'soon' }, /"at": must be an instant/],
  ['a path in two readings', { ...ann, path: '/orders/../x' }, /400 path-ambiguous/],
  ['a method nobody serves', { ...ann, method: 'TRACE', path: '/v1/orders' }, /405 method-not-allowed/],
  ['an unknown word', { ...ann, operation: 'getOrder', who: 1 }, /who/],
];
for (const [what, question, message] of wrong) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(ask(question), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'usage');
      assert.match(error.message, message);
      return true;
    });
  });
}

test('a bundle without its repository still tells every grant, and whom to ask', async () => {
  const bundle = await assemble({ tree: await gitTree(tree.root, 'main'), opa: await findOpa() });
  const snapshot = openSnapshot(createPrepare()(bundle), 0);
  const circumstances = { networks: [], mfa: false, time: now / 1000 };
  const call = { operation: 'createOrder' };
  const asked = { subject: 'user:cleo@example.com', api: 'orders', call, ...circumstances };
  const explanation = await explain(snapshot, asked, null);
  assert.equal(explanation.revision, bundle.revision);
  assert.equal(grantOf(explanation, 'orders-billing-read')?.origin, null);
  assert.equal(
    explanation.ask?.sentence,
    'Ask group:commerce, who own orders, for the operation createOrder.',
  );
});

test('the gateway explains what it decides, to its operators only', async () => {
  const world = await startWorld();
  const post = (body: unknown, headers = {}) =>
    fetch(`${world.gateway.admin}/explain`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  try {
    for (const [as, operation, method, path] of [
      ['ann@example.com', 'getOrder', 'GET', '/orders/v1/orders/7'],
      ['ann@example.com', 'createOrder', 'POST', '/orders/v1/orders'],
      ['bob@example.com', 'listOrders', 'GET', '/orders/v1/orders'],
      ['cleo@example.com', 'createOrder', 'POST', '/orders/v1/orders'],
      ['dana@example.com', 'getOrder', 'GET', '/orders/v1/orders/7'],
      ['eve@example.com', 'listOrders', 'GET', '/orders/v1/orders'],
    ] as const) {
      const answered = await world.get(path, { as, method });
      const record = (await world.records()).at(-1);
      const question = { subject: `user:${as}`, api: 'orders', networks: ['office'], mfa: true };
      // Both ways lead to one operation, whoever asks.
      for (const call of as === 'ann@example.com' ? [{ operation }, { method, path }] : [{ operation }]) {
        const response = await post({ ...question, ...call });
        assert.equal(response.status, 200);
        const explanation = (await response.json()) as Explanation & { words: string };
        assert.deepEqual(explanation.input, record?.input);
        assert.equal(explanation.allowed, answered.status === 200);
        assert.equal(explanation.reason, record?.result.reason);
        const holding = explanation.grants.filter(({ holds }) => holds).map(({ id }) => id);
        assert.deepEqual(holding, record?.result.grants);
        assert.match(explanation.words, answered.status === 200 ? /^ALLOWED/ : /^DENIED/);
        const decider = explanation.grants.find(({ reason }) => reason === explanation.reason);
        if (decider) assert.match(decider.origin?.added?.commit ?? '', /^[0-9a-f]{40}$/);
      }
      // The caller learns the code and where the record is, and nothing of all this.
      if (answered.status === 403)
        assert.deepEqual(Object.keys((await answered.json()) as object).sort(), [
          'code',
          'decision_id',
          'detail',
          'status',
          'title',
          'type',
        ]);
    }
    const records = (await world.records()).length;
    for (const body of ['{', '[]', {}, { subject: 'user:ann@example.com', api: 'nowhere', operation: 'x' }]) {
      const response = await post(body);
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as { code: string }).code, 'question-malformed');
    }
    const question = { ...ann, api: 'orders', operation: 'getOrder' };
    assert.equal((await post(question, { origin: 'https://elsewhere.example' })).status, 403);
    assert.equal((await fetch(`${world.gateway.url}/explain`, { method: 'POST' })).status, 404);
    assert.equal((await world.records()).length, records);
  } finally {
    await world.close();
  }
});

test('the command prints it, as JSON too, and ends with 2 when called wrongly', async () => {
  const asked = (...args: string[]) => ['explain', '--root', tree.root, '--api', 'orders', ...args];
  const run = (...args: string[]) => commandLine(asked(...args), { cwd: tree.root });
  const who = ['--subject', 'user:ann@example.com', '--at', '2026-11-23T10:00:00Z'];
  const request = ['--method', 'POST', '--path', '/orders/v1/orders', '--mfa', '--networks', 'office', 'vpn'];
  const said = await started(asked(...who, ...request), { cwd: tree.root });
  assert.deepEqual(
    [said.code, said.stdout.split('\n')[0]],
    [0, 'ALLOWED: user:ann@example.com may call createOrder of orders.'],
    said.stderr,
  );
  const json = await run(...who, '--operation', 'createOrder', '--json');
  assert.equal(json.code, 0);
  assert.equal((JSON.parse(json.stdout) as Explanation).reason, 'condition-not-met');
  const wrongly = await run(...who);
  assert.equal(wrongly.code, 2);
  assert.match(wrongly.stderr, /^grantgate: name either the operation/);
});
