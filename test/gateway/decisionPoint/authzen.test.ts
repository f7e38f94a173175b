import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { serviceEntry, startWorld, type World } from '../_gateway.ts';

const test = suite('authzen');
const secrets = {
  invoicer: 'a-secret-of-the-invoicer-0123456789',
  mailer: 'a-secret-of-the-mailer-0123456789',
  other: 'a-secret-of-the-other-one-0123456789',
};
const key = (name: keyof typeof secrets) => `gg_${name}_${secrets[name]}`;
const service = (name: keyof typeof secrets, state: 'active' | 'disabled', subject = '') =>
  serviceEntry(name, secrets[name], { state, ...(subject !== '' && { more: `jwt_subject: "${subject}"` }) });

let world: World;
test.before(async () => {
  world = await startWorld({
    config: {
      decision_point: {
        listen: { port: 0 },
        authzen: { callers: ['service:invoicer', 'service:mailer'] },
      },
    },
  });
  const services = [
    service('invoicer', 'active', `${world.issuer.url}|invoicer-client`),
    service('mailer', 'disabled'),
    service('other', 'active'),
  ];
  await world.push({ 'grants/directory/services.yaml': `services:\n${services.join('')}` });
});
test.after(() => world.close());

type Answer = { decision: boolean; context?: Record<string, unknown> };
const url = () => world.gateway.decisionPoint ?? '';
const post = (
  path: string,
  body: unknown,
  headers: Record<string, string> = { 'x-api-key': key('invoicer') },
) =>
  fetch(`${url()}/access/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const evaluate = async (body: unknown): Promise<Answer> => {
  const response = await post('evaluation', body);
  assert.equal(response.status, 200, JSON.stringify(body));
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  return (await response.json()) as Answer;
};
const user = (id: string) => ({ type: 'user', id });
const orders = { type: 'api', id: 'orders' };
const question = (login: string, operation: string, more = {}) => ({
  subject: user(login),
  action: { name: operation },
  resource: orders,
  ...more,
});
const code = async (response: Response) => ((await response.json()) as { code: string }).code;

test('what the policy allows is true and what it denies is false, each on record', async () => {
  const yes = await evaluate(question('ann@example.com', 'getOrder'));
  assert.equal(yes.decision, true);
  const allowed = (await world.records()).at(-1);
  assert.equal(yes.context?.decision_id, allowed?.decision_id);
  assert.deepEqual(allowed?.input, {
    subject: 'user:ann@example.com',
    groups: ['group:billing'],
    api: 'orders',
    operation: 'getOrder',
    method: 'GET',
    path: '/v1/orders/{orderId}',
    networks: [],
    mfa: false,
    time: Math.floor(world.clock.now / 1000),
  });
  assert.deepEqual(allowed?.result, { allow: true, grants: ['orders-billing-read'], reason: 'granted' });

  const no = await evaluate(question('cleo@example.com', 'createOrder'));
  const denied = (await world.records()).at(-1);
  assert.deepEqual(no, {
    decision: false,
    context: { reason: 'operation-not-covered', decision_id: denied?.decision_id },
  });
  assert.equal(denied?.result.allow, false);
});

test('conditions are met by what the application says of its caller', async () => {
  const ask = async (context?: object) =>
    (await evaluate(question('ann@example.com', 'createOrder', context ? { context } : {}))).decision;
  assert.equal(await ask({ networks: ['office'], mfa: true }), true);
  assert.equal(await ask({ networks: ['office'], mfa: false }), false);
  assert.equal(await ask({ networks: ['vpn', 'nowhere'], mfa: true }), false);
  assert.equal(await ask(), false);
  const record = (await world.records()).at(-2);
  assert.deepEqual(record?.input.networks, ['vpn']);
});

test('a time may be given, and a grant is over at its end', async () => {
  const at = async (time: string) =>
    (await evaluate(question('ann@example.com', 'getOrder', { context: { time } }))).decision;
  assert.equal(await at('2027-02-28T23:59:59Z'), true);
  assert.equal(await at('2027-03-01T00:00:00Z'), false);
  assert.equal(await at('2027-03-01T00:30+01:00'), true);
  const malformed = await post(
    'evaluation',
    question('ann@example.com', 'getOrder', { context: { time: 'soon' } }),
  );
  assert.equal(malformed.status, 400);
});

test('services are asked about too; the unknown, the inactive and the unnameable are denied', async () => {
  const ask = async (subject: object, operation = 'listOrders') =>
    evaluate({ subject, action: { name: operation }, resource: orders });
  assert.equal((await ask({ type: 'service', id: 'invoicer' })).decision, true);
  assert.equal((await ask({ type: 'service', id: 'mailer' })).context?.reason, 'principal-inactive');
  assert.equal((await ask(user('bob@example.com'))).context?.reason, 'principal-inactive');
  assert.equal((await ask(user('eve@example.com'))).context?.reason, 'principal-unknown');
  const before = (await world.records()).length;
  for (const subject of [
    { type: 'group', id: 'billing' },
    user('ann@example.com '),
    user('\ud800'),
    { type: 'user:ann@example.com', id: 'x' },
    { type: 'user', id: 'x'.repeat(5000) },
  ])
    assert.deepEqual(await ask(subject), { decision: false, context: { reason: 'principal-unknown' } });
  for (const [resource, name] of [
    [{ type: 'api', id: 'nowhere' }, 'listOrders'],
    [{ type: 'document', id: 'orders' }, 'listOrders'],
    [{ type: 'api', id: '__proto__' }, 'listOrders'],
    [orders, 'toString'],
    [orders, 'GET /v1/orders'],
  ])
    assert.deepEqual(await evaluate({ subject: user('ann@example.com'), action: { name }, resource }), {
      decision: false,
      context: { reason: 'no-such-operation' },
    });
  // What cannot be asked is not on record.
  assert.equal((await world.records()).length, before);
});

const all = {
  subject: user('ann@example.com'),
  resource: orders,
  evaluations: [
    { action: { name: 'getOrder' } },
    { action: { name: 'createOrder' } },
    { action: { name: 'listOrders' }, subject: user('eve@example.com') },
    { action: { name: 'listOrders' } },
  ],
};
const decisions = async (body: unknown) => {
  const response = await post('evaluations', body);
  assert.equal(response.status, 200);
  const { evaluations } = (await response.json()) as { evaluations: Answer[] };
  return evaluations.map(({ decision }) => decision);
};

test('several are answered in their order, with defaults from the request', async () => {
  assert.deepEqual(await decisions(all), [true, false, false, true]);
  const mfa = { ...all, context: { networks: ['office'], mfa: true } };
  assert.deepEqual(await decisions(mfa), [true, true, false, true]);
});

test('each semantic stops where it should, and asks nothing beyond', async () => {
  const before = (await world.records()).length;
  const as = (evaluations_semantic: string) => decisions({ ...all, options: { evaluations_semantic } });
  assert.deepEqual(await as('execute_all'), [true, false, false, true]);
  assert.deepEqual(await as('deny_on_first_deny'), [true, false]);
  assert.deepEqual(await as('permit_on_first_permit'), [true]);
  const reversed = { ...all, evaluations: [...all.evaluations].reverse().slice(1) };
  const options = { evaluations_semantic: 'permit_on_first_permit' };
  assert.deepEqual(await decisions({ ...reversed, options }), [false, false, true]);
  assert.equal((await world.records()).length, before + 4 + 2 + 1 + 3);
  const unknown = await post('evaluations', { ...all, options: { evaluations_semantic: 'any' } });
  assert.equal(unknown.status, 400);
});

test('one that cannot be read is denied in its place, and stops where a denial does', async () => {
  const broken = { ...all, evaluations: [all.evaluations[0], { action: {} }, all.evaluations[3]] };
  const response = await post('evaluations', broken);
  const { evaluations } = (await response.json()) as { evaluations: Answer[] };
  assert.deepEqual(
    evaluations.map(({ decision }) => decision),
    [true, false, true],
  );
  const error = evaluations[1]?.context?.error as { status: number; message: string };
  assert.equal(error.status, 400);
  assert.match(error.message, /action\.name/);
  const options = { evaluations_semantic: 'deny_on_first_deny' };
  assert.deepEqual(await decisions({ ...broken, options }), [true, false]);
});

test('without a list it is a single evaluation', async () => {
  for (const more of [{}, { evaluations: [] }]) {
    const response = await post('evaluations', question('ann@example.com', 'getOrder', more));
    assert.equal(((await response.json()) as Answer).decision, true);
  }
});

test('the request id comes back, in errors too', async () => {
  const headers = { 'x-api-key': key('invoicer'), 'x-request-id': 'bfe9eb29-ab87' };
  const good = await post('evaluation', question('ann@example.com', 'getOrder'), headers);
  assert.equal(good.headers.get('x-request-id'), 'bfe9eb29-ab87');
  const bad = await post('evaluation', '{', headers);
  assert.equal(bad.status, 400);
  assert.equal(bad.headers.get('x-request-id'), 'bfe9eb29-ab87');
});

test('only active services that are listed may ask; nothing of theirs is on record', async () => {
  const before = (await world.records()).length;
  const asked = question('ann@example.com', 'getOrder');
  const bearer = async (sub: string) => ({ authorization: `Bearer ${await world.issuer.token({ sub })}` });
  assert.equal((await post('evaluation', asked, await bearer('invoicer-client'))).status, 200);
  const nobody = await post('evaluation', asked, {});
  assert.equal(nobody.status, 401);
  assert.match(nobody.headers.get('www-authenticate') ?? '', /^Bearer/);
  for (const headers of [
    { 'x-api-key': 'gg_inv1_wrong-wrong-wrong-wrong' },
    { authorization: 'Bearer x.y.z' },
  ])
    assert.equal((await post('evaluation', asked, headers)).status, 401);
  for (const headers of [
    { 'x-api-key': key('other') },
    { 'x-api-key': key('mailer') },
    await bearer('ann@example.com'),
  ]) {
    const refused = await post('evaluation', asked, headers);
    assert.equal(refused.status, 403);
    assert.equal(await code(refused), 'caller-not-allowed');
  }
  assert.equal((await world.records()).length, before + 1);
});

test('malformed questions are 400 as a whole', async () => {
  const good = question('ann@example.com', 'getOrder');
  const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '['.repeat(100_000),
    without('subject'),
    without('action'),
    without('resource'),
    { ...good, subject: { type: 'user' } },
    { ...good, subject: { type: 'user', id: 7 } },
    { ...good, action: { name: '' } },
    { ...good, context: [] },
    { ...good, context: { mfa: 'yes' } },
    { ...good, context: { networks: 'office' } },
    { ...good, subject: { ...good.subject, properties: 'none' } },
  ]) {
    const response = await post('evaluation', body);
    assert.equal(response.status, 400, JSON.stringify(body).slice(0, 80));
    assert.equal(await code(response), 'evaluation-malformed');
  }
  for (const evaluations of ['none', [1], [null], Array.from({ length: 201 }, () => ({}))])
    assert.equal((await post('evaluations', { ...all, evaluations })).status, 400);
  const text = await post('evaluation', good, { 'x-api-key': key('invoicer'), 'content-type': 'text/plain' });
  assert.equal(text.status, 400);
  const large = await post('evaluation', { ...good, context: { note: 'x'.repeat(300_000) } });
  assert.equal(large.status, 413);
  // Keys that nobody here knows are passed over.
  assert.equal((await evaluate({ ...good, context: { weather: 'rain' }, trace: 1 })).decision, true);
  const got = await fetch(`${url()}/access/v1/evaluation`, { headers: { 'x-api-key': key('invoicer') } });
  assert.equal(got.status, 405);
});

test('the configuration names the endpoints, and the listener knows nothing else', async () => {
  const response = await fetch(`${url()}/.well-known/authzen-configuration`);
  assert.deepEqual(await response.json(), {
    policy_decision_point: url(),
    access_evaluation_endpoint: `${url()}/access/v1/evaluation`,
    access_evaluations_endpoint: `${url()}/access/v1/evaluations`,
  });
  for (const path of ['/authorize', '/authorize/orders/v1/orders', '/access/v1/search/subject', '/'])
    assert.equal((await fetch(url() + path)).status, 404, path);
  assert.equal((await fetch(`${world.gateway.url}/access/v1/evaluation`, { method: 'POST' })).status, 404);
});

test('a suspended grant answers false at the next question', async () => {
  const asked = question('cleo@example.com', 'getOrder');
  assert.equal((await evaluate(asked)).decision, true);
  const access = sampleFiles['grants/access/orders/billing.yaml'] ?? '';
  const suspended = access.replace('  owner: group:billing', '  owner: group:billing\n  state: suspended');
  await world.push({ 'grants/access/orders/billing.yaml': suspended });
  assert.equal((await evaluate(asked)).decision, false);
  assert.deepEqual((await world.records()).at(-1)?.regressed?.grants, ['orders-billing-read']);
});
