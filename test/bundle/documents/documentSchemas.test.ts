import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { schema, tenant, told } from './_documents.ts';

const test = suite('data documents, by their schemas');

test('are held against their schema, all that is wrong told at its place', async () => {
  assert.deepEqual(
    await told({
      'data/tenants.schema.json': schema(tenant, {
        propertyNames: { pattern: '^[a-z]+$' },
        minProperties: 1,
      }),
      'data/tenants.yaml': 'acme: { region: eu }\nglobex: { region: uk, seats: 0 }\nx1: { regoin: us }\n',
    }),
    [
      'data/tenants.yaml:2:19: "globex.region" must be "eu" or "us", got "uk", by data/tenants.schema.json',
      'data/tenants.yaml:2:30: "globex.seats" must be >= 1, got 0, by data/tenants.schema.json',
      'data/tenants.yaml:3:1: the key "x1" must match pattern "^[a-z]+$", by data/tenants.schema.json',
      'data/tenants.yaml:3:5: "x1" must have "region", by data/tenants.schema.json',
      'data/tenants.yaml:3:7: unknown key "regoin" (did you mean "region"?), expected one of region, seats, by data/tenants.schema.json',
    ],
  );
  assert.deepEqual(
    await told({ 'data/tenants.schema.json': schema({}, { minProperties: 1 }), 'data/tenants.yaml': '{}\n' }),
    ['data/tenants.yaml:1:1: the file must NOT have fewer than 1 properties, by data/tenants.schema.json'],
  );
  assert.match(
    (
      await told({
        'data/tenants.schema.json': schema({}, { propertyNames: { pattern: '^[a-z]+$' } }),
        'data/tenants.yaml': 'a: 1\nB: 2\n',
      })
    ).join('\n'),
    /^data\/tenants\.yaml:2:1: the key "B" must match pattern "\^\[a-z\]\+\$", by/,
  );
});

test('with thousands of mistakes tell a hundred of them', async () => {
  const text = Array.from({ length: 1200 }, (_, index) => `k${index}: wrong\n`).join('');
  const problems = await told({ 'data/tenants.schema.json': schema(tenant), 'data/tenants.yaml': text });
  assert.equal(problems.length, 100);
  assert.match(String(problems.at(-1)), /^data\/tenants\.yaml:\d+:\d+: "k\d+" must be object, got "wrong"/);
});

const badSchemas: [what: string, schema: object, problem: RegExp][] = [
  [
    'refers to another machine',
    { $ref: 'https://schemas.example.com/tenant.json' },
    /^data\/tenants\.schema\.json:1:\d+: a reference must lead to a place in this file, like "#\/\$defs\/name", got "https:/,
  ],
  ['refers to another file', { $ref: '../secret.json#/a' }, /a reference must lead to a place in this file/],
  ['refers to nothing', { $ref: '#/$defs/none' }, /"#\/\$defs\/none" leads nowhere/],
  ['refers to what every object has', { $ref: '#/constructor' }, /leads nowhere/],
  ['refers to itself', { properties: { a: { $ref: '#' } } }, /"#" leads back to itself/],
  [
    'refers to itself in a circle',
    {
      $ref: '#/$defs/a',
      $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { items: { $ref: '#/$defs/a' } } },
    },
    /leads back to itself/,
  ],
  [
    'grows when it is followed',
    {
      $ref: '#/$defs/d20',
      $defs: Object.fromEntries(
        Array.from({ length: 21 }, (_, at) => [
          `d${at}`,
          at === 0 ? {} : { allOf: [{ $ref: `#/$defs/d${at - 1}` }, { $ref: `#/$defs/d${at - 1}` }] },
        ]),
      ),
    },
    /has more than 2000 parts/,
  ],
  ['misspells a keyword', { requried: ['a'] }, /unknown keyword "requried" \(did you mean "required"\?\)/],
  ['looks around in a pattern', { pattern: '(?=a)b' }, /the pattern "\(\?=a\)b" is none of RE2/],
  ['looks back in a pattern', { patternProperties: { '(a)\\1': {} } }, /is none of RE2/],
  ['repeats a pattern a million times', { pattern: '((a{1000}){1000}){1000}' }, /is none of RE2/],
  [
    'has too many values to compare',
    { enum: Array.from({ length: 1001 }, (_, at) => at) },
    /must list 1000 values at most, got 1001/,
  ],
  [
    'has too many patterns',
    { allOf: Array.from({ length: 51 }, () => ({ pattern: 'a' })) },
    /a schema may have 50 patterns/,
  ],
  [
    'is of another draft',
    { $schema: 'http://json-schema.org/draft-04/schema#' },
    /must be https:\/\/json-schema\.org\/draft\/2020-12\/schema or/,
  ],
  ['has a type that is none', { type: 'text' }, /is no valid JSON Schema: /],
  ['gives a keyword a value that it cannot have', { multipleOf: 0 }, /is no valid JSON Schema: /],
  [
    'does so in the older draft',
    { $schema: 'http://json-schema.org/draft-07/schema#', multipleOf: 0 },
    /is no valid JSON Schema: /,
  ],
  [
    'has an identity further down',
    { properties: { a: { $id: 'https://x' } } },
    /"\$id" has a meaning at the top only/,
  ],
  [
    'is a list where a schema is',
    { not: [] },
    /must be a schema: a mapping, true or false, got an empty list/,
  ],
];
for (const [what, bad, problem] of badSchemas)
  test(`whose schema ${what} are refused`, async () => {
    const problems = await told({
      'data/tenants.yaml': 'a: 1\n',
      'data/tenants.schema.json': JSON.stringify(bad),
    });
    assert.match(String(problems[0]), problem);
  });

test('whose schema is indented with tabs, or follows draft 07 or references, are read', async () => {
  const older = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { name: { type: 'string' } },
    additionalProperties: { $ref: '#/definitions/name' },
  };
  assert.deepEqual(
    await told({
      'data/tenants.yaml': 'a: x\n',
      'data/tenants.schema.json': JSON.stringify(older, null, '\t'),
    }),
    [],
  );
  assert.match(
    String(
      await told({
        'data/tenants.yaml': 'a: 1\n',
        'data/tenants.schema.json': JSON.stringify(older, null, '\t'),
      }),
    ),
    /^data\/tenants\.yaml:1:4: "a" must be string, got 1/,
  );
});

test('with lists whose items must differ are compared in linear time', async () => {
  const list = (last: string) =>
    `a: [${Array.from({ length: 2500 }, (_, at) => `${at}`).join(', ')}, ${last}]\n`;
  const unique = { 'data/tenants.schema.json': schema({ uniqueItems: true }) };
  assert.deepEqual(await told({ ...unique, 'data/tenants.yaml': list('"7"') }), []);
  assert.match(
    String(await told({ ...unique, 'data/tenants.yaml': list('7') })),
    /:1:4: "a" must not hold one twice/,
  );
  const objects = (text: string) => told({ ...unique, 'data/tenants.yaml': `a: ${text}\n` });
  assert.deepEqual(await objects('[{ b: 1 }, { b: 2 }, [b, 1], [[b, 1]], {}, []]'), []);
  assert.equal((await objects('[{ b: 1, c: 2 }, { c: 2, b: 1 }]')).length, 1);
});

test('are matched by patterns in linear time', async () => {
  // Backtracking would take longer than anybody waits.
  const problems = await told({
    'data/tenants.schema.json': schema({ type: 'string', pattern: '^(a+)+$' }),
    'data/tenants.yaml': `a: ${'a'.repeat(5000)}\nb: ${'a'.repeat(5000)}b\n`,
  });
  assert.equal(problems.length, 1);
  assert.match(String(problems[0]), /^data\/tenants\.yaml:2:4: "b" must match pattern/);
});
