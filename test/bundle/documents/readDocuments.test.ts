import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { readDocuments } from '../../../bundle/documents/readDocuments.ts';
import { canonicalJson, compareCodePoints } from '../../../bundle/format/canonicalJson.ts';
import type { Files } from '../../../bundle/git/tree.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { suite } from '../../_suite.ts';
import { files, nothing, read, schema, tenant, told } from './_documents.ts';

const test = suite('data documents');

const anything = { 'data/tenants.schema.json': schema({}) };

test('are written as sorted lines, with what YAML means by them', async () => {
  const { documents, sizes, problems } = await read({
    'data/tenants.yaml':
      '# all of them\nzeta: { region: us, seats: 3 }\n"acme \\"1\\"": { region: eu }\n007: { region: eu }\n',
    'data/tenants.schema.yaml': `type: object\nadditionalProperties: ${JSON.stringify(tenant)}\n`,
    'data/empty.yaml': '# nobody yet\n',
    'data/empty.schema.json': schema(tenant),
    'data/README.md': 'What this is.',
    'data/.gitkeep': '',
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    documents.map(({ name, lines }) => [name, lines.toString()]),
    [
      ['empty', ''],
      [
        'tenants',
        '"007":{"region":"eu"},\n"acme \\"1\\"":{"region":"eu"},\n"zeta":{"region":"us","seats":3}',
      ],
    ],
  );
  assert.deepEqual(
    [...sizes],
    [
      ['empty', 2],
      ['tenants', 89],
    ],
  );
});

const refused: [what: string, document: string, problem: RegExp][] = [
  ['a list', '- a\n', /^data\/tenants\.yaml:1:1: the file must be a mapping of keys to values, got a list$/],
  ['a key given twice', 'a: 1\nb: 2\na: 3\n', /^data\/tenants\.yaml:3:1: the key "a" is given twice$/],
  ['an anchor', 'a: &x { b: 1 }\n', /^data\/tenants\.yaml:1:4: anchors \(&name\) are not allowed/],
  ['a merge key', 'a: { <<: { b: 1 } }\n', /^data\/tenants\.yaml:1:6: merge keys are not allowed/],
  ['a tag', 'a: !!set { b: 1 }\n', /tags \(!name\) are not allowed/],
  ['a second document', 'a: 1\n---\nb: 2\n', /a file holds one document/],
  [
    'a key of the prototype',
    '__proto__: { admin: true }\n',
    /^data\/tenants\.yaml:1:1: the key "__proto__" is not allowed$/,
  ],
  ['one further down', 'a: { constructor: 1 }\n', /the key "constructor" is not allowed/],
  ['no value', 'a: { b: }\n', /^data\/tenants\.yaml:1:\d+: "a\.b" must be a value, got nothing$/],
  [
    'a fraction',
    'a: [1, 2.5]\n',
    /^data\/tenants\.yaml:1:8: "a\[1\]" must be a whole number of up to 15 digits, or a text in quotes, got 2\.5$/,
  ],
  ['what is no number', 'a: .nan\n', /must be a whole number/],
  ['a number of 16 digits', 'a: 1234567890123456\n', /must be a whole number/],
  [
    'a key with a control character',
    '"a\\0b": 1\n',
    /^data\/tenants\.yaml:1:1: .* is a key of other than 1 to 256 characters/,
  ],
  ['an empty key', '"": 1\n', /is a key of other than 1 to 256 characters/],
  ['a long key', `${'k'.repeat(257)}: 1\n`, /is a key of other than 1 to 256 characters/],
  ['deep nesting', `a: ${'['.repeat(12)}1${']'.repeat(12)}\n`, /must not be nested deeper than 10/],
  [
    'a large entry',
    `a: 1\nb: ${'x'.repeat(16_384)}\n`,
    /^data\/tenants\.yaml:2:1: the entry "b" takes 16390 bytes, 16384 are the most$/,
  ],
  [
    'a large entry of a large file',
    `${'a1: 1\n'.replace('1', '0')}${Array.from({ length: 30_000 }, (_, i) => `k${i}: 1\n`).join('')}b: 0.5\n`,
    /^data\/tenants\.yaml:30002:4: "b" must be a whole number/,
  ],
];
for (const [what, document, problem] of refused)
  test(`of a form that is ${what} are refused at its place`, async () => {
    const problems = await told({ ...anything, 'data/tenants.yaml': document });
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(String(problems[0]), problem);
  });
for (const [what, given, problem] of files)
  test(`${what} is refused`, async () => assert.deepEqual(await told(given), [problem]));

for (const path of [
  'data/a.yml',
  'data/A.yaml',
  'data/../a.yaml',
  'data/a-b.yaml',
  'data/a/b.yaml',
  'data/a.json',
  'data/__proto__.yaml',
  'data/policy.wasm',
  'data/access/orders/x.yaml',
])
  test(`${path} is no file of data/`, async () => {
    assert.match(String(await told({ [path]: '' })), /is no file of data\//);
  });

test('may have any other name, also that of a part of the bundle', async () => {
  const names = ['grants', 'policies', 'system', 'principals', 'constructor', 'documents'];
  const given = Object.fromEntries(
    names.flatMap((name) => [
      [`data/${name}.yaml`, 'a: 1'],
      [`data/${name}.schema.json`, '{}'],
    ]),
  );
  const { documents, problems } = await read(given);
  assert.deepEqual([problems, documents.map(({ name }) => name)], [[], [...names].sort()]);
});

test('that cannot be read by pieces are small', async () => {
  const braces = `{\n${`"k": "${'x'.repeat(1000)}",\n`.repeat(8400)}}\n`;
  assert.match(
    String(await told({ ...anything, 'data/tenants.yaml': braces })),
    /^data\/tenants\.yaml:1:1: a file larger than 8388608 bytes must have each key at the beginning of a line/,
  );
});

test('that are too large are not read', async () => {
  const tree: Files = {
    ...nothing,
    entries: async () => [
      { path: 'data/a.yaml', kind: 'file', size: 200 * 2 ** 20, id: null },
      { path: 'data/a.schema.json', kind: 'file', size: 10, id: null },
      { path: 'data/b.yaml', kind: 'symbolic link', size: 0, id: null },
    ],
    read: () => assert.fail('is read'),
  };
  assert.deepEqual((await readDocuments(tree)).problems.map(formatProblem), [
    'data/a.yaml:1:1: the file is larger than 67108864 bytes, got 209715200',
    'data/b.yaml:1:1: "data/b.yaml" is a symbolic link, expected a regular file',
  ]);
});

test('that are too much together, or too many, are not read', async () => {
  const many = (count: number, size: number): Files => ({
    ...nothing,
    entries: async () =>
      Array.from({ length: count }, (_, at) => at).flatMap((at) => [
        { path: `data/d${at}.yaml`, kind: 'file', size, id: null },
        { path: `data/d${at}.schema.json`, kind: 'file', size: 2, id: null },
      ]),
    read: () => assert.fail('is read'),
  });
  const problems = async (tree: Files) => (await readDocuments(tree)).problems.map(formatProblem);
  assert.deepEqual(await problems(many(5, 60 * 2 ** 20)), [
    'data:1:1: data/ holds 314572800 bytes of documents, 268435456 are the most',
  ]);
  assert.deepEqual(await problems(many(101, 1)), ['data:1:1: data/ holds 101 documents, 100 are the most']);
});

const keys = fc.oneof(
  fc.constantFrom(
    'a',
    'ab',
    'toString',
    'valueOf',
    'grants',
    'é',
    'e\u0301',
    '\u2028',
    '"',
    '\\',
    '"}',
    '\u{1f600}',
    '\ufeff',
    'yes',
    'null',
    '1e3',
    '<<x',
    '-',
    '? ',
    '#',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter(
      (text) => !/\p{Cc}/u.test(text) && !['<<', '__proto__', 'constructor', 'prototype'].includes(text),
    ),
);
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.boolean(),
    fc.integer(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('hold whatever keys and values they are given, as they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(keys, value, { maxKeys: 8 }), fc.boolean(), async (document, isFlow) => {
      const entry = (key: string) => `${JSON.stringify(key)}: ${JSON.stringify(document[key])}`;
      const text = isFlow ? JSON.stringify(document) : Object.keys(document).map(entry).join('\n');
      const { documents, problems } = await read({ ...anything, 'data/tenants.yaml': text });
      assert.deepEqual(problems, []);
      const sorted = Object.keys(document).sort(compareCodePoints);
      const lines = sorted.map((key) => `${canonicalJson(key)}:${canonicalJson(document[key])}`).join(',\n');
      assert.equal(documents[0]?.lines.toString(), lines);
    }),
    { seed: 15, numRuns: 60 },
  );
});

test('are read by pieces as they are as a whole', async () => {
  const entries = Array.from({ length: 4000 }, (_, index) => {
    const key = `tenant-${(index * 7919) % 4000}`;
    return index % 3 === 0
      ? `"${key}": |\n  ${'text '.repeat(8)}\n\n  ${key}: more\n`
      : `${key}:\n  region: eu # ${'x'.repeat(30)}\n  list:\n  - "a: b"\n  - ${index}\n`;
  });
  const { documents, problems } = await read({ ...anything, 'data/tenants.yaml': entries.join('') });
  assert.deepEqual(problems, []);
  // The mark of a document in front has it read at once.
  const whole = await read({ ...anything, 'data/tenants.yaml': `---\n${entries.join('')}` });
  assert.ok(documents[0]?.lines.equals(whole.documents[0]?.lines ?? Buffer.alloc(0)));
  assert.equal(documents[0]?.lines.toString().split('\n').length, 4000);
  // In braces it is one mapping, wherever its lines begin.
  const braces = `{\n${Array.from({ length: 9000 }, (_, index) => `"key number ${index}": "${'x'.repeat(20)}",`).join('\n')}\n}\n`;
  assert.deepEqual(await told({ ...anything, 'data/tenants.yaml': braces }), []);
  const line = entries.join('').split('\n').length;
  const twice = `${entries.join('')}tenant-3919: 1\nother: 0.5\n`;
  assert.deepEqual(await told({ ...anything, 'data/tenants.yaml': twice }), [
    `data/tenants.yaml:${line}:1: the key "tenant-3919" is given twice`,
  ]);
});
