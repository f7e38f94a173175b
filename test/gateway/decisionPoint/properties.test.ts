import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';

// OpenID AuthZEN's certification scenario for decision points in its Properties form, and the working group's interop
// scenarios (Todo, Search), as grants, facts and a policy of one's own.
const test = suite('properties, as AuthZEN’s scenarios have them');
const secret = 'a-secret-of-a-service-0123456789';

const todoIds = {
  rick: 'CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs',
  morty: 'CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs',
  summer: 'CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs',
  beth: 'CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs',
  jerry: 'CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs',
};
type Citizen = keyof typeof todoIds;
const citizens = Object.keys(todoIds) as Citizen[];
const mailOf = (name: Citizen) =>
  `${name}@${name === 'rick' || name === 'morty' ? 'the-citadel' : 'the-smiths'}.com`;
const todoGroups: Record<string, readonly Citizen[]> = {
  admin: ['rick'],
  evil_genius: ['rick'],
  editor: ['rick', 'morty', 'summer'],
  everybody: citizens,
};

/** Records of the search scenario: department and owner of each, from 101 on. */
const records =
  `Legal alice, Legal bob, Legal carol, Accounting dan, Legal erin, Accounting felix, Sales alice, Legal bob,
  Accounting carol, Sales dan, Accounting erin, Legal felix, Sales alice, Accounting bob, Finance carol, Legal dan,
  Legal erin, Accounting felix, Legal alice, Accounting bob`
    .split(',')
    .map((text, at) => {
      const [department = '', owner = ''] = text.trim().split(' ');
      return { id: String(101 + at), department, owner };
    });
const staff: Record<string, [role: string, department: string]> = {
  alice: ['manager', 'Sales'],
  bob: ['employee', 'Legal'],
  carol: ['contractor', 'Legal'],
  dan: ['manager', 'Finance'],
  erin: ['employee', 'Finance'],
  felix: ['contractor', 'Accounting'],
};

const people = [...Object.keys(staff), ...Object.values(todoIds)];
const group = (name: string, members: readonly string[]) =>
  `  - { name: "${name}", members: [${members.map((one) => `"user:${one}"`).join(', ')}] }\n`;
const grant = (api: string, id: string, principal: string, operations: string, ids?: readonly string[]) =>
  `- { id: ${api}-${id}, principal: "${principal}", api: ${api}, operations: [${operations}], reason: Fixture, owner: "group:commerce",
    granted: 2025-01-01${ids === undefined ? '' : `, params: { id: [${ids.map((one) => `"${one}"`).join(', ')}] }`} }\n`;
const api = (name: string, operations: string, facts = '') => `api: ${name}
description: Fixture
owner: group:commerce
tier: low
upstream: http://${name}.internal:8080
route: { prefix: /${name}, strip: true }
operations: { ${operations} }
${facts}`;

const policy = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no-grant"}

decision := {"allow": false, "grants": [], "reason": concat(",", sort(denials))} if {
	count(denials) > 0
} else := {"allow": true, "grants": holding, "reason": "granted"} if {
	data.principals[input.subject].active
	count(holding) > 0
}

# What is archived is written by admins only: who the application says is one, or who is one here.
denials contains "archived" if {
	input.operation == "write"
	input.facts.status == "archived"
	not admin
}

denials contains "hard" if {
	input.operation == "delete"
	not input.facts.soft
}

denials contains "not-owner" if {
	input.operation in {"can_update_todo", "can_delete_todo"}
	not owner
	not "group:evil_genius" in exceptions
	not "group:admin" in exceptions
}

admin if input.facts.role == "admin"

admin if "group:keepers" in input.groups

owner if concat("", ["group:", input.facts.owner]) in input.groups

exceptions contains "group:evil_genius" if {
	input.operation == "can_update_todo"
	"group:evil_genius" in input.groups
}

exceptions contains "group:admin" if {
	input.operation == "can_delete_todo"
	"group:admin" in input.groups
}

names := {input.subject} | {group | some group in input.groups}

holding contains grant.id if {
	some name in names
	some grant in data.grants[input.api][name]
	input.operation in grant.operations
	every parameter, wanted in object.get(object.get(grant, "conditions", {}), "params", {}) {
		input.params[parameter] in wanted
	}
}
`;

let world: World;
test.before(async () => {
  const authzen = {
    ...{ callers: ['service:invoicer'], search: ['service:invoicer'] },
    url: 'https://decisions.example.com',
  };
  world = await startWorld({ config: { decision_point: { listen: { port: 0 }, authzen } } });
  const groups = [
    group('readers', ['alice', 'bob']),
    group('keepers', ['bob']),
    ...Object.entries(todoGroups).map(([name, of]) =>
      group(
        name,
        of.map((one) => todoIds[one]),
      ),
    ),
    // A mail address of a todo's owner stands for whoever has it.
    ...citizens.map((one) => group(mailOf(one), [todoIds[one]])),
  ];
  await world.push({
    'grants/directory/services.yaml': `services:
  - name: invoicer
    owner: group:billing
    state: active
    credentials:
      - api_key_sha256: "${createHash('sha256').update(secret).digest('hex')}"
`,
    'grants/directory/okta.yaml': (sampleFiles['grants/directory/okta.yaml'] ?? '').replace(
      'groups:\n',
      `${people.map((login) => `  - { login: "${login}", id: "f-${login}", status: active }\n`).join('')}groups:\n${groups.join('')}`,
    ),
    'grants/apis/record.yaml': api(
      'record',
      "read: 'GET /{id}', write: 'PUT /{id}', delete: 'DELETE /{id}'",
      `facts:
  status: { property: resource.status, values: [active, archived], record: value }
  role: { claim: role }
  soft: { property: action.soft, type: boolean }
`,
    ),
    'grants/access/record/fixture.yaml':
      grant('record', 'read', 'group:readers', 'read', ['record-1', 'record-2']) +
      grant('record', 'alice', 'user:alice', 'write, delete', ['record-1', 'record-2']) +
      grant('record', 'keepers', 'group:keepers', 'write', ['record-2']),
    'grants/apis/todo.yaml': api(
      'todo',
      "can_read_todos: 'GET /lists/{id}', can_create_todo: 'POST /lists/{id}', can_update_todo: 'PUT /{id}', can_delete_todo: 'DELETE /{id}'",
      'facts: { owner: { property: resource.ownerID } }\n',
    ),
    'grants/apis/user.yaml': api('user', "can_read_user: 'GET /{id}'"),
    'grants/access/todo/fixture.yaml':
      grant('todo', 'everybody', 'group:everybody', 'can_read_todos') +
      grant('todo', 'editor', 'group:editor', 'can_create_todo, can_update_todo, can_delete_todo'),
    'grants/access/user/fixture.yaml': grant('user', 'everybody', 'group:everybody', 'can_read_user'),
    'policies/authz/decision.rego': policy,
  });
});
test.after(() => world.close());

async function answered<T>(path: string, body: unknown, status = 200): Promise<T> {
  const response = await fetch(`${world.gateway.decisionPoint}/access/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': `gg_invoicer_${secret}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  assert.equal(response.status, status, JSON.stringify(body));
  return (await response.json()) as T;
}
const decide = async (body: unknown) => (await answered<{ decision: boolean }>('evaluation', body)).decision;
const found = async (kind: string, body: unknown) =>
  (await answered<{ results: { id?: string; name?: string }[] }>(`search/${kind}`, body)).results.map(
    ({ id, name }) => id ?? name,
  );
const entity = (type: string, id?: string, properties?: object) => ({
  type,
  ...(id !== undefined && { id }),
  ...(properties && { properties }),
});
const alice = entity('user', 'alice');
const bob = entity('user', 'bob', { role: 'admin' });
const action = (name: string, properties?: object) => ({ name, ...(properties && { properties }) });
const [active, archived] = ['active', 'archived'].map((status, at) =>
  entity('record', `record-${at + 1}`, { status }),
);

test('Core and Properties: the eight decisions of the fixture, alone, with context, and again', async () => {
  const one = entity('record', 'record-1');
  for (const [subject, name, resource, decision, properties] of [
    [alice, 'read', one, true],
    [alice, 'write', one, true],
    [entity('user', 'bob'), 'read', one, true],
    [entity('user', 'bob'), 'write', one, false],
    [alice, 'write', archived, false],
    [bob, 'write', archived, true],
    [alice, 'delete', one, true, { soft: true }],
    [alice, 'delete', one, false, { soft: false }],
    [alice, 'delete', one, false],
    [alice, 'write', active, true],
    [alice, 'write', entity('record', 'record-2'), true],
  ] as const)
    for (const context of [{}, { context: { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' } }, {}])
      assert.equal(
        await decide({ subject, action: action(name, properties), resource, ...context }),
        decision,
        JSON.stringify([subject, name, resource]),
      );
});

test('Batch: properties are each item’s own, and what is left out is inherited whole', async () => {
  const several = async (body: object) =>
    (await answered<{ evaluations: { decision: boolean }[] }>('evaluations', body)).evaluations.map(
      ({ decision }) => decision,
    );
  const write = { action: action('write') };
  assert.deepEqual(
    await several({ subject: alice, ...write, evaluations: [{ resource: active }, { resource: archived }] }),
    [true, false],
  );
  assert.deepEqual(
    await several({ ...write, resource: archived, evaluations: [{ subject: alice }, { subject: bob }] }),
    [false, true],
  );
  assert.deepEqual(
    await several({ subject: alice, ...write, resource: active, evaluations: [{}, { resource: archived }] }),
    [true, false],
  );
  // An entity of one's own takes no properties of the shared one.
  const plain = entity('record', 'record-2');
  assert.deepEqual(
    await several({ subject: alice, ...write, resource: archived, evaluations: [{ resource: plain }, {}] }),
    [true, false],
  );
});

test('Search: subjects, resources and actions by their properties, in pages that know their question', async () => {
  const write = { action: action('write') };
  assert.deepEqual(await found('subject', { subject: entity('user'), ...write, resource: archived }), [
    'bob',
  ]);
  assert.deepEqual(
    await found('subject', { subject: entity('user'), ...write, resource: { ...archived, properties: {} } }),
    ['alice', 'bob'],
  );
  assert.deepEqual(await found('resource', { subject: bob, ...write, resource: entity('record') }), [
    'record-2',
  ]);
  assert.deepEqual(await found('action', { subject: bob, resource: archived }), ['read', 'write']);
  assert.deepEqual(await found('action', { subject: alice, resource: archived }), ['read']);
  const asked = { subject: entity('user'), action: action('read'), resource: active };
  type Page = { page: { next_token: string }; results: object[] };
  const first = await answered<Page>('search/subject', { ...asked, page: { limit: 1 } });
  const { next_token: token } = first.page;
  assert.deepEqual((await answered<Page>('search/subject', { ...asked, page: { token } })).results, [
    entity('user', 'bob'),
  ]);
  await answered('search/subject', { ...asked, resource: archived, page: { token } }, 400);
});

test('Discovery names every endpoint, by https', async () => {
  const response = await fetch(`${world.gateway.decisionPoint}/.well-known/authzen-configuration`);
  const metadata = (await response.json()) as Record<string, string>;
  assert.equal(Object.keys(metadata).length, 6);
  for (const url of Object.values(metadata)) assert.match(url, /^https:\/\/decisions\.example\.com(?:\/|$)/);
});

test('what is there and is not as the API says is denied, and a body of hostile depth is refused', async () => {
  const asked = (status: unknown) =>
    answered<object>('evaluation', {
      ...{ subject: alice, action: action('write') },
      resource: entity('record', 'record-1', { status }),
    });
  for (const status of ['ARCHIVED', 'archived ', ['archived'], { archived: true }, 1, true])
    assert.match(
      JSON.stringify(await asked(status)),
      /^\{"decision":false,"context":\{"reason":"fact-malformed"/,
    );
  for (const status of [null, '', undefined])
    assert.match(JSON.stringify(await asked(status)), /^\{"decision":true/);
  const named = '{"__proto__":{"status":"archived"},"constructor":{"status":"archived"}}';
  const body = (properties: string) =>
    `{"subject":{"type":"user","id":"alice"},"action":{"name":"write"},"resource":{"type":"record","id":"record-1","properties":${properties}}}`;
  assert.match(JSON.stringify(await answered('evaluation', body(named))), /^\{"decision":true/);
  const deep = `{"status":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  assert.match(JSON.stringify(await answered('evaluation', body(deep), 400)), /nested deeper/);
  const recorded = (await world.records()).map(({ input }) => input);
  assert.ok(recorded.some(({ facts }) => facts?.status === 'archived'));
  assert.equal(/admin|soft/.test(JSON.stringify(recorded.map(({ facts }) => facts ?? {}))), false);
});

test('Todo: roles decide, and who owns what is told as a property', async () => {
  const subjectOf = (name: Citizen) => entity('user', todoIds[name]);
  const holds = (name: Citizen, role: string) => todoGroups[role]?.includes(name) === true;
  const todo = (owner?: Citizen) =>
    entity('todo', '7240d0db-8ff0-41ec-98b2-34a096273b9f', owner && { ownerID: mailOf(owner) });
  const questions: { body: object; decision: boolean }[] = [];
  for (const name of citizens) {
    const subject = subjectOf(name);
    const ask = (operation: string, resource: object, decision: boolean) =>
      questions.push({ body: { subject, action: action(operation), resource }, decision });
    ask('can_read_user', entity('user', mailOf('beth')), true);
    ask('can_read_todos', entity('todo', 'todo-1'), true);
    ask('can_create_todo', entity('todo', 'todo-1'), holds(name, 'editor'));
    for (const owner of citizens) {
      const own = holds(name, 'editor') && owner === name;
      ask('can_update_todo', todo(owner), own || holds(name, 'evil_genius'));
      ask('can_delete_todo', todo(owner), own || holds(name, 'admin'));
    }
    ask('can_delete_todo', todo(), holds(name, 'admin'));
  }
  const { evaluations } = await answered<{ evaluations: { decision: boolean }[] }>('evaluations', {
    evaluations: questions.map(({ body }) => body),
  });
  evaluations.forEach(({ decision }, at) => {
    assert.equal(decision, questions[at]?.decision, JSON.stringify(questions[at]?.body));
  });
  // As the backend asks for Morty: another's todo, and his own.
  const both = { subject: subjectOf('morty'), action: action('can_update_todo') };
  assert.deepEqual(
    (
      await answered<{ evaluations: { decision: boolean }[] }>('evaluations', {
        ...both,
        evaluations: [{ resource: todo('rick') }, { resource: todo('morty') }],
      })
    ).evaluations.map(({ decision }) => decision),
    [false, true],
  );
});

test('Search interop: who may view, edit and delete which records, by grants alone', async () => {
  const ids = (is: (one: (typeof records)[number]) => boolean) => records.filter(is).map(({ id }) => id);
  const grants = Object.entries(staff).flatMap(([login, [role, department]]) => {
    const theirs = ids((one) => one.department === department);
    const give = (name: string, operations: string, of: readonly string[]) =>
      of.length === 0 ? [] : [grant('record', `${login}-${name}`, `user:${login}`, operations, of)];
    return [
      ...give(
        'own',
        'view, edit, delete',
        ids(({ owner }) => owner === login),
      ),
      ...give('view', 'view', role === 'manager' ? ids(() => true) : theirs),
      ...give('edit', 'edit', role === 'manager' ? theirs : []),
    ];
  });
  await world.push({
    'grants/apis/record.yaml': api('record', "view: 'GET /{id}', edit: 'PUT /{id}', delete: 'DELETE /{id}'"),
    'grants/access/record/fixture.yaml': null,
    'grants/access/record/search.yaml': grants.join(''),
    'policies/authz/decision.rego': null,
  });
  const may = (login: string, name: string, { department, owner }: (typeof records)[number]) => {
    const [role, own] = staff[login] ?? [];
    if (owner === login) return true;
    if (name === 'view') return role === 'manager' || own === department;
    return name === 'edit' && role === 'manager' && own === department;
  };
  const logins = Object.keys(staff);
  for (const name of ['view', 'edit', 'delete']) {
    for (const record of records)
      assert.deepEqual(
        await found('subject', {
          ...{ subject: entity('user'), action: action(name), resource: entity('record', record.id) },
        }),
        logins.filter((login) => may(login, name, record)),
        `${name} ${record.id}`,
      );
    // A manager views any record: those that a grant names can be found, all others have no names here.
    for (const login of logins)
      assert.deepEqual(
        await found('resource', {
          ...{ subject: entity('user', login), action: action(name), resource: entity('record') },
        }),
        ids((record) => may(login, name, record)),
        `${login} ${name}`,
      );
  }
  // Rows of the working group's own table.
  const who = (name: string, id: string) =>
    found('subject', { subject: entity('user'), action: action(name), resource: entity('record', id) });
  assert.deepEqual(await who('view', '101'), ['alice', 'bob', 'carol', 'dan']);
  assert.deepEqual(await who('view', '104'), ['alice', 'dan', 'felix']);
  assert.deepEqual(await who('edit', '102'), ['bob']);
  assert.deepEqual(await who('delete', '104'), ['dan']);
  assert.deepEqual([await who('view', '121'), await who('print', '101')], [[], []]);
  const what = (login: string, id: string) =>
    found('action', { subject: entity('user', login), resource: entity('record', id) });
  assert.deepEqual(await what('alice', '101'), ['delete', 'edit', 'view']);
  assert.deepEqual(await what('alice', '110'), ['edit', 'view']);
  assert.deepEqual(await what('erin', '110'), []);
});
