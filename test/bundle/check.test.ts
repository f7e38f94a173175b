import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { check } from '../../bundle/check.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { suite } from '../_suite.ts';
import { type Files, runGit, type SampleTree, sampleFiles, sampleTree } from './_organisation.ts';

const test = suite('check');
const payments = 'grants/access/payments/billing.yaml';
let sample: SampleTree;
const begin = async (files: Files, git = false) => {
  sample = await sampleTree(files, { git });
};
test.after.each(() => sample.remove());
const told = async (options?: Parameters<typeof check>[1]) =>
  (await check(sample.root, options)).problems.map(formatProblem);

test('counts what there is when all is well', async () => {
  await begin({});
  const { problems, summary } = await check(sample.root);
  assert.equal(problems, []);
  assert.equal(summary, { apis: 2, operations: 5, grants: 5, people: 4, groups: 3, services: 2 });
});

test('needs no opa where the repository brings no policies', async () => {
  await begin({});
  assert.equal(await told({ env: { OPA_PATH: '/nowhere' } }), []);
});

test('tells of an id used before, from history and from files not yet committed', async () => {
  await begin({}, true);
  await sample.commit({ [payments]: null });
  await sample.write({
    [payments]: String(sampleFiles[payments]).replace('group:billing', 'group:commerce'),
  });
  assert.match(
    String((await told())[0]),
    /^grants\/access\/payments\/billing.yaml:1:3: the grant id "payments-billing-pay" was used before/,
  );
  await sample.write({ [payments]: String(sampleFiles[payments]) });
  assert.equal(await told(), []);
});

const policy = (body: string) => ({ 'policies/authz/own.rego': `package grantgate.authz\n\n${body}\n` });

test('checks the policies of the repository strictly, beside its grants', async () => {
  await begin({
    ...policy('decision := {"allow": x}'),
    'grants/networks.yaml': 'office: no\nvpn: [198.51.100.0/24]\n',
  });
  assert.equal(await told(), [
    'grants/networks.yaml:1:9: "office" must be a list, got "no"',
    'policies/authz/own.rego:3:23: var x is unsafe (opa check --strict)',
  ]);
});

test('refuses a built-in that the runtime lacks, but not in a test of the policy', async () => {
  await begin(policy('decision := http.send({"method": "GET", "url": "http://x"})'));
  assert.match(String((await told())[0]), 'undefined function http.send');
  await sample.write({
    ...policy('decision := {"allow": false}'),
    'policies/authz/own_test.rego':
      'package grantgate.authz_test\n\nimport data.grantgate.authz\n\ntest_denies if {\n\tauthz.decision.allow == false\n\ttime.now_ns() > 0\n}\n',
  });
  assert.equal(await told(), []);
});

test('refuses grants that restrict path parameters beside a policy that knows nothing of such', async () => {
  const file = 'grants/access/orders/billing.yaml';
  const restricted = String(sampleFiles[file]).replace(
    'operations: [createOrder]',
    'operations: [getOrder]\n  params: { orderId: ["7"] }',
  );
  await begin({ [file]: restricted, ...policy('decision := {"allow": false} # params') });
  assert.match(String(await told()), /^policies\/authz:1:1: grants restrict path parameters/);
  await sample.write(policy('decision := {"allow": input.params == {}}'));
  assert.not.match(String(await told()), /grants restrict/);
});

test('a fact that no API names, or compares with what it never is, is found by its line', async () => {
  const api = 'grants/apis/orders.yaml';
  const facts =
    'facts: { country: { header: x-geo-country, from: trusted_proxies }, risk: { claim: risk, type: number } }\n';
  const rules = (...bodies: string[]) =>
    policy(
      ['default decision := {"allow": false, "grants": [], "reason": "no"}']
        .concat(bodies.map((body, at) => `a${at} if ${body}`))
        .join('\n'),
    );
  const whole = ['input.facts == {}', 'some x in input.facts', 'input.facts[input.method]'];
  await begin({ [api]: String(sampleFiles[api]) + facts, ...rules(...whole) });
  const found = await told();
  whole.forEach((_, at) => {
    assert.match(
      String(found[at]),
      new RegExp(`own.rego:${at + 4}:.* a${at}: a fact must be read by a name`),
    );
  });
  await sample.write(rules('input.facts.contry == "DE"', 'input.facts.risk == "high"'));
  assert.match(
    (await told()).join('\n'),
    /own\.rego:4:\d+: undefined ref: input\.facts\.contry.*country, risk.*\n.*own\.rego:5:\d+: .*never equal/,
  );
  await sample.write(rules('object.get(input.facts, "contry", "") == "DE"'));
  assert.match(
    String(await told()),
    /own\.rego:4:\d+: a0: no API names a fact contry \(did you mean "country"\?\), expected one of country, risk/,
  );
  await sample.write(rules('object.get(input.facts, "risk", 0) > 3', 'input.facts.country in {"DE", "FR"}'));
  assert.equal(await told(), []);
});

test('refuses policies that would not build', async () => {
  await begin(policy('other := 1'));
  assert.match(String((await told())[0]), /^policies\/authz:1:1: opa build refuses the policies/);
});

test('types below the first level are checked, and what may be left out or is spelt out is not', async () => {
  const decision = 'default decision := {"allow": false, "grants": [], "reason": "no"}\n\n';
  const mine = 'some g in data.grants[input.api][input.subject]';
  const wrong = [
    `a if { ${mine}; g.expires == "soon" }`,
    `b if { ${mine}; g.expirs < input.time }`,
    `c if { ${mine}; g.conditions.mfa == "yes" }`,
    'd if data.principals[input.subject].activ',
    'e if data.apis[input.api].owner == 7',
    'f if data.apis[input.api].roles.editor == "createOrder"',
    'g if input.mfa == "true"',
    'h if input.time > "2026-01-01"',
    'i if { some group in input.groups; group < 5 }',
  ];
  await begin(policy(`${decision}${wrong.join('\n')}`));
  const shown = await told();
  const plain = (lines: readonly string[]) =>
    lines.map((line) =>
      line.replace(/^policies\/authz\/own.rego:(\d+):\d+: /, '$1 ').replace(' (opa check --schema)', ''),
    );
  const byKind = 'invalid argument(s): number and string are ordered by their kinds, whatever they are';
  assert.equal(
    plain(shown).sort(),
    [
      '5 match error: number and string are never equal',
      '6 undefined ref: g.expirs, expected conditions, expires, id, operations, rate, state',
      '7 match error: boolean and string are never equal',
      '8 undefined ref: data.principals[input.subject].activ, expected active, groups',
      '9 match error: string and number are never equal',
      '11 match error: boolean and string are never equal',
      `12 gt: ${byKind}`,
      `13 lt: ${byKind.replace('number and string', 'string and number')}`,
    ].sort(),
  );
  // Texts may be ordered, and hide nothing else.
  await sample.write(policy(`${decision}a if { input.method > "A"; input.mfa == "x"; input.time <= "b" }`));
  assert.equal(
    plain(await told()).sort(),
    ['5 match error: boolean and string are never equal', `5 lte: ${byKind}`].sort(),
  );
  const good = [
    `a if { ${mine}; g.conditions == {"mfa": true} }`,
    `b if { ${mine}; not g.conditions; object.get(g, "state", "active") == "active" }`,
    'c if { some g in data.networks.office; startswith(g, "10.") }',
    'd if input.operation in data.apis[input.api].roles.editor',
    'e if data.apis[input.api].operations.listOrders == "GET /v1/orders"',
    'f if object.get(data.principals[input.subject], "active", false)',
    'g if { input.method < "M"; input.time >= 5; object.get(input, "time", 0) > 5 }',
  ];
  await sample.write(policy(`${decision}${good.join('\n')}`));
  assert.equal(await told(), []);
});

test('runs the tests of the policies and names the one that fails, and none reaches out', async () => {
  const decision = 'default decision := {"allow": false, "grants": [], "reason": "no"}';
  const tests = (...rules: string[]) => ({
    'policies/authz/own_test.rego': `package grantgate.authz_test\n\nimport data.grantgate.authz\n\n${rules.join('\n')}\n`,
  });
  const good = 'test_denies if not authz.decision.allow with data.grants as data.fixture.grants';
  await begin({
    ...policy(decision),
    ...tests(good, 'test_allows if authz.decision.allow', 'todo_later if false'),
    'policies/fixture/data.json': '{"grants": {"orders": {}}}',
  });
  assert.equal(await told(), [
    'policies/authz/own_test.rego:6:1: the test test_allows of the policy fails (opa test)',
  ]);
  await sample.write(tests(good));
  assert.equal(await told(), []);
  await sample.write(tests(good, 'test_out if http.send({"method": "GET", "url": "http://127.0.0.1:9"})'));
  assert.equal(await told(), [
    'policies/authz/own_test.rego:6:1: rego_type_error: undefined function http.send (opa test)',
  ]);
  // Ours, where there are none of one's own.
  await sample.write({
    'policies/authz/own.rego': null,
    ...tests('test_ours if authz.decision.reason == "invalid-input" with input as {}'),
  });
  assert.equal(await told(), []);
});

test('a shallow clone is not green: what history would say was not looked at', async () => {
  await begin({}, true);
  await sample.commit({ [payments]: null });
  await sample.commit({ [payments]: String(sampleFiles[payments]) });
  const clone = await mkdtemp(join(tmpdir(), 'grantgate-shallow-'));
  try {
    runGit(sample.root, 'clone', '-q', '--depth=1', `file://${sample.root}`, clone);
    const problems = (await check(clone)).problems.map(formatProblem);
    assert.is(problems.length, 1);
    assert.match(String(problems[0]), /this clone is shallow, .*fetch-depth: 0/);
    runGit(clone, 'fetch', '-q', '--unshallow');
    assert.equal((await check(clone)).problems, []);
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
});

test('a folder that Git refuses, as it is another user’s, is not green but told how to get its history', async () => {
  await begin({}, true);
  process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = '1';
  try {
    const error: unknown = await check(sample.root).catch((caught: unknown) => caught);
    assert.match(String(error), /dubious ownership[\s\S]*git config --global --add safe.directory/);
  } finally {
    delete process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER;
  }
  if (process.getuid?.() !== 0) return;
  // For real: what nobody has checked out, checked by root. The other way round nobody could not reach a program of
  // root's, wherever that lies in a folder of root's own.
  execFileSync('chown', ['-R', '65534:65534', sample.root]);
  const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const { status, stderr } = spawnSync(process.execPath, [cli, 'check', sample.root], {
    encoding: 'utf8',
    env: { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent' },
  });
  assert.is(status, 1);
  assert.match(stderr, /dubious ownership[\s\S]*safe.directory/);
});

test('warns of principals and owners that no directory knows, with the name that is near', async () => {
  await begin({
    [payments]: String(sampleFiles[payments]).replace('principal: group:billing', 'principal: group:biling'),
    'grants/apis/orders.yaml': String(sampleFiles['grants/apis/orders.yaml']).replace(
      'owner: group:commerce',
      'owner: user:commerce',
    ),
    'grants/access/orders/extra.yaml':
      '- { id: orders-extra-one, principal: "user:stranger@example.com", api: orders, role: reader, reason: x, owner: "group:nosuch", granted: 2026-01-01 }\n',
  });
  const { problems, warnings } = await check(sample.root);
  assert.equal(problems, []);
  const lines = warnings.map(formatProblem);
  assert.is(lines.length, 4, lines.join('\n'));
  assert.match(
    String(lines[0]),
    /extra\.yaml:1:3: the owner of "orders-extra-one", "group:nosuch" is known to no directory$/,
  );
  assert.match(
    String(lines[1]),
    /the principal of "orders-extra-one", "user:stranger@example.com" is known to no directory$/,
  );
  assert.match(String(lines[2]), /"group:biling" is known to no directory \(did you mean "billing"\?\)$/);
  assert.match(
    String(lines[3]),
    /the owner of the API "orders", "user:commerce" .*\(did you mean "group:commerce"\?\)$/,
  );

  await sample.write({ 'grants/review.yaml': 'unknown_names: refuse\n' });
  const refused = await check(sample.root);
  assert.equal([refused.problems.length, refused.warnings.length], [4, 0]);

  // Beside other mistakes too; but not where the file that would know cannot be read.
  const slip = '- { id: Slip }\n';
  await sample.write({ 'grants/access/orders/slip.yaml': slip });
  const all = (await check(sample.root)).problems.map(({ code }) => code);
  assert.ok(all.length > 4);
  assert.is(all.filter((code) => /^unknown-(?:principal|owner)$/.test(code)).length, 4);
  await sample.write({ 'grants/directory/okta.yaml': 'provider: okta\n' });
  assert.not((await check(sample.root)).problems.some(({ code }) => code === 'unknown-owner'));

  // Without any directory, groups come with tokens.
  await sample.write({
    'grants/access/orders/slip.yaml': null,
    'grants/review.yaml': null,
    'grants/directory/okta.yaml': null,
  });
  assert.equal((await check(sample.root)).warnings, []);
});

test('says which operation, role or network was meant', async () => {
  await begin({
    'grants/access/orders/extra.yaml': `- { id: orders-extra-one, principal: "user:ann@example.com", api: orders, role: raeder, reason: x, owner: "group:billing", granted: 2026-01-01 }
- { id: orders-extra-two, principal: "user:ann@example.com", api: orders, operations: [listOrdres], reason: x, owner: "group:billing", granted: 2026-01-01, conditions: { networks: [ofice] } }
`,
    'grants/apis/orders.yaml': String(sampleFiles['grants/apis/orders.yaml']).replace(
      'editor: [reader, createOrder]',
      'editor: [reader, createOrdr]',
    ),
  });
  const lines = (await told()).join('\n');
  assert.match(lines, /got "raeder" \(did you mean "reader"\?\)/);
  assert.match(lines, /got "listOrdres" \(did you mean "listOrders"\?\)/);
  assert.match(lines, /"ofice" is not declared in networks\.yaml \(did you mean "office"\?\)/);
  assert.match(
    lines,
    /names "createOrdr", expected an operation or a role of this API \(did you mean "createOrder"\?\)/,
  );
});
