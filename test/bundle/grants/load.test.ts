import * as assert from 'uvu/assert';
import { load } from '../../../bundle/grants/load.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { suite } from '../../_suite.ts';
import { memoryTree } from '../_memoryTree.ts';
import { type Files, sampleFiles } from '../_organisation.ts';

const test = suite('load');

const loaded = (files: Files) => load(memoryTree({ ...sampleFiles, ...files }));
async function problemsOf(files: Files): Promise<string[]> {
  const { organisation, problems } = await loaded(files);
  assert.is(organisation === null, problems.length > 0);
  return problems.map(formatProblem);
}
const file = (path: string): string => sampleFiles[path] ?? '';
/** A sample file with one text in it replaced. */
const edited = (path: string, from: string, to: string): Files => {
  assert.ok(file(path).includes(from), `${path} holds ${from}`);
  return { [path]: file(path).replace(from, to) };
};
const orders = 'grants/apis/orders.yaml';
const payments = 'grants/apis/payments.yaml';
const openapi = 'grants/apis/payments.openapi.yaml';
const billing = 'grants/access/orders/billing.yaml';
const commerce = 'grants/access/orders/commerce.yaml';
const okta = 'grants/directory/okta.yaml';
const services = 'grants/directory/services.yaml';
const review = 'grants/review.yaml';

test('loads the sample: roles expanded, OpenAPI read, memberships through groups, places known', async () => {
  const { organisation, problems } = await loaded({});
  assert.equal(problems, []);
  assert.equal(organisation?.apis.get('orders')?.roles.get('editor'), [
    'createOrder',
    'getOrder',
    'listOrders',
  ]);
  assert.equal(
    [...(organisation?.apis.get('payments')?.operations ?? [])],
    [
      ['createPayment', 'POST /payments'],
      ['approvePayment', 'PUT /payments/{paymentId}/approval'],
    ],
  );
  assert.equal(organisation?.memberships.get('user:cleo@example.com'), ['group:billing', 'group:finance']);
  const ann = organisation?.grants.find(({ id }) => id === 'orders-ann-edit');
  assert.equal([ann?.place.file, ann?.place.line, ann?.place.column], [billing, 11, 3]);
  const text = file(billing).slice(ann?.place.start, ann?.place.end);
  assert.ok(text.startsWith('id: orders-ann-edit') && text.endsWith('limits: { rate: 60/min }'), text);
  assert.is(
    organisation?.grants.find(({ id }) => id === 'orders-billing-read')?.expiresAt,
    Date.UTC(2027, 2, 1) / 1000,
  );
  assert.is(organisation?.review.thresholds.dormant.days, 90);
  assert.is(organisation?.review.pull_requests.no_response.high, 'suspend');
});

test('every mistake of a file and across files is told at once, at its place, sorted', async () => {
  const told = await problemsOf({
    [orders]: `api: orders
descripton: Customer orders
owner: commerce
tier: hgih
upstream: ftp://orders.internal
route: { prefix: orders, strip: no }
operations:
  listOrders: GET v1
  "bad name": GET /x
  again: GET /y
  again: GET /z
roles: { reader: [] }
limits: { rate: 5 }
`,
    [billing]: `- id: a
  principal: bob
  role: reader
- id: orders-invoicer-read
  principal: service:nobody
  api: orders
  operations: [listOrders, listOrders]
  reason: ""
  owner: group:billing
  granted: soon
  expires: 2026-02-30
  conditions: { mfa: false, networks: [] }
  reviw: 1
- just text
`,
    'grants/access/payments/billing.yaml': `- id: orders-invoicer-read
  principal: service:nobody
  api: payments
  operations: [createPayment, nope]
  reason: Pays
  owner: group:billing
  granted: 2026-05-01
  expires: 2026-04-01
  conditions: { networks: [home] }
`,
    [okta]: 'provider: okta\nsynced: now\ncomplete: no\npeople: []\ngroups: {}\n',
    'grants/apis/x.yml': 'api: x\n',
    [review]: 'thresholds: { dormant: { days: "3" } }\n',
  });
  assert.equal(told, [
    `${billing}:1:3: "api" of "a" must be a lower-case name like "orders", got nothing`,
    `${billing}:1:3: "granted" of "a" must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z, got nothing`,
    `${billing}:1:3: "owner" of "a" must be "user:LOGIN" or "group:NAME", got nothing`,
    `${billing}:1:3: "reason" of "a" must be text, got nothing`,
    `${billing}:1:7: "id" must be a grant id like "orders-billing-read", got "a"`,
    `${billing}:2:14: "principal" of "a" must be "user:LOGIN", "group:NAME" or "service:NAME", got "bob"`,
    `${billing}:7:15: "operations" of "orders-invoicer-read" must not name one twice`,
    `${billing}:8:11: "reason" of "orders-invoicer-read" must not be empty, got ""`,
    `${billing}:10:12: "granted" of "orders-invoicer-read" must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z, got "soon"`,
    `${billing}:11:12: "expires" of "orders-invoicer-read" must be a date like 2026-03-01 or an instant like 2026-03-01T09:00:00Z, got "2026-02-30"`,
    `${billing}:12:22: "conditions.mfa" of "orders-invoicer-read" must be true, or left out, got false`,
    `${billing}:12:39: "conditions.networks" of "orders-invoicer-read" must name at least one, got an empty list`,
    `${billing}:13:3: unknown key "reviw" (did you mean "review"?), expected one of id, principal, api, role, operations, reason, ticket, owner, granted, expires, cadence, state, params, conditions, limits, review`,
    `${billing}:14:3: this entry must be a mapping, got "just text"`,
    'grants/access/payments/billing.yaml:1:7: the grant id "orders-invoicer-read" is taken at grants/access/orders/commerce.yaml:1',
    'grants/access/payments/billing.yaml:2:14: "service:nobody" of "orders-invoicer-read" is not in directory/services.yaml',
    'grants/access/payments/billing.yaml:4:31: "operations" of "orders-invoicer-read" must name operations of payments, got "nope"',
    'grants/access/payments/billing.yaml:8:12: "expires" of "orders-invoicer-read" must not be before "granted" (2026-05-01), got "2026-04-01"',
    'grants/access/payments/billing.yaml:9:28: the network "home" is not declared in networks.yaml, expected one of office, vpn',
    `${orders}:1:1: "description" must be text, got nothing`,
    `${orders}:2:1: unknown key "descripton" (did you mean "description"?), expected one of api, description, owner, tier, upstream, route, operations, openapi, cors, exceptions, facts, roles, limits, authentication, assertion, host_header`,
    `${orders}:3:8: "owner" must be "user:LOGIN" or "group:NAME", got "commerce"`,
    `${orders}:4:7: "tier" must be "low" or "medium" or "high" or "critical", got "hgih"`,
    `${orders}:5:11: "upstream" must be an http or https address like http://orders.internal:8080, got "ftp://orders.internal"`,
    `${orders}:6:8: "route" must be { prefix: /orders, strip: true } or { host: orders.example.com }, got a mapping`,
    `${orders}:8:15: "operations.listOrders" must be a method and a path like "GET /v1/orders/{orderId}", got "GET v1"`,
    `${orders}:9:3: the key "bad name" must be an operation name like "getOrder"`,
    `${orders}:11:3: the key "again" is given twice`,
    `${orders}:12:18: "roles.reader" must name at least one, got an empty list`,
    `${orders}:13:17: "limits.rate" must be a rate like "600/min" (s, min, h or day), got 5`,
    'grants/apis/x.yml:1:1: "grants/apis/x.yml" is no file of grants/, expected apis/API.yaml, apis/API.openapi.yaml, access/API/NAME.yaml, directory/PROVIDER.yaml, networks.yaml or review.yaml',
    `${okta}:2:9: "synced" must be an instant like 2026-03-01T09:00:00Z, got "now"`,
    `${okta}:3:11: "complete" must be true or false, got "no"`,
    `${okta}:5:9: "groups" must be a list, got an empty mapping`,
    `${review}:1:32: "thresholds.dormant.days" must be a whole number of days, got "3"`,
  ]);
});

/** What is refused, and beside it the nearest that is not. */
const rules: readonly (readonly [what: string, wrong: Files, told: string, right: Files])[] = [
  [
    'an API whose file has another name',
    { 'grants/apis/other.yaml': file(orders).replace('prefix: /orders', 'prefix: /other') },
    'grants/apis/other.yaml:2:6: "api" is wrong, expected "other" as its file is named, got "orders"',
    {
      'grants/apis/other.yaml': file(orders)
        .replace('prefix: /orders', 'prefix: /other')
        .replace('api: orders', 'api: other'),
    },
  ],
  [
    'a grant in the folder of another API',
    edited(
      billing,
      'api: orders\n  operations: [createOrder]',
      'api: payments\n  operations: [createPayment]',
    ),
    `${billing}:13:8: "api" of "orders-ann-edit" must be "orders" as its folder is named, got "payments"`,
    edited(billing, 'operations: [createOrder]', 'operations: [getOrder]'),
  ],
  [
    'a folder named after no API',
    { 'grants/access/nothing/a.yaml': '' },
    'grants/access/nothing/a.yaml:1:1: the folder "nothing" is named after no API, expected one of orders, payments',
    { 'grants/access/orders/a.yaml': '# all grants are gone\n' },
  ],
  [
    'a role the API does not have',
    edited(commerce, 'role: editor', 'role: owner'),
    `${commerce}:12:9: "role" of "orders-commerce-edit" must be a role of orders (reader, editor), got "owner"`,
    edited(commerce, 'role: editor', 'role: reader'),
  ],
  [
    'a grant with both a role and operations',
    edited(commerce, 'role: editor', 'role: editor\n  operations: [listOrders]'),
    `${commerce}:9:3: this entry must have either "role" or "operations"`,
    edited(commerce, 'role: editor', 'operations: [listOrders]'),
  ],
  [
    'an operation in a role that is not there',
    edited(orders, '[listOrders, getOrder]', '[listOrders, readOrder]'),
    `${orders}:13:24: the role "reader" names "readOrder", expected an operation or a role of this API`,
    edited(orders, '[listOrders, getOrder]', '[listOrders]'),
  ],
  [
    'roles that include each other',
    edited(orders, 'reader: [listOrders, getOrder]', 'reader: [listOrders, editor]'),
    `${orders}:14:12: roles include each other in a circle: reader → editor → reader`,
    edited(orders, 'reader: [listOrders, getOrder]', 'reader: [listOrders]'),
  ],
  [
    'a role that includes itself',
    edited(orders, 'reader: [listOrders, getOrder]', 'reader: [reader]'),
    `${orders}:13:12: roles include each other in a circle: reader → reader`,
    edited(orders, 'reader: [listOrders, getOrder]', 'reader: [getOrder]'),
  ],
  [
    'a role named like an operation',
    edited(orders, '  editor:', '  createOrder: [getOrder]\n  editor:'),
    `${orders}:14:3: the role "createOrder" has the name of an operation, expected a name of its own`,
    edited(orders, '  editor:', '  creator: [getOrder]\n  editor:'),
  ],
  [
    'a grant id used twice, across files',
    edited(commerce, 'id: orders-commerce-edit', 'id: orders-ann-edit'),
    `${commerce}:9:7: the grant id "orders-ann-edit" is taken at ${billing}:11`,
    edited(commerce, 'id: orders-commerce-edit', 'id: orders-ann-edits'),
  ],
  [
    'two APIs on one host',
    edited(orders, '{ prefix: /orders, strip: true }', '{ host: payments.example.com }'),
    `${payments}:6:8: the host payments.example.com is taken by the API "orders", expected one of its own`,
    edited(orders, '{ prefix: /orders, strip: true }', '{ host: orders.example.com }'),
  ],
  [
    'two APIs on one prefix',
    edited(payments, '{ host: payments.example.com }', '{ prefix: /orders }'),
    `${payments}:6:8: the prefix /orders is taken by the API "orders", expected one of its own`,
    edited(payments, '{ host: payments.example.com }', '{ prefix: /orders2 }'),
  ],
  [
    'two operations that differ in a parameter name only',
    edited(orders, '  createOrder:', '  readOrder: GET /v1/orders/{id}\n  createOrder:'),
    `${orders}:11:14: "readOrder" (GET /v1/orders/{id}) cannot be told from "getOrder" (GET /v1/orders/{orderId})`,
    edited(orders, '  createOrder:', '  readOrder: GET /v1/orders/{id}/full\n  createOrder:'),
  ],
  [
    'an operation where the gateway publishes its keys',
    {
      'grants/apis/keys.yaml':
        'api: keys\ndescription: x\nowner: group:billing\ntier: low\nupstream: http://n\nroute: { host: keys.example.com }\noperations: { list: GET /.well-known/jwks.json }\n',
    },
    'grants/apis/keys.yaml:7:21: "list" (GET /.well-known/jwks.json) is where the gateway publishes its own keys, expected another path',
    {
      'grants/apis/keys.yaml':
        'api: keys\ndescription: x\nowner: group:billing\ntier: low\nupstream: http://n\nroute: { host: keys.example.com }\noperations: { list: GET /.well-known/jwks }\n',
    },
  ],
  [
    'operations of two APIs that callers reach at one path',
    {
      'grants/apis/nested.yaml':
        'api: nested\ndescription: x\nowner: group:billing\ntier: low\nupstream: http://n\nroute: { prefix: /orders/v1, strip: true }\noperations: { list: GET /orders }\n',
    },
    `${orders}:9:15: "listOrders" (GET /v1/orders) cannot be told from "list" (GET /orders) of the API "nested"`,
    {
      'grants/apis/nested.yaml':
        'api: nested\ndescription: x\nowner: group:billing\ntier: low\nupstream: http://n\nroute: { prefix: /orders/v1, strip: true }\noperations: { list: GET /other }\n',
    },
  ],
  [
    'a path with one parameter twice',
    edited(orders, '{orderId}', '{a}/of/{a}'),
    `${orders}:10:13: "getOrder" names a path parameter twice: GET /v1/orders/{a}/of/{a}`,
    edited(orders, '{orderId}', '{a}/of/{b}'),
  ],
  [
    'an OpenAPI document that is not there',
    edited(payments, './payments.openapi.yaml', './paiments.openapi.yaml'),
    `${payments}:7:10: there is no file grants/apis/paiments.openapi.yaml, expected an OpenAPI document`,
    {},
  ],
  [
    'an OpenAPI document nobody names',
    { 'grants/apis/old.openapi.yaml': file(openapi) },
    'grants/apis/old.openapi.yaml:1:1: no API and no document names this file, expected "openapi" in one of apis/',
    {},
  ],
  [
    'groups that are members of each other',
    edited(okta, 'members: ["user:cleo@example.com"]', 'members: ["user:cleo@example.com", "group:billing"]'),
    `${okta}:10:13: groups are members of each other in a circle: billing in finance in billing`,
    edited(
      okta,
      'members: ["user:cleo@example.com"]',
      'members: ["user:cleo@example.com", "group:commerce"]',
    ),
  ],
  [
    'a group given twice by one provider',
    edited(okta, 'name: finance', 'name: billing'),
    `${okta}:12:13: the group "billing" is given twice in ${okta}`,
    edited(okta, 'name: finance', 'name: finances'),
  ],
  [
    'one login from two providers',
    {
      'grants/directory/entra.yaml': file(okta)
        .replace('provider: okta', 'provider: entra')
        .replaceAll(/ {2}- \{ login: "(?:bob|cleo|dana).*\n/g, ''),
    },
    `${okta}:5:14: the login "ann@example.com" is given twice, first by entra`,
    {
      'grants/directory/entra.yaml': file(okta)
        .replace('provider: okta', 'provider: entra')
        .replaceAll(/ {2}- \{ login: "(?:bob|cleo|dana).*\n/g, '')
        .replace('login: "ann@', 'login: "eve@'),
    },
  ],
  [
    'a provider whose file has another name',
    edited(okta, 'provider: okta', 'provider: entra'),
    `${okta}:1:11: "provider" is wrong, expected "okta" as its file is named, got "entra"`,
    {},
  ],
  [
    'a grant to a service that is not listed',
    edited(commerce, 'service:invoicer', 'service:invoice'),
    `${commerce}:2:14: "service:invoice" of "orders-invoicer-read" is not in directory/services.yaml`,
    edited(commerce, 'service:invoicer', 'user:somebody-who-left'),
  ],
  [
    'a credential that belongs to two services',
    edited(
      services,
      'spiffe_id: "spiffe://example.com/mailer"',
      'jwt_subject: "https://login.example.com|invoicer"',
    ),
    `${services}:12:9: this jwt_subject of "mailer" also belongs to "invoicer", expected one owner`,
    edited(
      services,
      'spiffe_id: "spiffe://example.com/mailer"',
      'jwt_subject: "https://login.example.com|mailer"',
    ),
  ],
  [
    'a service without an owner',
    edited(services, '    owner: group:billing\n', ''),
    `${services}:2:5: "owner" of "invoicer" must be "user:LOGIN" or "group:NAME", got nothing`,
    {},
  ],
  [
    'a service given twice',
    edited(services, 'name: mailer', 'name: invoicer'),
    `${services}:8:11: the service "invoicer" is given twice`,
    {},
  ],
  [
    'a network nobody declared',
    edited(billing, 'networks: [office]', 'networks: [office, home]'),
    `${billing}:18:36: the network "home" is not declared in networks.yaml, expected one of office, vpn`,
    edited(billing, 'networks: [office]', 'networks: [office, vpn]'),
  ],
  [
    'a grant that ends before it begins',
    edited(billing, 'expires: 2027-02-28', 'expires: 2026-02-28'),
    `${billing}:9:12: "expires" of "orders-billing-read" must not be before "granted" (2026-03-01), got "2026-02-28"`,
    edited(billing, 'expires: 2027-02-28', 'expires: 2026-03-01'),
  ],
  [
    'a separation of duties over what is not there',
    edited(review, 'operations: [approvePayment]', 'operations: [aprovePayment]'),
    `${review}:4:42: the API "payments" has no operation "aprovePayment"`,
    {},
  ],
  [
    'an exemption for a grant that is gone',
    edited(review, 'grant: orders-billing-read', 'grant: orders-billing-write'),
    `${review}:6:14: there is no grant "orders-billing-write", expected one to exempt`,
    edited(review, 'grant: orders-billing-read', 'grant: orders-ann-edit'),
  ],
  [
    'a file with a name nobody reads',
    { 'grants/access/orders/team.yml': '[]\n' },
    'grants/access/orders/team.yml:1:1: "grants/access/orders/team.yml" is no file of grants/, expected apis/API.yaml, apis/API.openapi.yaml, access/API/NAME.yaml, directory/PROVIDER.yaml, networks.yaml or review.yaml',
    { 'grants/access/orders/.team.yml.swp': 'x', 'grants/README.md': '# x', 'grants/schema/api.json': '{}' },
  ],
  [
    'a rate no limiter could keep',
    edited(orders, 'rate: 600/min', 'rate: 0/min'),
    `${orders}:15:17: "limits.rate" must be a rate like "600/min" (s, min, h or day), got "0/min"`,
    edited(orders, 'rate: 600/min', 'rate: 600/h'),
  ],
];
for (const [what, wrong, told, right] of rules)
  test(`refuses ${what}`, async () => {
    assert.equal(await problemsOf(wrong), [told]);
    assert.equal(await problemsOf(right), []);
  });

test('people who left and groups that are gone are findings of a review, not errors', async () => {
  assert.equal(
    await problemsOf(edited(billing, 'owner: user:dana@example.com', 'owner: user:gone@example.com')),
    [],
  );
  assert.equal(await problemsOf(edited(billing, 'principal: group:billing', 'principal: group:gone')), []);
});

test('a broken file is told once: what refers to it is not blamed', async () => {
  assert.equal((await problemsOf({ [orders]: 'api: [\n' })).length, 1);
  assert.equal((await problemsOf({ [services]: 'services: 1\n' })).length, 1);
  assert.equal((await problemsOf({ 'grants/networks.yaml': 'office: 1\n' })).length, 1);
  assert.equal((await problemsOf({ [billing]: '- 1\n' })).length, 1);
});

test('optional files may be missing, and an OpenAPI document may be JSON', async () => {
  const json = JSON.stringify(
    {
      openapi: '3.1.0',
      paths: {
        '/payments': { post: { operationId: 'createPayment' } },
        '/x': { put: { operationId: 'approvePayment' } },
      },
    },
    null,
    '\t',
  );
  assert.equal(
    await problemsOf({
      [review]: null,
      [openapi]: null,
      'grants/apis/payments.openapi.json': json,
      ...edited(payments, '.openapi.yaml', '.openapi.json'),
    }),
    [],
  );
});

test('what an OpenAPI document says that cannot be routed is a warning; the rest stands', async () => {
  const { organisation, problems, warnings } = await loaded({
    [openapi]: file(openapi).replace(
      'paths:',
      'paths:\n  /files/{path+}:\n    get: { operationId: getFile }',
    ),
  });
  assert.equal(problems, []);
  assert.equal(warnings.map(formatProblem), [
    `${openapi}:5:5: GET /files/{path+} is left out: {path+} is not one parameter of one segment, and which paths it means cannot be told`,
  ]);
  assert.equal(
    [...(organisation?.apis.get('payments')?.operations.keys() ?? [])],
    ['createPayment', 'approvePayment'],
  );
});

test('an OpenAPI document may refer to files beside it, and to nothing else', async () => {
  const part = 'grants/apis/payments/approval.yaml';
  const refer = (to: string) =>
    file(openapi).replace('    put: { operationId: approvePayment }', `    $ref: '${to}'`);
  const parts = { [part]: 'put: { operationId: approvePayment }\n' };
  assert.equal(await problemsOf({ ...parts, [openapi]: refer('./payments/approval.yaml') }), []);
  assert.equal(await problemsOf(parts), [
    `${part}:1:1: no API and no document names this file, expected "openapi" in one of apis/`,
  ]);
  for (const to of [
    '../access/orders/billing.yaml',
    '../../../etc/passwd',
    '/etc/passwd',
    'http://127.0.0.1/x',
  ])
    assert.ok((await problemsOf({ [openapi]: refer(to) })).length > 0, to);
});

test('a base path of the document counts where the upstream has none of its own', async () => {
  const based = {
    [openapi]: file(openapi).replace('paths:', 'servers: [{ url: https://p.example.com/api/v3/ }]\npaths:'),
  };
  const operationsOf = async (files: Files) => {
    const { organisation } = await loaded(files);
    return [...(organisation?.apis.get('payments')?.operations.values() ?? [])];
  };
  assert.equal(await operationsOf(based), [
    'POST /api/v3/payments',
    'PUT /api/v3/payments/{paymentId}/approval',
  ]);
  assert.equal(
    await operationsOf({
      ...based,
      ...edited(payments, 'https://payments.internal', 'https://payments.internal/v3'),
    }),
    ['POST /payments', 'PUT /payments/{paymentId}/approval'],
  );
});

test('a too large OpenAPI document is told once', async () => {
  const { length } = await problemsOf({ [openapi]: `# ${'x'.repeat(17 * 1024 * 1024)}` });
  assert.is(length, 1);
});

for (const path of ['/v3/../admin', '/v3/%2e%2e', '//x', '/v3?x=1', '/v3#x', '/./v3', '/v3\\\\x'])
  test(`refuses an upstream with the path ${path}`, async () => {
    const told = await problemsOf(
      edited(payments, 'https://payments.internal', `"https://payments.internal${path}"`),
    );
    assert.is(told.length, 1, told.join());
    assert.match(told[0] ?? '', /"upstream" must/);
  });

test('missing or empty grants/ is a problem', async () => {
  const none = Object.fromEntries(Object.keys(sampleFiles).map((path) => [path, null]));
  const told = ['grants:1:1: grants/ is missing or empty, expected at least one API in grants/apis/'];
  assert.equal(await problemsOf(none), told);
  assert.equal(await problemsOf({ ...none, 'grants/README.md': '# Grants' }), told);
});

test('a ladder of roles, each naming the next twice, is expanded once', async () => {
  const rungs = Array.from(
    { length: 200 },
    (_, n) => `  r${n}: [r${n + 1}, s${n + 1}]\n  s${n}: [r${n + 1}, s${n + 1}]`,
  );
  const ladder = `${rungs.join('\n')}\n  r200: [getOrder]\n  s200: [getOrder]\n`;
  assert.equal(await problemsOf({ [orders]: file(orders).replace('limits:', `${ladder}limits:`) }), []);
});

test('Windows line endings change nothing', async () => {
  const windows = Object.fromEntries(
    Object.entries(sampleFiles).map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]),
  );
  assert.equal(await problemsOf(windows), []);
});

test('a named network is not everybody, at once or in parts', async () => {
  const told = (blocks: string) =>
    problemsOf({ 'grants/networks.yaml': `office: ${blocks}\nvpn: [10.0.0.0/8]\n` });
  for (const blocks of [
    '[0.0.0.0/0]',
    '["::/0"]',
    '[0.0.0.0/1, 128.0.0.0/1]',
    '[10.0.0.0/8, 0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/2]',
    '["::/1", "8000::/2"]',
  ])
    assert.equal(await told(blocks), [
      'grants/networks.yaml:1:9: "office" must not add up to the whole internet, or to nearly all of it',
    ]);
  assert.equal(await told('[0.0.0.0/1, 10.0.0.0/8, "2000::/3"]'), []);
});
