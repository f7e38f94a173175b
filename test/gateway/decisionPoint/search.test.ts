import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { serviceEntry, startWorld, type World } from '../_gateway.ts';

const test = suite('search');
const secret = 'a-secret-of-a-service-0123456789';
const keyOf = (name: string) => `gg_${name}_${name}${secret}`;
const services = ['invoicer', 'finder'].map((name) => serviceEntry(name, `${name}${secret}`)).join('');

const team = Array.from({ length: 12 }, (_, i) => `p${String(i).padStart(2, '0')}@example.com`);
const okta = (sampleFiles['grants/directory/okta.yaml'] ?? '').replace(
  'groups:\n',
  `${team.map((login, i) => `  - { login: "${login}", id: t${i}, status: ${i === 3 ? 'suspended' : 'active'} }\n`).join('')}groups:
  - { name: support, members: [${team.map((login) => `"user:${login}"`).join(', ')}] }\n`,
);
const files = {
  'grants/directory/services.yaml': `services:\n${services}`,
  'grants/directory/okta.yaml': okta,
  'grants/apis/status.yaml': `api: status
description: How it goes
owner: group:commerce
tier: low
upstream: http://status.internal:8080
route: { prefix: /status, strip: true }
operations: { ping: GET /ping, getOrder: 'GET /orders/{orderId}' }
exceptions: { ping: { public: true } }
`,
  'grants/access/orders/support.yaml': `- id: orders-support-read
  principal: group:support
  api: orders
  operations: [getOrder]
  reason: Answers customers
  owner: group:commerce
  granted: 2026-01-01
- id: orders-p05-list
  principal: user:p05@example.com
  api: orders
  operations: [listOrders]
  reason: Lists
  owner: group:commerce
  granted: 2026-01-01
  expires: 2026-02-01
`,
  'grants/access/status/support.yaml': `- id: status-ann-orders
  principal: user:ann@example.com
  api: status
  operations: [getOrder]
  reason: Looks on
  owner: group:commerce
  granted: 2026-01-01
- id: status-support-orders
  principal: group:support
  api: status
  operations: [getOrder]
  reason: Answers customers
  owner: group:commerce
  granted: 2026-01-01
  conditions: { networks: [office] }
`,
};

/** Whoever may do anything with an API may list, too. */
const generous = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no-grant"}

decision := {"allow": true, "grants": sort(held), "reason": "granted"} if {
	known
	count(held) > 0
}

known if data.principals[input.subject].active

known if input.subject == "anonymous"

held contains grant.id if {
	some name in {input.subject} | {group | some group in input.groups}
	some grant in data.grants[input.api][name]
	input.operation in array.concat(grant.operations, ["listOrders"])
}
`;

let world: World;
test.before(async () => {
  world = await startWorld({
    config: {
      decision_point: {
        listen: { port: 0 },
        authzen: { callers: ['service:invoicer'], search: ['service:finder'] },
      },
    },
  });
  await world.push(files);
});
test.after(() => world.close());

const post = (path: string, body: unknown, name = 'finder') =>
  fetch(`${world.gateway.decisionPoint}/access/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': keyOf(name) },
    body: JSON.stringify(body),
  });
type Page = { next_token: string; count: number };
type Result = { type?: string; id?: string; name?: string };
const search = async (kind: string, body: unknown) => {
  const response = await post(`search/${kind}`, body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as { page?: Page; results: Result[] };
};
const ids = ({ results }: { results: Result[] }) => results.map(({ id, name }) => id ?? name);
const user = (id: string) => ({ type: 'user', id });
const api = (id: string) => ({ type: 'api', id });
const who = (operation: string, at: string, more = {}) =>
  search('subject', { subject: { type: 'user' }, action: { name: operation }, resource: api(at), ...more });

const people = ['ann@example.com', 'bob@example.com', 'cleo@example.com', 'dana@example.com', ...team];
const operations = [
  ['orders', 'listOrders'],
  ['orders', 'getOrder'],
  ['orders', 'createOrder'],
  ['payments', 'createPayment'],
  ['payments', 'approvePayment'],
  ['status', 'ping'],
  ['status', 'getOrder'],
] as const;

test('what is found is what an evaluation allows, whichever part is searched for', async () => {
  for (const context of [{}, { networks: ['office'], mfa: true }, { time: '2026-01-15T00:00:00Z' }]) {
    const questions = people.flatMap((login) =>
      operations.map(([at, name]) => ({ subject: user(login), action: { name }, resource: api(at) })),
    );
    const response = await post('evaluations', { context, evaluations: questions }, 'invoicer');
    const { evaluations } = (await response.json()) as { evaluations: { decision: boolean }[] };
    const allowed = questions.filter((_, i) => evaluations[i]?.decision === true);
    assert.ok(allowed.length > 30, String(allowed.length));
    for (const [at, name] of operations)
      assert.deepEqual(
        ids(await who(name, at, { context })),
        people.filter((login) =>
          allowed.some(
            ({ subject, action, resource }) =>
              subject.id === login && action.name === name && resource.id === at,
          ),
        ),
        `${at} ${name}`,
      );
    for (const login of people.slice(0, 10)) {
      const mine = allowed.filter(({ subject }) => subject.id === login);
      for (const at of ['orders', 'payments', 'status'])
        assert.deepEqual(
          ids(await search('action', { subject: user(login), resource: api(at), context })),
          mine
            .filter(({ resource }) => resource.id === at)
            .map(({ action }) => action.name)
            .sort(),
          `${login} ${at}`,
        );
      assert.deepEqual(
        ids(
          await search('resource', {
            subject: user(login),
            action: { name: 'getOrder' },
            resource: { type: 'api' },
            context,
          }),
        ),
        mine.filter(({ action }) => action.name === 'getOrder').map(({ resource }) => resource.id),
        login,
      );
    }
  }
});

test('services are found as services, and nobody else', async () => {
  const found = await search('subject', {
    subject: { type: 'service' },
    action: { name: 'listOrders' },
    resource: api('orders'),
  });
  assert.deepEqual(found, { results: [{ type: 'service', id: 'invoicer' }] });
});

test('an id of what is searched for changes nothing, whatever it is', async () => {
  const all = ids(await who('getOrder', 'orders'));
  for (const id of ['ann@example.com', 7, null])
    assert.deepEqual(ids(await who('getOrder', 'orders', { subject: { type: 'user', id } })), all);
  const places = { subject: user('p01@example.com'), action: { name: 'getOrder' } };
  for (const id of ['status', []])
    assert.deepEqual(ids(await search('resource', { ...places, resource: { type: 'api', id } })), ['orders']);
});

test('pages follow each other without a gap, and the last one says so', async () => {
  const all = ids(await who('getOrder', 'orders'));
  assert.equal(all.length, 13);
  const seen: unknown[] = [];
  let page: Record<string, unknown> = { limit: 5 };
  for (const size of [5, 5, 3]) {
    const answer = await who('getOrder', 'orders', { page });
    assert.equal(answer.page?.count, size);
    seen.push(...ids(answer));
    assert.equal(answer.page?.next_token === '', size === 3);
    page = { token: answer.page?.next_token };
  }
  assert.deepEqual(seen, all);
});

test('a page of none says how to go on', async () => {
  const { page, results } = await who('getOrder', 'orders', { page: { limit: 0 } });
  assert.deepEqual([results, page?.count], [[], 0]);
  assert.notEqual(page?.next_token, '');
});

test('a token goes with its own question and size of page only', async () => {
  const body = { subject: { type: 'user' }, action: { name: 'getOrder' }, resource: api('orders') };
  const first = await search('subject', { ...body, page: { limit: 5 } });
  const token = first.page?.next_token ?? '';
  assert.equal((await post('search/subject', { ...body, page: { token, limit: 5 } })).status, 200);
  const forged = Buffer.from(JSON.stringify(['user:a', 5, ''])).toString('base64url');
  for (const [kind, other] of [
    ['subject', { ...body, action: { name: 'listOrders' }, page: { token } }],
    ['subject', { ...body, context: { mfa: true }, page: { token } }],
    ['subject', { ...body, subject: { type: 'service' }, page: { token } }],
    ['subject', { ...body, page: { token, limit: 6 } }],
    ['subject', { ...body, page: { token: forged } }],
    ['subject', { ...body, page: { token: token.slice(1) } }],
    ['subject', { ...body, page: { token: '' } }],
    ['action', { subject: user('ann@example.com'), resource: api('orders'), page: { token } }],
  ] as const) {
    const refused = await post(`search/${kind}`, other);
    assert.equal(refused.status, 400, JSON.stringify(other));
    assert.match(await refused.text(), /page\.token/);
  }
});

test('of what nobody knows nothing is found', async () => {
  const action = { name: 'getOrder' };
  for (const [kind, body] of [
    ['subject', { subject: { type: 'spaceship' }, action, resource: api('orders') }],
    ['subject', { subject: { type: 'group' }, action, resource: api('orders') }],
    ['subject', { subject: { type: 'user' }, action, resource: api('nowhere') }],
    ['subject', { subject: { type: 'user' }, action, resource: { type: 'record', id: 'orders' } }],
    ['subject', { subject: { type: 'user' }, action: { name: 'toString' }, resource: api('orders') }],
    ['resource', { subject: user('eve@example.com'), action, resource: { type: 'api' } }],
    ['resource', { subject: user('ann@example.com'), action, resource: { type: 'record' } }],
    ['resource', { subject: { type: 'group', id: 'billing' }, action, resource: { type: 'api' } }],
    ['action', { subject: user('eve@example.com'), resource: api('orders') }],
    ['action', { subject: user('ann@example.com'), resource: { type: 'record', id: 'orders' } }],
    ['action', { subject: user('ann@example.com'), resource: api('__proto__') }],
  ] as const)
    assert.deepEqual(await search(kind, body), { results: [] }, JSON.stringify(body));
});

test('malformed searches are 400', async () => {
  const [subject, action, resource] = [user('ann@example.com'), { name: 'getOrder' }, api('orders')];
  for (const [kind, body] of [
    ['subject', { subject: { type: 'user' }, resource }],
    ['subject', { subject: { type: 'user' }, action, resource: { type: 'api' } }],
    ['subject', { subject: {}, action, resource }],
    ['resource', { action, resource: { type: 'api' } }],
    ['resource', { subject: { type: 'user' }, action, resource: { type: 'api' } }],
    ['action', { subject }],
    ['action', { subject: { type: 'user' }, resource }],
    ['action', { subject, resource, page: { limit: -1 } }],
    ['action', { subject, resource, page: { limit: 1.5 } }],
    ['action', { subject, resource, page: 'all' }],
    ['action', { subject, resource, context: { mfa: 'yes' } }],
  ] as const)
    assert.equal((await post(`search/${kind}`, body)).status, 400, JSON.stringify(body));
});

test('only those who are listed for it may search, and they may not evaluate', async () => {
  const body = { subject: user('ann@example.com'), resource: api('orders') };
  assert.equal((await post('search/action', body)).status, 200);
  assert.equal((await post('search/action', body, 'invoicer')).status, 403);
  assert.equal((await post('evaluation', { ...body, action: { name: 'getOrder' } })).status, 403);
});

test('a search is no use of access: nothing of it is on record', async () => {
  const before = (await world.records()).length;
  await who('getOrder', 'orders');
  assert.equal((await world.records()).length, before);
});

test('a revocation reaches the next search', async () => {
  assert.ok(ids(await who('getOrder', 'orders')).includes('p01@example.com'));
  const left = okta.replace(/("p01@example.com", id: t1, status: )active/, '$1deprovisioned');
  await world.push({ 'grants/directory/okta.yaml': left });
  assert.ok(!ids(await who('getOrder', 'orders')).includes('p01@example.com'));
});

test('the configuration names the endpoints of search where somebody may', async () => {
  const url = world.gateway.decisionPoint;
  const response = await fetch(`${url}/.well-known/authzen-configuration`);
  assert.deepEqual(await response.json(), {
    policy_decision_point: url,
    access_evaluation_endpoint: `${url}/access/v1/evaluation`,
    access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    search_subject_endpoint: `${url}/access/v1/search/subject`,
    search_resource_endpoint: `${url}/access/v1/search/resource`,
    search_action_endpoint: `${url}/access/v1/search/action`,
  });
});

test('a policy of one’s own may allow what no grant names, and it is found', async () => {
  assert.ok(!ids(await who('listOrders', 'orders')).includes('p02@example.com'));
  await world.push({ 'policies/authz/decision.rego': generous });
  const found = ids(await who('listOrders', 'orders'));
  assert.ok(found.includes('p02@example.com'));
  assert.ok(!found.includes('p03@example.com'));
  const noble = generous.replace(
    /\ndefault/,
    '\ndecision := {"allow": true, "grants": ["by-name"], "reason": "x"} if input.subject == "user:zoe@example.com"\n\ndefault',
  );
  await world.push({
    'policies/authz/decision.rego': noble,
    'grants/directory/okta.yaml': okta.replace(
      'groups:\n',
      '  - { login: zoe@example.com, id: z, status: active }\ngroups:\n',
    ),
  });
  assert.ok(
    ids(await who('listOrders', 'orders')).includes('zoe@example.com'),
    'who holds nothing at the API',
  );
});
