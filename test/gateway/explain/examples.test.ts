import * as assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { explainRepository } from '../../../gateway/explain/explainRepository.ts';
import { testRepository } from '../../../gateway/explain/testRepository.ts';
import { suite } from '../../_suite.ts';
import { type SampleTree, sampleFiles, sampleTree } from '../../bundle/_organisation.ts';

const test = suite('example decisions');

let sample: SampleTree;
test.before(async () => {
  sample = await sampleTree();
});
test.after(() => sample.remove());

const file = 'tests/orders.yaml';
const ann = 'who: user:ann@example.com\n  api: orders\n  at: 2026-11-23\n  why: Because';
const tried = async (text: string, policies = false) => {
  await sample.write({ [file]: text });
  const { problems, examples } = await testRepository(sample.root, { policies });
  return { said: problems.map(formatProblem), examples };
};

test('says nothing of decisions that come out as they should', async () => {
  const { said, examples } = await tried(`
- ${ann}
  operation: getOrder
  expect: allow
  reason: granted
  grants: [orders-billing-read]
- ${ann}
  path: /orders/v1/orders/7
  expect: allow
- ${ann}
  path: /orders/v1/nothing
  expect: deny
  reason: no-such-operation
- ${ann}
  operation: createOrder
  networks: [office]
  mfa: true
  expect: allow
- ${ann.replace('2026-11-23', '2027-03-01T00:00:00Z')}
  operation: getOrder
  expect: deny
  reason: expired
- ${ann.replace('2026-11-23', '2027-02-28T23:59:59Z')}
  operation: getOrder
  expect: allow
`);
  assert.deepEqual([said, examples], [[], 6]);
});

test('says of each other one where it stands, what was decided instead, and why it should have been otherwise', async () => {
  const { said } = await tried(`- ${ann}
  operation: createOrder
  expect: allow
- ${ann}
  operation: getOrder
  expect: deny
- ${ann}
  operation: createOrder
  expect: deny
  reason: no-grant
- ${ann}
  operation: getOrder
  expect: allow
  grants: [orders-ann-edit]
- ${ann}
  operation: getOrders
  expect: deny
- ${ann.replace('user:ann', 'group:ann')}
  operation: getOrder
  expect: deny
`);
  const who = 'user:ann@example.com at';
  assert.deepEqual(said, [
    `${file}:6:11: ${who} createOrder of orders should get allow, got deny (condition-not-met): Because`,
    `${file}:12:11: ${who} getOrder of orders should get deny, got allow (granted, orders-billing-read): Because`,
    `${file}:19:11: ${who} createOrder of orders should get the reason "no-grant", got deny (condition-not-met): Because`,
    `${file}:26:11: ${who} getOrder of orders should get it by orders-ann-edit, got allow (granted, orders-billing-read): Because`,
    `${file}:27:8: the example cannot be asked: orders has no operation "getOrders" (did you mean "getOrder"?); it has createOrder, getOrder, listOrders`,
    `${file}:33:8: the example cannot be asked: "subject": must be user:LOGIN or service:NAME`,
  ]);
});

test('refuses examples that say too little or too much, and files that are none', async () => {
  const cases: [string, RegExp][] = [
    [`- ${ann}\n  operation: getOrder\n`, /"expect" must be "allow" or "deny"/],
    [`- ${ann}\n  expect: allow\n`, /must have either "operation" or "path"/],
    [
      `- ${ann}\n  operation: getOrder\n  path: /x\n  expect: allow\n`,
      /must have either "operation" or "path"/,
    ],
    [`- ${ann}\n  operation: getOrder\n  expect: deny\n  grants: [x]\n`, /must not have "grants"/],
    [`- ${ann.replace('2026-11-23', 'today')}\n  operation: getOrder\n  expect: deny\n`, /must be a date/],
    [`- ${ann}\n  operation: getOrder\n  expct: deny\n`, /unknown key "expct" \(did you mean "expect"\?\)/],
    [
      `- ${ann}\n  operation: getOrder\n  params: { orderId: 7 }\n  expect: deny\n`,
      /must be text \(a number in quotes\)/,
    ],
    [`- ${ann}\n  operation: getOrder\n  networks: [ofice]\n  expect: deny\n`, /there is no network "ofice"/],
    [
      `- ${ann.replace('api: orders', 'api: ordrs')}\n  operation: getOrder\n  expect: deny\n`,
      /there is no API "ordrs"/,
    ],
  ];
  for (const [text, wanted] of cases) assert.match((await tried(text)).said.join('\n'), wanted);
  await sample.write({ [file]: null });
  await symlink('/etc/hostname', join(sample.root, 'tests/link.yaml'));
  assert.match((await tried('[]')).said.join(), /^tests\/link\.yaml:1:1: .*must be a regular file/);
  await sample.write({ 'tests/link.yaml': null });
  await rm(join(sample.root, 'tests'), { recursive: true });
  await symlink('/etc', join(sample.root, 'tests'));
  const linked = await testRepository(sample.root, { policies: false });
  assert.deepEqual(linked.problems.map(formatProblem), [
    'tests:1:1: "tests" must be a folder, got a symbolic link',
  ]);
  await rm(join(sample.root, 'tests'));
});

test("runs the policies' own tests beside them", async () => {
  const name = 'policies/authz/own_test.rego';
  await sample.write({
    [name]:
      'package grantgate.authz_test\n\nimport data.grantgate.authz\n\ntest_denies if authz.decision.allow\n',
  });
  const { said } = await tried(`- ${ann}\n  operation: getOrder\n  expect: allow\n`, true);
  assert.deepEqual(said, [`${name}:5:1: the test test_denies of the policy fails (opa test)`]);
  await sample.write({ [name]: null });
  assert.deepEqual(await tried('', true), { said: [], examples: 0 });
});

test('a misspelt operation or path parameter is no denial that shows anything', async () => {
  const { said } = await tried(
    [
      `- ${ann}\n  operation: getOder\n  expect: deny\n`,
      `- ${ann}\n  operation: getOrder\n  params: { orderID: "7" }\n  expect: allow\n`,
      `- ${ann}\n  operation: getOrder\n  params: { orderId: "7" }\n  expect: allow\n`,
    ].join(''),
  );
  assert.deepEqual(
    said.map((line) => line.replace(/^.*cannot be asked: /, '')),
    [
      'orders has no operation "getOder" (did you mean "getOrder"?); it has createOrder, getOrder, listOrders',
      'getOrder has no path parameter "orderID"; it has orderId',
    ],
  );
});

test('examples and explanations say facts by their names, and what no API names or no value is', async () => {
  const orders = 'grants/apis/orders.yaml';
  await sample.write({
    [orders]: `${sampleFiles[orders]}facts:
  order: { param: orderId }
  country: { header: x-geo-country, from: trusted_proxies }
  risk: { header: x-risk, from: trusted_proxies, type: number }
  roles: { claim: roles, type: list }
`,
    'policies/authz/decision.rego': `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no"}

decision := {"allow": true, "grants": ["by-facts"], "reason": "fine"} if {
	input.facts.risk < 50
	input.facts.order != "secret"
	"support" in object.get(input.facts, "roles", [])
	not object.get(input.facts, "country", "") in {"KP", ""}
}
`,
  });
  const example = (facts: string, expect: string, call = 'operation: getOrder') =>
    `- ${ann}\n  ${call}\n  facts: { ${facts} }\n  expect: ${expect}\n`;
  const good = 'country: DE, risk: 10, roles: [support]';
  const { said } = await tried(
    [
      example(`${good}, order: "7"`, 'allow'),
      example(good, 'allow', 'path: /orders/v1/orders/7'),
      example(good, 'deny', 'path: /orders/v1/orders/secret'),
      example(`${good}, order: secret`, 'deny'),
      example(`${good.replace('DE', 'KP')}, order: "7"`, 'deny\n  reason: no'),
      example(`${good.replace('DE', '"DE,KP"')}, order: "7"`, 'deny\n  reason: fact-malformed'),
      example(`${good.replace('10', '1.5')}, order: "7"`, 'deny\n  reason: fact-malformed'),
      example(`contry: DE`, 'deny'),
      example(`${good}, order: "7"`, 'deny', 'path: /orders/v1/orders/7'),
    ].join(''),
  );
  const who = `${file}:53:8: the example cannot be asked:`;
  assert.deepEqual(said, [
    `${who} orders names no fact "contry"; it names country, order, risk, roles`,
    `${who.replace('53', '60')} the fact "order" is a path parameter, which stands in the path`,
  ]);
  const explained = async (facts: Record<string, string>) => {
    const asked = { subject: 'user:ann@example.com', api: 'orders', operation: 'getOrder', facts };
    return (await explainRepository({ ...asked, root: sample.root }, { nowMs: 0 })).text;
  };
  assert.match(await explained({ country: 'DE', risk: '10', roles: 'a,support', order: '7' }), /allow/i);
  assert.match(
    await explained({ country: 'DE', risk: 'high', roles: 'a,support', order: '7' }),
    /fact-malformed[\s\S]*the fact "risk" of the request is not what orders says it is/,
  );
});
