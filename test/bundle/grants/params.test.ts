import * as assert from 'node:assert/strict';
import { grantLine } from '../../../bundle/access/grantLine.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { parameterIn, parametersOf } from '../../../bundle/openapi/parameters.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { suite } from '../../_suite.ts';
import { sampleTree } from '../_organisation.ts';

const test = suite('params of grants');

const orders = `api: orders
description: Orders
owner: group:commerce
tier: low
upstream: http://orders.internal:8080
route: { prefix: /orders }
operations:
  listTenants: GET /v1/tenants
  listOrders: GET /v1/{tenant}/orders
  getOrder: GET /v1/{tenant}/orders/{orderId}
  exportOrders: GET /v1/{tenant}/{from}-{to}.csv
  cancelOrder: POST /v1/{tenant}/orders/{orderId}:cancel
roles:
  reader: [listTenants, listOrders, getOrder]
`;

/** Loads one grant on it, from its line 8 on. */
async function granted(rest: string, api = orders) {
  const grant = `- id: orders-acme
  principal: group:billing
  api: orders
  reason: Of one tenant
  owner: group:billing
  granted: 2026-03-01
  ${rest.replaceAll('\n', '\n  ')}
`;
  const sample = await sampleTree({
    'grants/apis/orders.yaml': api,
    'grants/access/orders/commerce.yaml': null,
    'grants/review.yaml': null,
    'grants/access/orders/billing.yaml': grant,
  });
  try {
    const { organisation, problems } = await load(await workingTree(sample.root));
    const found = organisation?.grants.find(({ id }) => id === 'orders-acme');
    return { problems: problems.map(formatProblem), line: found && grantLine(found) };
  } finally {
    await sample.remove();
  }
}

test('of a role a restricted grant covers what has the parameters, and says which values they may have', async () => {
  const { problems, line } = await granted(
    'role: reader\nparams: { tenant: [other, acme], orderId: claim:order }',
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(line, {
    conditions: { params: { orderId: { claim: 'order' }, tenant: ['acme', 'other'] } },
    ...{ id: 'orders-acme', operations: ['getOrder'] },
  });
  const by = await granted('role: reader\nparams: { tenant: [acme] }\nconditions: { mfa: true }');
  assert.deepEqual(by.line?.operations, ['getOrder', 'listOrders']);
  assert.deepEqual(by.line?.conditions, { mfa: true, params: { tenant: ['acme'] } });
});

test('a parameter that is not there, or that has no one value, is refused at its place, and the one meant is named', async () => {
  const file = 'grants/access/orders/billing.yaml';
  const known = 'path parameters of orders that stand once and alone in their segment (orderId, tenant)';
  const cases: [string, string][] = [
    [
      'role: reader\nparams: { tenat: [acme] }',
      `${file}:8:20: "params" of "orders-acme" must name ${known}, got "tenat" (did you mean "tenant"?)`,
    ],
    [
      'role: reader\nparams: { from: [a] }',
      `${file}:8:19: "params" of "orders-acme" must name ${known}, got "from"`,
    ],
    [
      'operations: [getOrder, listTenants]\nparams: { tenant: [acme] }',
      `${file}:7:26: "operations" of "orders-acme" must have every parameter that "params" names, got "listTenants" without "tenant" (GET /v1/tenants)`,
    ],
  ];
  for (const [rest, said] of cases) assert.deepEqual((await granted(rest)).problems, [said]);
});

test('a restricted grant of a role that is itself wrong is told of the role alone', async () => {
  const wrong = orders.replace('[listTenants, listOrders, getOrder]', '[getOrders]');
  const { problems } = await granted('role: reader\nparams: { tenant: [acme] }', wrong);
  assert.ok(
    problems.length > 0 && problems.every((problem) => problem.startsWith('grants/apis/')),
    `${problems}`,
  );
});

test('an API that is named otherwise than its file is told once, and not again by each grant of it', async () => {
  const { problems } = await granted('role: reader', orders.replace('api: orders', 'api: sales'));
  assert.deepEqual(problems, [
    'grants/apis/orders.yaml:1:6: "api" is wrong, expected "orders" as its file is named, got "sales"',
  ]);
});

test('values are texts or one claim, and nothing else', async () => {
  for (const params of [
    '{ tenant: [7] }',
    '{ tenant: acme }',
    '{ tenant: [] }',
    '{ tenant: [acme, acme] }',
    '{ tenant: [""] }',
    '{ tenant: ["a\\0b"] }',
    '{ tenant: ["\\uD800"] }',
    '{ tenant: claim: }',
    '{ tenant: claim:__proto__ }',
    '{ tenant: claim:a.__proto__ }',
    '{ tenant: { claim: sub } }',
    '{ tenant: null }',
    '{ __proto__: [acme] }',
    '{}',
    '[tenant]',
  ]) {
    const { problems } = await granted(`operations: [getOrder]\nparams: ${params}`);
    assert.ok(problems.length > 0, params);
  }
  for (const params of [
    '{ tenant: ["7"] }',
    '{ tenant: claim:https://example.com/tenant }',
    '{ tenant: claim:realm_access.tenant }',
  ])
    assert.deepEqual((await granted(`operations: [getOrder]\nparams: ${params}`)).problems, [], params);
});

test('a parameter has the value that stands in its place, decoded once, or none', () => {
  assert.deepEqual(parametersOf('/v1/{tenant}/{from}-{to}/{tenant}/{id}:cancel'), ['id']);
  const cases: [string, string, string, string | null][] = [
    ['/v1/{tenant}/orders', '/o/v1/acme/orders', 'tenant', 'acme'],
    ['/v1/{tenant}/orders', '/o/v1/ac%20me%2Fx/orders', 'tenant', 'ac me/x'],
    ['/v1/{tenant}/orders', '/o/v1/%2541/orders', 'tenant', '%41'],
    ['/v1/{tenant}/orders', '/o/v1/e%CC%81/orders', 'tenant', 'e\u0301'],
    ['/v1/{tenant}/orders', '/o/v1/acme/orders', 'other', null],
    ['/{a}/{b}:cancel', '/x/7:cancel:cancel', 'b', '7:cancel'],
    ['/{a}/{b}:cancel', '/x/:cancel', 'b', null],
    ['/{a}/{b}:cancel', '/x/7:close', 'b', null],
    ['/{a}-{b}', '/x-y-z', 'a', null],
    ['/{a}/{a}', '/x/y', 'a', null],
    ['/x/{a}9', '/x/%C3%A9', 'a', null],
    ['/{a}/', '/x/', 'a', 'x'],
    ['/{a}', '/p/q/x', 'a', 'x'],
  ];
  for (const [template, path, name, value] of cases)
    assert.equal(parameterIn(template, path, name), value, `${template} ${path}`);
});
