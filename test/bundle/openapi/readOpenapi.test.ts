import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { nameOperations } from '../../../bundle/openapi/nameOperations.ts';
import { operationForm, operationNameForm } from '../../../bundle/openapi/operationForm.ts';
import { readDocument } from '../../../bundle/openapi/readDocument.ts';
import { type OpenapiRead, readOpenapi } from '../../../bundle/openapi/readOpenapi.ts';
import { suite } from '../../_suite.ts';

const test = suite('readOpenapi');
const at = 'apis/x.openapi.yaml';

function read(text: string, parts: Record<string, string> = {}, options?: { bare: boolean }): OpenapiRead {
  const documents = new Map(
    Object.entries(parts).map(([path, part]) => [path, readDocument(Buffer.from(part), path)]),
  );
  return readOpenapi(readDocument(Buffer.from(text), at), (path) => documents.get(path), options);
}
const operationsOf = (text: string, parts?: Record<string, string>) =>
  Object.fromEntries(read(text, parts).value ?? []);
const v3 = (paths: string, rest = '') =>
  `openapi: 3.0.3\ninfo: { title: t, version: "1" }\n${rest}\npaths:\n${paths}`;

test('anchors, aliases and merge keys are followed', () => {
  const text = v3(`  /a: &item
    get: { operationId: getA, responses: &r { "200": { description: ok } } }
  /b:
    <<: *item
    get: { operationId: getB, responses: { <<: *r } }
  /c:
    <<: *item
    post: { operationId: postC }`);
  assert.equal(operationsOf(text), {
    // One operationId at two places names neither.
    'get-a': 'GET /a',
    getB: 'GET /b',
    'get-c': 'GET /c',
    postC: 'POST /c',
  });
});

const refused: [string, RegExp][] = [
  ['asyncapi: 2.6.0\npaths: { /a: { get: {} } }', /AsyncAPI/],
  ['swaggerVersion: "1.2"\napis: []', /Swagger 1\.2/],
  ['swagger: "1.2"\npaths: { /a: { get: {} } }', /Swagger 1\.2/],
  ['openapi: 4.0.0\npaths: { /a: { get: {} } }', /OpenAPI "4\.0\.0"/],
  ['paths: { /a: { get: {} } }', /"openapi" must name the version/],
  ['- a', /no OpenAPI document/],
  ['openapi: 3.0.0', /"paths" must be a mapping/],
  ['openapi: 3.0.0\npaths: {}', /holds no operation/],
  ['openapi: 3.0.0\npaths: { a: [', /not valid YAML/],
];
for (const [text, message] of refused)
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    const { value, problems } = read(text);
    assert.is(value, undefined);
    assert.is(problems.length, 1);
    assert.match(problems[0]?.message ?? '', message);
  });

test('aliases that would grow without bound cost nothing', () => {
  const rows = Array.from({ length: 60 }, (_, i) => `  a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n');
  const bomb = v3('  /a: { get: { operationId: a } }', `x:\n  a0: &a0 [x]\n${rows}`);
  assert.equal(operationsOf(bomb), { a: 'GET /a' });
});

test('references within the document and across files are followed, in a chain too', () => {
  const text = v3(
    `  /a: { $ref: '#/components/pathItems/a~1b%20c' }
  /b: { $ref: './parts/b.yaml' }
  /c: { $ref: 'parts/all.json#/c', post: { operationId: own } }
  /d: { get: { $ref: 'parts/all.json#/d' } }
  /e: { $ref: '#/components/pathItems/e%2Ff' }`,
    `components: { pathItems: { 'a/b c': { get: { operationId: a } }, e/f: { get: { operationId: e } }, e: { f: { get: {} } } } }`,
  );
  const parts = {
    'apis/parts/b.yaml': `$ref: 'all.json#/b'`,
    'apis/parts/all.json': JSON.stringify({
      b: { get: { operationId: 'b' } },
      c: { get: { operationId: 'c' } },
      d: { operationId: 'd' },
    }),
  };
  assert.equal(operationsOf(text, parts), {
    a: 'GET /a',
    b: 'GET /b',
    c: 'GET /c',
    own: 'POST /c',
    d: 'GET /d',
    e: 'GET /e',
  });
});
const astray = [
  'http://127.0.0.1/x.yaml',
  'HTTPS://example.com/x',
  'file:///etc/passwd',
  '//example.com/x',
  '/etc/passwd',
  '../../etc/passwd',
  '%2e%2e/%2e%2e/x.yaml',
  '..\\\\x.yaml',
  'nowhere.yaml',
  '#/nowhere',
  '#/__proto__',
  '#/paths/~1b',
  '#nowhere',
  '%zz',
];
for (const to of astray)
  test(`a path whose "$ref" is ${to} is left out by itself`, () => {
    const { value, unrouted } = read(
      v3(`  /a: { get: { operationId: a } }\n  /b: { $ref: ${JSON.stringify(to)} }`),
    );
    assert.equal([...(value?.keys() ?? [])], ['a']);
    assert.is(unrouted.length, 1);
    assert.match(unrouted[0]?.message ?? '', /the path "\/b"/);
  });

test('a reference with a broken percent escape leads nowhere, though a name is spelt so', () => {
  const named = (name: string) =>
    read(v3(`  /a: { $ref: '#/x/${name}' }`, `x: { '100%': { get: { operationId: a } } }`)).value?.size ?? 0;
  assert.equal([named('100%25'), named('100%')], [1, 0]);
});

const templates: [path: string, routed: string | null][] = [
  ['/accounts/{account-id}/cards', '/accounts/{account-id}/cards'],
  ['/objects/{object.id}', '/objects/{object.id}'],
  ['/jobs/{job}:cancel', '/jobs/{job}:cancel'],
  ['/jobs:batchGet', '/jobs:batchGet'],
  ['/reports/{id}.pdf', '/reports/{id}.pdf'],
  ['/{name}-{version}.zip', '/{name}-{version}.zip'],
  ['/a/{$id}/{user id}', '/a/{id}/{user-id}'],
  ['/a/{id}/b/{id}', '/a/{id}/b/{id-2}'],
  ['/a/{id}/', '/a/{id}/'],
  ['/', '/'],
  ['/{a}{b}', null],
  ['/{path+}', null],
  ['/{+path}', null],
  ['/{proxy*}', null],
  ['/{name=shelves/*}', null],
  ['/{id:[0-9]+}', null],
  ['/a?x=1', null],
  ['/a#X', null],
  ['/a b', null],
  ['/a/../b', null],
  ['/a//b', null],
  ['/%2e', null],
  ['/a;b', null],
  ['a', null],
  ['/{a', null],
];
for (const [path, routed] of templates)
  test(`the path ${path} ${routed === null ? 'is left out' : `is ${routed}`}`, () => {
    const { value, unrouted } = read(
      v3(`  ${JSON.stringify(path)}: { get: { operationId: x } }\n  /ok: { get: {} }`),
    );
    assert.is(value?.get('x'), routed === null ? undefined : `GET ${routed}`);
    assert.is(value?.get('get-ok'), 'GET /ok');
    assert.is(unrouted.length, routed === null ? 1 : 0);
  });

test('of two templates that one request could mean, the second is left out; in another method both stand', () => {
  const { value, unrouted } = read(
    v3(`  /a/{x}: { get: { operationId: one }, trace: { operationId: t } }
  /a/{y}: { get: { operationId: two }, delete: { operationId: three } }
  /{a}.zip: { get: { operationId: four } }
  /x-{b}: { get: { operationId: five } }
  /x-{b}.zip: { get: { operationId: six } }`),
  );
  assert.equal([...(value?.keys() ?? [])], ['one', 'three', 'four', 'six']);
  assert.equal(
    unrouted.map(({ message }) => message),
    [
      'TRACE /a/{x} is left out: the method TRACE is not routed',
      'GET /a/{y} is left out: it cannot be told from GET /a/{x}',
      'GET /x-{b} is left out: it cannot be told from GET /{a}.zip',
    ],
  );
});

const bases: [where: string, base: string][] = [
  ['servers: [{ url: "https://x.example.com/api/v3" }]', '/api/v3'],
  ['servers: [{ url: "https://x.example.com/api/v3/" }]', '/api/v3'],
  ['servers: [{ url: "https://x.example.com" }]', ''],
  ['servers: [{ url: / }]', ''],
  ['servers: [{ url: /v1 }]', '/v1'],
  ['servers: [{ url: ./v1 }]', '/v1'],
  ['servers: [{ url: "//x.example.com/v1" }]', '/v1'],
  [
    'servers: [{ url: "https://{r}.example.com/{b}/", variables: { r: { default: eu }, b: { default: v2 } } }]',
    '/v2',
  ],
  ['servers: []', ''],
];
for (const [where, base] of bases)
  test(`the base path of ${where} is ${base || 'none'}`, () => {
    assert.equal(
      operationsOf(v3('  /a: { get: { operationId: a } }\n  /: { get: { operationId: b } }', where)),
      {
        a: `GET ${base}/a`,
        b: `GET ${base}/`,
      },
    );
  });

test('servers of a path or an operation go before those of the document, and basePath is that of 2.0', () => {
  const text = v3(
    `  /a: { servers: [{ url: /p }], get: { operationId: a }, post: { operationId: b, servers: [{ url: /o }] } }
  /c: { get: { operationId: c } }`,
    'servers: [{ url: /d }]',
  );
  assert.equal(operationsOf(text), { a: 'GET /p/a', b: 'POST /o/a', c: 'GET /d/c' });
  const swagger = 'swagger: "2.0"\nbasePath: /api/v2\npaths: { /a: { get: { operationId: a } } }';
  assert.equal(operationsOf(swagger), { a: 'GET /api/v2/a' });
  assert.equal([...(read(swagger, {}, { bare: true }).value ?? [])], [['a', 'GET /a']]);
});

const one = (id: string | null, method = 'GET', template = '/repos/{owner}/issues') => ({
  id,
  method,
  template,
});
const ids: [id: string | null, name: string][] = [
  ['getOrder', 'getOrder'],
  ['repos/list-for-owner', 'repos-list-for-owner'],
  ['List all  orders', 'List-all-orders'],
  ['orders.list', 'orders.list'],
  ['3dSecure', 'op-3dSecure'],
  ['Größe_ändern', 'Gro-e_andern'],
  ['__proto__', 'proto'],
  ['注文', 'get-repos-by-owner-issues'],
  ['', 'get-repos-by-owner-issues'],
  [null, 'get-repos-by-owner-issues'],
];
for (const [id, name] of ids)
  test(`the operationId ${JSON.stringify(id)} is named ${name}`, () =>
    assert.equal(nameOperations([one(id)]), [name]));

test('two operations of one name both get another, so that a grant never passes from one to the other', () => {
  const twice = [one('a/b'), one('a b', 'GET', '/x')];
  assert.equal(nameOperations(twice), ['get-repos-by-owner-issues', 'get-x']);
  assert.equal(nameOperations([one('same'), one('same', 'POST')]), [
    'get-repos-by-owner-issues',
    'post-repos-by-owner-issues',
  ]);
});

test('an operationId that comes later takes no name over that was made up for another operation', () => {
  assert.equal(nameOperations([one('a b', 'GET', '/x')]), ['a-b']);
  assert.equal(nameOperations([one('a-b'), one('a b', 'GET', '/x')]), ['get-repos-by-owner-issues', 'get-x']);
  assert.equal(nameOperations([one(null, 'GET', '/x')]), ['get-x']);
  const [digested = ''] = nameOperations([one(null, 'GET', '/x'), one('get-x', 'POST', '/y')]);
  assert.match(digested, /^get-x-[0-9a-f]{8}$/);
  assert.equal(nameOperations([one(null, 'GET', '/x'), one('get-x', 'POST', '/y')])[1], 'post-y');
  // Nor where the other one has got an operationId of its own at the same time.
  assert.equal(nameOperations([one('listX', 'GET', '/x'), one('get-x', 'POST', '/y')]), ['listX', 'post-y']);
  assert.equal(nameOperations([one('x', 'GET', '/x'), one(digested, 'POST', '/y')]), ['x', 'post-y']);
  // Its own may say what would have been made up.
  assert.equal(nameOperations([one('get-x', 'GET', '/x')]), ['get-x']);
});

test('by property: no name passes to another operation when a document grows', () => {
  const ids = fc.option(fc.constantFrom('a', 'a b', 'a/b', 'a-b', 'get-a', 'get a', 'get-by-a', 'post-a-b'));
  const operation = fc.record({
    id: ids,
    later: ids,
    isNew: fc.boolean(),
    method: fc.constantFrom('GET', 'POST'),
    template: fc.constantFrom('/a', '/a/', '/{a}', '/a-b', '/by/a', '/by-a', '/{a}/{b}'),
  });
  const callOf = ({ method, template }: { method: string; template: string }) => `${method} ${template}`;
  const named = (operations: readonly ReturnType<typeof one>[]) => {
    const names = nameOperations(operations);
    return new Map(operations.map((one, at) => [names[at] ?? '', callOf(one)]));
  };
  fc.assert(
    fc.property(fc.uniqueArray(operation, { selector: callOf }), (all) => {
      const before = named(all.filter(({ isNew }) => !isNew));
      const after = named(all.map(({ later, ...one }) => ({ ...one, id: one.id ?? later })));
      for (const [name, call] of before) assert.is(after.get(name) ?? call, call, name);
    }),
    { numRuns: 1500 },
  );
});

test('by property: names are names, unique, and do not depend on the order', () => {
  const operation = fc.record({
    id: fc.option(fc.oneof(fc.constantFrom('a', 'a b', 'a/b', 'a-b', 'get-a', 'get-by-a'), fc.string())),
    method: fc.constantFrom('GET', 'POST'),
    template: fc.constantFrom('/a', '/a/', '/{a}', '/a.b', '/a-b', '/by/a', '/by-a', '/{a}/{b}', '/'),
  });
  const distinct = fc.uniqueArray(operation, { selector: ({ method, template }) => `${method} ${template}` });
  fc.assert(
    fc.property(distinct, (operations) => {
      const names = nameOperations(operations);
      for (const name of names) assert.match(name, operationNameForm);
      assert.is(new Set(names).size, names.length, names.join());
      assert.equal(nameOperations(operations.toReversed()).toReversed(), names);
    }),
    { numRuns: 700 },
  );
});

test("Okta's own document is read whole but for two paths that are no paths, as YAML and as JSON alike", async () => {
  const folder = createRequire(import.meta.url)
    .resolve('@okta/openapi/package.json')
    .replace(/package\.json$/, 'dist/');
  const [yaml, json] = await Promise.all(
    ['spec.yaml', 'spec.json'].map(async (name) =>
      readOpenapi(readDocument(await readFile(folder + name), name), () => undefined),
    ),
  );
  assert.is(yaml?.value?.size, 338);
  assert.is(yaml?.value?.get('getUser'), 'GET /api/v1/users/{userId}');
  assert.is(yaml?.unrouted.length, 2);
  assert.equal([...(json?.value ?? [])], [...(yaml?.value ?? [])]);
  for (const [name, operation] of yaml?.value ?? []) {
    assert.match(name, operationNameForm);
    assert.match(operation, operationForm);
  }
});
