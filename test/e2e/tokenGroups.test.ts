import * as assert from 'node:assert/strict';
import { suite } from '../_suite.ts';
import { startWorld, type World } from '../gateway/_gateway.ts';
import { type Issuer, startIssuer } from '../gateway/_issuer.ts';

const test = suite('groups of tokens, from the token to the upstream');
const now = () => Date.parse('2026-11-23T10:00:00Z');
/** Who puts its groups into a claim, into a claim within others, and who leaves them to the directory. */
let flat: Issuer;
let nested: Issuer;
let listed: Issuer;
let world: World;

const grant = (id: string, principal: string, operation: string) => `- id: ${id}
  principal: ${JSON.stringify(principal)}
  api: orders
  operations: [${operation}]
  reason: A test
  owner: group:commerce
  granted: 2026-01-01
`;
test.before(async () => {
  [flat, nested, listed] = await Promise.all([
    startIssuer({ now }),
    startIssuer({ now }),
    startIssuer({ now }),
  ]);
  const issuer = ({ url }: Issuer, groups?: unknown) => ({
    issuer: url,
    audience: 'grantgate',
    ...(groups === undefined ? {} : { groups }),
  });
  world = await startWorld({
    config: {
      issuers: [
        issuer(flat, { claim: 'groups' }),
        issuer(nested, { claim: 'realm_access.roles' }),
        issuer(listed),
      ],
    },
    files: {
      'grants/access/orders/tokens.yaml': [
        grant('of-ann', 'user:ann@example.com', 'createOrder'),
        grant('of-dana', 'user:dana@example.com', 'createOrder'),
        grant('of-night', 'group:Night Shift', 'getOrder'),
        // A group that is called like a person, as far as a token goes.
        grant('of-the-named', 'group:user:ann@example.com', 'listOrders'),
      ].join(''),
    },
  });
});
test.after(async () => {
  await world.close();
  for (const issuer of [flat, nested, listed]) await issuer.close();
});

const calls = {
  list: ['GET', '/orders/v1/orders'],
  get: ['GET', '/orders/v1/orders/1'],
  create: ['POST', '/orders/v1/orders'],
} as const;
/** What a caller may do, by whose grants; or the status and code of the refusal where nobody is let in at all. */
async function may(issuer: Issuer, claims: Record<string, unknown>) {
  const authorization = `Bearer ${await issuer.token({ sub: 'zoe@example.com', ...claims })}`;
  const answers: string[] = [];
  for (const [name, [method, path]] of Object.entries(calls)) {
    world.upstream.received.length = 0;
    const response = await fetch(`${world.gateway.url}${path}`, { method, headers: { authorization } });
    const text = await response.text();
    const reached = world.upstream.received.map(({ headers }) => headers['x-grantgate-grants']?.join());
    assert.equal(reached.length, response.status === 200 ? 1 : 0);
    if (response.status === 200) answers.push(`${name}: ${reached[0]}`);
    else if (response.status !== 403) answers.push(`${response.status} ${JSON.parse(text).code}`);
  }
  return [...new Set(answers)].join('; ');
}
const many = (count: number) => Array.from({ length: count }, (_, index) => `g${index}`);

test('a person whom no directory knows has the groups of the token, however they are spelled there', async () => {
  for (const groups of [
    ['billing'],
    'billing',
    ['/billing'],
    ['BILLING', 'billing'],
    ['x', 7, null, 'billing'],
  ])
    assert.equal(await may(flat, { groups }), 'list: orders-billing-read; get: orders-billing-read');
  assert.equal(await may(flat, { groups: 'night shift' }), 'get: of-night');
  assert.equal(
    await may(flat, { groups: ['Night Shift', 'billing'] }),
    'list: orders-billing-read; get: of-night,orders-billing-read',
  );
});

test('what is no list of names, is missing or empty, is no group', async () => {
  const claims = [
    undefined,
    null,
    [],
    '',
    {},
    7,
    true,
    [['billing']],
    [{ name: 'billing' }],
    { billing: true },
  ];
  for (const groups of [
    ...claims,
    'billing,commerce',
    'billing commerce',
    [' billing'],
    ['billing\n'],
    ['//billing'],
    ['*'],
  ])
    assert.equal(await may(flat, { groups }), '', JSON.stringify(groups));
});

test('500 groups are read, 501 are none: no half of a list decides', async () => {
  assert.equal(await may(flat, { groups: [...many(499), 'Night Shift'] }), 'get: of-night');
  assert.equal(await may(flat, { groups: [...many(500), 'Night Shift'] }), '');
  assert.equal(await may(flat, { groups: ['Night Shift', ...many(500)] }), '');
});

test('a name in the claim is a group’s, never a person’s or a service’s', async () => {
  const names = [
    'user:dana@example.com',
    'service:invoicer',
    '/user:dana@example.com',
    'group:Night Shift',
    'anonymous',
  ];
  for (const name of names) assert.equal(await may(flat, { groups: [name] }), '', name);
  assert.equal(await may(flat, { groups: names }), '');
  // Whoever calls a group like a person grants to the group only.
  assert.equal(await may(flat, { groups: ['user:ann@example.com'] }), 'list: of-the-named');
  assert.equal(
    await may(listed, { sub: 'ann@example.com' }),
    'list: orders-billing-read; get: orders-billing-read; create: of-ann',
  );
});

test('the token’s groups take the place of the directory’s; who is inactive there stays so', async () => {
  // ann is in billing, by the directory.
  assert.equal(await may(flat, { sub: 'ann@example.com' }), 'create: of-ann');
  assert.equal(
    await may(flat, { sub: 'ann@example.com', groups: ['Night Shift'] }),
    'get: of-night; create: of-ann',
  );
  assert.equal(await may(flat, { sub: 'bob@example.com', groups: ['billing'] }), '');
});

test('of an issuer that leaves groups to the directory a claim says nothing', async () => {
  assert.equal(await may(listed, { groups: ['billing', 'Night Shift'] }), '');
  assert.equal(await may(listed, { sub: 'dana@example.com', groups: ['billing'] }), 'create: of-dana');
  assert.equal(
    await may(listed, { sub: 'cleo@example.com', hasgroups: true }),
    'list: orders-billing-read; get: orders-billing-read',
  );
});

test('a claim within others is found by its path, and a claim of that very name before it', async () => {
  const roles = ['Night Shift'];
  assert.equal(await may(nested, { realm_access: { roles } }), 'get: of-night');
  assert.equal(await may(nested, { 'realm_access.roles': roles }), 'get: of-night');
  assert.equal(await may(nested, { 'realm_access.roles': [], realm_access: { roles } }), '');
  for (const claims of [
    { roles },
    { groups: roles },
    { realm_access: roles },
    { realm_access: [{ roles }] },
    { realm_access: null },
  ])
    assert.equal(await may(nested, claims), '', JSON.stringify(claims));
});

test('groups that stand elsewhere (Entra’s overage) are refused as such, and not taken for none', async () => {
  const names = {
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.example/' } },
  };
  for (const claims of [names, { hasgroups: true }, { hasgroups: 'true' }])
    assert.equal(await may(flat, { sub: 'ann@example.com', ...claims }), '401 groups-elsewhere');
  // Groups that are there count; names of other claims say nothing of groups.
  assert.equal(await may(flat, { ...names, groups: ['Night Shift'] }), 'get: of-night');
  assert.equal(await may(flat, { _claim_names: { photo: 'src1' } }), '');
  assert.equal(world.upstream.received.length, 0);
});
