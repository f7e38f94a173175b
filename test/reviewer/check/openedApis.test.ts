import assert from 'node:assert/strict';
import { compile } from '../../../bundle/compile/compile.ts';
import { diffData } from '../../../bundle/diff/diffData.ts';
import { changeFacts } from '../../../reviewer/check/changeFacts.ts';
import { newCredentials } from '../../../reviewer/check/newCredentials.ts';
import { openedApis } from '../../../reviewer/check/openedApis.ts';
import { organisationOf } from '../../../reviewer/organisationOf.ts';
import { suite } from '../../_suite.ts';
import { memoryTree } from '../../bundle/_memoryTree.ts';
import { access, asOfMs, base, type Files } from '../_review.ts';

const test = suite('what grants refer to and comes to allow more');

const text = (file: string) => String(base[file]);
const payments = text('grants/apis/payments.yaml');
const services = (...keys: string[]) => ({
  'grants/directory/services.yaml': text('grants/directory/services.yaml').replace(
    'name: invoicer,',
    `name: invoicer, credentials: [${keys.map((key) => `{ spiffe_id: "spiffe://example.com/${key}" }`).join(', ')}],`,
  ),
});
const networks = (office: string, vpn = '203.0.113.0/27') => ({
  'grants/networks.yaml': `office: [${office}]\nvpn: [${vpn}]\n`,
});
const before: Files = {
  ...base,
  ...access([
    { id: 'ann-read', rest: 'role: reader\nexpires: 2027-01-31\nconditions: { networks: [vpn] }' },
    { id: 'ann-pays', api: 'payments', rest: 'role: reader\nconditions: { networks: [office, vpn] }' },
    { id: 'desk-pays', api: 'payments', principal: 'group:desk' },
    { id: 'invoicer-pays', api: 'payments', principal: 'service:invoicer' },
  ]),
  ...networks('"192.0.2.0/25", "2001:db8::/32"'),
  ...services('a'),
  'grants/apis/payments.yaml': `${payments}authentication: [jwt, api-key]\n`,
};
const changed = async (files: Files) => {
  const [was, is] = [
    await organisationOf(memoryTree(before)),
    await organisationOf(memoryTree({ ...before, ...files })),
  ];
  const diff = { ...diffData(compile(was), compile(is), { at: null }), policiesChanged: false };
  return { base: was, head: is, heads: diff.heads, diff };
};
const opened = async (files: Files) => openedApis(await changed(files));

test('a network that holds other addresses opens the APIs whose grants ask for it, one that holds fewer does not', async () => {
  for (const [office, apis] of [
    ['192.0.2.0/24', ['payments']],
    ['198.51.100.0/30', ['payments']],
    ['"192.0.2.0/25", "2001:db8::/31"', ['payments']],
    ['"::ffff:192.0.2.0/119"', ['payments']],
    ['192.0.2.0/26', []],
    ['"2001:db8::/32", "192.0.2.0/25"', []],
    ['"::ffff:192.0.2.0/122"', []],
  ] as const)
    assert.deepEqual(await opened(networks(office)), apis, office);
  const wider = networks('"192.0.2.0/25", "2001:db8::/32"', '203.0.112.0/20');
  assert.deepEqual(await opened(wider), ['orders', 'payments']);
  // What comes with it is judged by itself.
  const coming = [
    {
      id: 'dana-read',
      principal: 'user:dana@example.com',
      rest: 'role: reader\nconditions: { networks: [vpn] }',
    },
  ];
  const others = { 'grants/access/payments/group-desk.yaml': null, ...access(coming) };
  assert.deepEqual(await opened({ ...wider, ...others }), []);
});

test('so do more ways to sign in and an operation that is another path or method, and not fewer and new ones', async () => {
  const api = (more: string, from = '', to = '') => ({
    'grants/apis/payments.yaml': `${payments.replace(from, to)}${more}`,
  });
  const two = 'authentication: [jwt, api-key]\n';
  assert.deepEqual(await opened(api('')), ['payments'], 'any way');
  assert.deepEqual(await opened(api('authentication: [jwt, client-certificate]\n')), ['payments']);
  assert.deepEqual(await opened(api('authentication: [jwt]\n')), []);
  assert.deepEqual(await opened(api(two, 'get: GET', 'get: PUT')), ['payments']);
  assert.deepEqual(await opened(api(two, 'get: GET /v1', 'get: GET /v2')), ['payments']);
  assert.deepEqual(await opened(api(two, 'operations:', 'operations:\n  more: GET /v1/more')), []);
  // What callers may ask of one, another answers.
  const [upstream, prefix] = ['http://payments.internal:8080', 'prefix: /payments'];
  for (const other of ['http://ledger.internal:8080', `${upstream}/v2`, 'https://payments.internal:8080'])
    assert.deepEqual(await opened(api(two, upstream, other)), ['payments'], other);
  assert.deepEqual(await opened(api(two, upstream, `${upstream}/`)), []);
  assert.deepEqual(await opened(api(`${two}host_header: caller\n`)), ['payments']);
  assert.deepEqual(await opened(api(two, prefix, 'prefix: /admin')), ['payments']);
  assert.deepEqual(await opened(api(two, prefix, 'prefix: /payments, strip: true')), ['payments']);
});

test('an API that comes to where another one is guarded higher is guarded as that one is', async () => {
  const orders = text('grants/apis/orders.yaml');
  const guards = async (from: string, to: string, more: Files = {}) => {
    const {
      base: was,
      head,
      diff,
    } = await changed({
      'grants/apis/orders.yaml': orders.replace(from, to),
      ...more,
    });
    const asked = { base: was, head, diff, rulesChanged: [], removed: new Map(), asOf: asOfMs / 1000 };
    return changeFacts(asked).changes.map(({ kind, api, tier }) => `${kind} ${api} ${tier}`);
  };
  assert.deepEqual(await guards('orders.internal', 'payments.internal'), ['opened orders high']);
  assert.deepEqual(await guards('orders.internal', 'ledger.internal'), ['opened orders medium']);
  assert.deepEqual(await guards('description: What', 'description: All that'), []);
  // What is to be guarded higher is so at once.
  const anew = access([{ id: 'of-desk', principal: 'group:desk' }]);
  assert.deepEqual(await guards('tier: medium', 'tier: critical', anew), [
    'loses orders critical',
    'gains orders critical',
  ]);
});

test('a service that is known by another credential is told of where it holds something', async () => {
  const told = async (files: Files) => newCredentials(await changed(files));
  assert.deepEqual(await told(services('a', 'b')), [['payments', 'service:invoicer']]);
  assert.deepEqual(await told(services('b')), [['payments', 'service:invoicer']]);
  assert.deepEqual(
    await told({ 'grants/directory/services.yaml': base['grants/directory/services.yaml'] ?? null }),
    [],
  );
  assert.deepEqual(await told({}), []);
  // By a group, too; and of one that came all that it is granted is told.
  const directory = text('grants/directory/okta.yaml');
  const member = directory.replace(
    '["user:dana@example.com"]',
    '["user:dana@example.com", "service:invoicer"]',
  );
  const night = access([{ id: 'of-night', principal: 'group:night' }]);
  assert.deepEqual(
    (await told({ ...services('b'), ...night, 'grants/directory/okta.yaml': member })).sort(),
    [
      ['orders', 'service:invoicer'],
      ['payments', 'service:invoicer'],
    ],
  );
  const late = `${services('a')['grants/directory/services.yaml']}  - { name: late, owner: group:desk, state: active, credentials: [{ spiffe_id: "spiffe://example.com/late" }] }\n`;
  const ofLate = access([{ id: 'of-late', principal: 'service:late' }]);
  assert.deepEqual(await told({ 'grants/directory/services.yaml': late, ...ofLate }), []);
});

test('whoever has access for longer or under looser conditions gains by it, and nobody by less', async () => {
  const gainers = async (rest: string) => {
    const {
      base: was,
      head,
      diff,
    } = await changed(access([{ id: 'ann-read', rest: `role: reader\n${rest}` }]));
    const asked = { base: was, head, diff, rulesChanged: [], removed: new Map(), asOf: asOfMs / 1000 };
    return [...changeFacts(asked).gainers];
  };
  const [until, vpn, anns] = [
    'expires: 2027-01-31',
    'conditions: { networks: [vpn] }',
    ['user:ann@example.com'],
  ];
  assert.deepEqual(await gainers(`expires: 2027-02-28\n${vpn}`), [['orders', anns]]);
  assert.deepEqual(await gainers(until), [['orders', anns]]);
  assert.deepEqual(await gainers(`${until}\n${vpn.replace('vpn', 'office')}`), [['orders', anns]]);
  assert.deepEqual(await gainers(`expires: 2027-01-30\n${vpn}`), []);
  assert.deepEqual(await gainers(`${until}\n${vpn.replace('networks', 'mfa: true, networks')}`), []);
});
