import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { serviceEntry, startWorld, type World } from '../_gateway.ts';

// The fixture of the working group's certification scenario, as grants: its levels Basic, Batch and Search in their Core
// form, and Discovery.
const test = suite('objects of an API, as AuthZEN names them');
const secret = 'a-secret-of-a-service-0123456789';
const grant = (id: string, principal: string, operations: string, ids: string) => `- id: ${id}
  principal: ${principal}
  api: record
  operations: [${operations}]
  reason: Fixture
  owner: group:commerce
  granted: 2025-01-01
  params: { id: [${ids}] }
`;
const files = {
  'grants/directory/services.yaml': `services:\n${serviceEntry('invoicer', secret)}`,
  'grants/directory/okta.yaml': (sampleFiles['grants/directory/okta.yaml'] ?? '')
    .replace(
      'groups:\n',
      '  - { login: alice, id: f1, status: active }\n  - { login: bob, id: f2, status: active }\ngroups:\n',
    )
    .replace('groups:\n', 'groups:\n  - { name: readers, members: ["user:alice", "user:bob"] }\n'),
  'grants/apis/record.yaml': `api: record
description: Records
owner: group:commerce
tier: low
upstream: http://record.internal:8080
route: { prefix: /record, strip: true }
operations: { list: GET /, read: 'GET /{id}', write: 'PUT /{id}', part: 'GET /{id}/parts/{part}' }
`,
  'grants/access/record/fixture.yaml':
    grant('record-readers-read', 'group:readers', 'read', 'record-1, record-2') +
    grant('record-alice-write', 'user:alice', 'write', 'record-1') +
    grant('record-bob-write', 'user:bob', 'write', 'record-2'),
};

let world: World;
test.before(async () => {
  const authzen = { callers: ['service:invoicer'], search: ['service:invoicer'] };
  world = await startWorld({ config: { decision_point: { listen: { port: 0 }, authzen } } });
  await world.push(files);
});
test.after(() => world.close());

const post = (path: string, body: unknown) =>
  fetch(`${world.gateway.decisionPoint}/access/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': `gg_invoicer_${secret}` },
    body: JSON.stringify(body),
  });
const answered = async <T>(path: string, body: unknown) => {
  const response = await post(path, body);
  assert.equal(response.status, 200, JSON.stringify(body));
  return (await response.json()) as T;
};
const user = (id: string) => ({ type: 'user', id });
const record = (id: string) => ({ type: 'record', id });
const question = (login: string, name: string, id: string) => ({
  subject: user(login),
  action: { name },
  resource: record(id),
});
const context = { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' };
const found = async (kind: string, body: unknown) =>
  (await answered<{ results: object[] }>(`search/${kind}`, body)).results;

test('an object is decided by the parameter that names it', async () => {
  for (const [login, name, id, decision] of [
    ['alice', 'read', 'record-1', true],
    ['alice', 'write', 'record-1', true],
    ['bob', 'read', 'record-1', true],
    ['bob', 'write', 'record-1', false],
    ['alice', 'write', 'record-2', false],
    ['bob', 'write', 'record-2', true],
    ['alice', 'read', 'record-3', false],
    ['alice', 'read', 'RECORD-1', false],
    ['eve', 'read', 'record-1', false],
  ] as const)
    for (const more of [{}, { context }])
      assert.equal(
        (await answered<{ decision: boolean }>('evaluation', { ...question(login, name, id), ...more }))
          .decision,
        decision,
        `${login} ${name} ${id}`,
      );
});

test('what is said of the parameter beside it does not count', async () => {
  const resource = { ...record('record-1'), properties: { id: 'record-2' } };
  const asked = { ...question('bob', 'write', 'record-1'), resource };
  assert.equal((await answered<{ decision: boolean }>('evaluation', asked)).decision, false);
});

test('an operation on no object, or on more than one name, is none of an object', async () => {
  for (const name of ['list', 'part', 'toString'])
    assert.deepEqual(await answered('evaluation', question('alice', name, 'record-1')), {
      decision: false,
      context: { reason: 'no-such-operation' },
    });
});

test('several are answered in their order, with what they share', async () => {
  const { evaluations } = await answered<{ evaluations: { decision: boolean }[] }>('evaluations', {
    subject: user('bob'),
    resource: record('record-1'),
    evaluations: [
      { action: { name: 'read' } },
      { action: { name: 'write' } },
      { action: { name: 'write' }, resource: record('record-2') },
    ],
  });
  assert.deepEqual(
    evaluations.map(({ decision }) => decision),
    [true, false, true],
  );
});

test('who, which and what are found by their objects, with context or without', async () => {
  for (const more of [{}, { context }]) {
    const read = { action: { name: 'read' }, ...more };
    const both = [user('alice'), user('bob')];
    for (const subject of [{ type: 'user' }, user('alice')])
      assert.deepEqual(await found('subject', { subject, resource: record('record-1'), ...read }), both);
    const records = [record('record-1'), record('record-2')];
    for (const resource of [{ type: 'record' }, record('record-9')])
      assert.deepEqual(await found('resource', { subject: user('alice'), resource, ...read }), records);
    const write = { action: { name: 'write' }, resource: { type: 'record' }, ...more };
    assert.deepEqual(await found('resource', { subject: user('alice'), ...write }), [record('record-1')]);
    const actions = { subject: user('alice'), resource: record('record-1'), ...more };
    assert.deepEqual(await found('action', actions), [{ name: 'read' }, { name: 'write' }]);
    assert.deepEqual(await found('action', { ...actions, resource: record('record-2') }), [{ name: 'read' }]);
  }
});

test('what nobody knows is found empty', async () => {
  const action = { name: 'read' };
  assert.deepEqual(await found('action', { subject: user('nobody'), resource: record('record-1') }), []);
  assert.deepEqual(
    await found('subject', { subject: { type: 'user' }, action, resource: record('record-3') }),
    [],
  );
  assert.deepEqual(
    await found('resource', { subject: user('nobody'), action, resource: { type: 'record' } }),
    [],
  );
  assert.deepEqual(
    await found('resource', { subject: user('alice'), action, resource: { type: 'ship' } }),
    [],
  );
});

test('a denial that a merge brought is known for one, though the object was named by its id', async () => {
  const fixture = 'grants/access/record/fixture.yaml';
  await world.push({
    [fixture]: files[fixture]
      .replace('- id: record-alice-write', '- id: record-alice-other')
      .replace('id: [record-1] }\n- id: record-bob', 'id: [record-2] }\n- id: record-bob'),
  });
  assert.equal(
    (await answered<{ decision: boolean }>('evaluation', question('alice', 'write', 'record-1'))).decision,
    false,
  );
  const [last] = (await world.records()).slice(-1);
  assert.deepEqual(last?.regressed?.grants, ['record-alice-write']);
});
