import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Explanation } from '../../gateway/explain/explanation.ts';
import { suite } from '../_suite.ts';
import { serviceEntry, startWorld, type World } from './_gateway.ts';

const test = suite('path parameters that grants restrict');

const secret = 'a-secret-of-the-invoicer-0123456789';
const access = (tenants: string) => `- id: ann-tenant
  principal: user:ann@example.com
  api: orders
  operations: [tenantOrders]
  params: { tenant: ${tenants} }
  reason: Their own tenant
  owner: group:commerce
  granted: 2026-01-01
- id: cleo-own
  principal: user:cleo@example.com
  api: orders
  operations: [tenantOrders]
  params: { tenant: claim:org.tenant }
  reason: Their own tenant
  owner: group:commerce
  granted: 2026-01-01
`;
const file = 'grants/access/orders/tenants.yaml';

let world: World;
test.before(async () => {
  world = await startWorld({
    config: {
      decision_point: { listen: { port: 0 }, authzen: { callers: ['service:invoicer'] } },
    },
  });
  const orders = await readFile(join(world.tree.root, 'grants/apis/orders.yaml'), 'utf8');
  await world.push({
    'grants/apis/orders.yaml': orders
      .replace('  createOrder:', '  tenantOrders: GET /v1/tenants/{tenant}\n  createOrder:')
      .concat('exceptions: { tenantOrders: { encoded_slash: true } }\n'),
    [file]: access('[acme, "a/b"]'),
    'grants/directory/services.yaml': `services:\n${serviceEntry('invoicer', secret)}`,
  });
});
test.after(() => world.close());

/** The statuses of requests by one and the same token, which is what a gateway remembers a caller by. */
async function statuses(as: string, claims: Record<string, unknown>, tenants: readonly string[]) {
  const token = await world.issuer.token({ sub: as, ...claims });
  const found: number[] = [];
  for (const tenant of tenants) {
    const response = await fetch(`${world.gateway.url}/orders/v1/tenants/${tenant}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await response.arrayBuffer();
    found.push(response.status);
  }
  return found;
}

test('a value that the grant names is let in and every other is not, however often either was asked for', async () => {
  const tenants = [
    'acme',
    'other',
    'acme',
    'other',
    'a%2Fb',
    'a%2fb',
    'ACME',
    '%61cme',
    'acme%20',
    'acme%2F',
    '%2561cme',
  ];
  const wanted = [200, 403, 200, 403, 200, 200, 403, 200, 403, 400, 403];
  assert.deepEqual(await statuses('ann@example.com', {}, tenants), wanted);
  const [record] = (await world.records()).slice(-tenants.length);
  assert.deepEqual([record?.input.params, record?.input.claims], [{ tenant: 'acme' }, undefined]);
  const denied = await world.get('/orders/v1/tenants/other');
  assert.equal(((await denied.json()) as { code: string }).code, 'parameter-not-covered');
  assert.equal((await world.get('/orders/v1/orders/7')).status, 200);
});

test('a value that the token says is let in, and a token that says nothing of use opens no other', async () => {
  const cleo = 'cleo@example.com';
  assert.deepEqual(
    await statuses(cleo, { org: { tenant: 'acme' } }, ['acme', 'other', 'acme']),
    [200, 403, 200],
  );
  assert.deepEqual(await statuses(cleo, { 'org.tenant': 7 }, ['7', '07', '7']), [200, 403, 200]);
  for (const claims of [
    {},
    { org: { tenant: ['acme'] } },
    { org: { tenant: { acme: 'acme' } } },
    { org: { tenant: '' } },
    { org: { tenant: null } },
    { org: { tenant: true } },
    { org: ['acme'] },
  ])
    assert.deepEqual(
      await statuses(cleo, claims, ['acme', 'null', 'true', 'undefined', '%5Bobject%20Object%5D']),
      [403, 403, 403, 403, 403],
      JSON.stringify(claims),
    );
  const record = (await world.records()).at(-1);
  assert.deepEqual(record?.input.claims, { 'org.tenant': null });
});

test('an application says parameters as properties of the resource, and claims as those of the subject', async () => {
  const evaluate = async (login: string, operation: string, tenant: unknown, claims: object = {}) => {
    const response = await fetch(`${world.gateway.decisionPoint}/access/v1/evaluation`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': `gg_invoicer_${secret}` },
      body: JSON.stringify({
        subject: { type: 'user', id: login, properties: claims },
        action: { name: operation },
        resource: { type: 'api', id: 'orders', properties: { tenant } },
      }),
    });
    const { decision, context } = (await response.json()) as {
      decision: boolean;
      context: { reason: string };
    };
    return [decision, context.reason];
  };
  const [ann, cleo] = ['ann@example.com', 'cleo@example.com'];
  const no = [false, 'parameter-not-covered'];
  assert.deepEqual(await evaluate(ann, 'tenantOrders', 'acme'), [true, 'granted']);
  for (const tenant of ['other', '', 7, ['acme'], null, { acme: 1 }, undefined, 'acme\ud800'])
    assert.deepEqual(await evaluate(ann, 'tenantOrders', tenant), no, JSON.stringify(tenant));
  assert.deepEqual(await evaluate(ann, 'tenantOrders', 'acme'), [true, 'granted']);
  assert.deepEqual(await evaluate(cleo, 'tenantOrders', 'acme', { 'org.tenant': 'acme' }), [true, 'granted']);
  assert.deepEqual(await evaluate(cleo, 'tenantOrders', 'acme', { 'org.tenant': 'other' }), no);
  assert.deepEqual(await evaluate(cleo, 'tenantOrders', 'acme'), no);
});

test('an explanation says which values a grant is for, and which one was asked for', async () => {
  const explain = async (question: object) => {
    const response = await fetch(`${world.gateway.admin}/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ api: 'orders', ...question }),
    });
    return (await response.json()) as Explanation & { words: string; detail?: string };
  };
  const ann = { subject: 'user:ann@example.com', operation: 'tenantOrders' };
  assert.equal((await explain({ ...ann, params: { tenant: 'acme' } })).allowed, true);
  const other = await explain({ ...ann, params: { tenant: 'other' } });
  assert.equal(other.reason, 'parameter-not-covered');
  assert.match(other.words, /ann-tenant is for tenant a\/b or acme only, not for tenant "other"/);
  const byPath = await explain({ subject: 'user:ann@example.com', path: '/orders/v1/tenants/%61cme' });
  assert.deepEqual([byPath.allowed, byPath.input?.params], [true, { tenant: 'acme' }]);
  const cleo = { subject: 'user:cleo@example.com', operation: 'tenantOrders', params: { tenant: 'acme' } };
  assert.equal((await explain({ ...cleo, claims: { 'org.tenant': 'acme' } })).allowed, true);
  assert.match(
    (await explain(cleo)).words,
    /tenant as the claim org\.tenant says only, not for .*claim org\.tenant \(none\)/,
  );
  assert.match(
    (await explain({ subject: 'user:ann@example.com', path: '/x', params: { tenant: 'acme' } })).detail ?? '',
    /stand in the path/,
  );
});

test('a merge that names fewer values is in force for those who have been remembered', async () => {
  assert.deepEqual(await statuses('ann@example.com', { jti: '1' }, ['acme']), [200]);
  await world.push({ [file]: access('[other]') });
  assert.deepEqual(await statuses('ann@example.com', { jti: '1' }, ['acme', 'other']), [403, 200]);
  const [denied] = (await world.records()).slice(-2);
  assert.deepEqual(denied?.regressed?.grants, ['ann-tenant']);
});

test('what a policy of the repository knows nothing of is no grant of it: such a bundle is not built', async () => {
  const before = await world.get('/orders/v1/tenants/other');
  assert.equal(before.status, 200);
  const answer = await world.push({
    'policies/authz/decision.rego': `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no-grant"}

decision := {"allow": true, "grants": sort(holding), "reason": "granted"} if count(holding) > 0

holding contains grant.id if {
	some grant in data.grants[input.api][input.subject]
	input.operation in grant.operations
}
`,
  });
  assert.match(JSON.stringify(answer), /path parameters/);
  assert.equal((await world.get('/orders/v1/tenants/acme')).status, 403);
});
