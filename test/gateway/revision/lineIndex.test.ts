import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { BundleError } from '../../../bundle/bundleError.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('lineIndex');

const sample = lineForm({
  apis: { orders: apiEntry('orders'), payments: apiEntry('payments') },
  grants: {
    orders: { 'group:billing': [{ id: 'a' }], 'user:ann': [{ id: 'b' }] },
    payments: { 'user:ann': [{ id: 'c' }] },
  },
  principals: {
    'user:ann': { active: true, groups: ['group:billing'] },
    'user:bob': { active: false, groups: [] },
  },
}).toString();

const text = (line: Uint8Array | null) => (line === null ? null : Buffer.from(line).toString());
const open = (document: string) => openIndex(indexLines(Buffer.from(document)));

test('the bytes end up in shared memory, those that are there already where they are', () => {
  const bytes = Buffer.from(sample);
  const { data } = indexLines(bytes);
  assert.ok(data instanceof SharedArrayBuffer);
  assert.equal(Buffer.from(data).toString(), sample);
  assert.equal(indexLines(Buffer.from(data)).data, data);
  // A part of what is shared would drag all of it along.
  const larger = new SharedArrayBuffer(bytes.length + 8);
  for (const at of [0, 8]) {
    const part = Buffer.from(larger, at, bytes.length);
    bytes.copy(part);
    const own = indexLines(part).data;
    assert.deepEqual([own === larger, own.byteLength], [false, bytes.length]);
    assert.equal(Buffer.from(own).toString(), sample);
  }
});

test('finds the line of a principal at an API, and not the one at another API', () => {
  const index = open(sample);
  assert.equal(text(index.grants('orders', 'user:ann')), '"user:ann":[{"id":"b"}]');
  assert.equal(text(index.grants('payments', 'user:ann')), '"user:ann":[{"id":"c"}]');
  assert.equal(index.grants('payments', 'group:billing'), null);
  assert.equal(text(index.principal('user:bob')), '"user:bob":{"active":false,"groups":[]}');
  assert.equal(index.principal('group:billing'), null);
  assert.equal(index.count, 5);
});

test('finds nothing for names that are parts, extensions or spellings of a key', () => {
  const index = open(sample);
  for (const name of [
    '',
    'user:an',
    'user:ann2',
    'user:ann"',
    'USER:ANN',
    'user:\\u0061nn',
    'user:ann\0',
    '\ud800',
  ])
    assert.equal(index.grants('orders', name), null, name);
  for (const api of ['', 'order', 'principals', '__proto__', 'orders"', 'user:ann'])
    assert.equal(index.grants(api, 'user:ann'), null, api);
});

test('a name is found at its own line only, however another goes on after it', () => {
  for (const [held, asked] of [
    ['user:ab:c', 'user:a'],
    ['user:a', 'user:ab:c'],
    ['user:a":b', 'user:a'],
    ['user:a\\', 'user:a'],
    ['user:a', 'user:a\\'],
    ['user:a\n', 'user:a\\n'],
  ] as const) {
    const index = open(
      lineForm({ apis: {}, grants: { orders: { [held]: [{ id: 'b' }] } }, principals: {} }).toString(),
    );
    assert.ok(index.grants('orders', held), held);
    assert.equal(index.grants('orders', asked), null, asked);
  }
});

test('keeps the parts outside the lines as their text', () => {
  const { head } = indexLines(Buffer.from(sample));
  assert.deepEqual(Object.keys(JSON.parse(head.apis)), ['orders', 'payments']);
  assert.deepEqual(JSON.parse(head.networks), {});
});

test('accepts a document without grants and without principals', () => {
  const index = open(lineForm({ apis: {}, grants: {}, principals: {} }).toString());
  assert.equal(index.count, 0);
  assert.equal(index.principal('user:ann'), null);
});

const malformed: Record<string, (document: string) => string> = {
  'an empty file': () => '',
  'a file cut anywhere in its lines': (d) => d.slice(0, -20),
  'a file without its last brace': (d) => d.slice(0, -1),
  'something after the end': (d) => `${d}{}`,
  'two entries on one line': (d) =>
    d.replace('"user:ann":[{"id":"b"}]', '"user:ann":[{"id":"b"}],"user:eve":[]'),
  'an entry hidden in a closed array': (d) => d.replace('[{"id":"b"}]', '[{"id":"b"}]]'),
  'an entry that reaches over its line': (d) => d.replace('[{"id":"b"}]', '[{"id":\n"b"}]'),
  'keys out of order': (d) => d.replace('"user:bob":', '"user:aaa":'),
  'a key twice': (d) => d.replace('"user:bob":', '"user:ann":'),
  'an API twice': (d) => d.replace('\n},"payments":{', '\n},"orders":{'),
  'an API with an escape': (d) => d.replace('\n},"payments":{', '\n},"p\\u0061yments":{'),
  'a key with an escape': (d) => d.replace('"user:bob":', '"user:b\\u006fb":'),
  'a grants entry that is an object': (d) => d.replace('[{"id":"b"}]', '{"id":"b"}'),
  'a principals entry that is an array': (d) => d.replace('{"active":false,"groups":[]}', '[]'),
  'white space inside an entry': (d) => d.replace('[{"id":"b"}]', '[{"id": "b"}]'),
  'a bare word': (d) => d.replace('[{"id":"b"}]', '[{"id":b}]'),
  'a number no JSON has': (d) => d.replace('[{"id":"b"}]', '[{"id":01}]'),
  'a trailing comma in a value': (d) => d.replace('[{"id":"b"}]', '[{"id":"b"},]'),
  'a trailing comma after the last line': (d) => d.replace('[{"id":"b"}]\n', '[{"id":"b"}],\n'),
  'a missing comma between lines': (d) => d.replace('[{"id":"a"}],\n', '[{"id":"a"}]\n'),
  'an unknown escape': (d) => d.replace('[{"id":"b"}]', '[{"id":"\\x"}]'),
  'a control character in a string': (d) => d.replace('[{"id":"b"}]', '[{"id":"\u0001"}]'),
  'nesting without end': (d) => d.replace('[{"id":"b"}]', '['.repeat(5000) + ']'.repeat(5000)),
  'a section on a line of its own': (d) => d.replace('"networks"', '\n"networks"'),
  'a line feed at the end': (d) => `${d}\n`,
  'a section that is missing': (d) => d.replace('"networks":{},', ''),
  'a section that is unknown': (d) => d.replace('"networks"', '"more":{},"networks"'),
};
for (const [what, edit] of Object.entries(malformed))
  test(`refuses ${what}`, () => {
    const edited = edit(sample);
    assert.notEqual(edited, sample);
    assert.throws(
      () => indexLines(Buffer.from(edited)),
      (error) => error instanceof BundleError && error.code === 'data-malformed',
    );
  });

test('refuses bytes that are not UTF-8', () => {
  const bytes = Buffer.from(sample);
  bytes[sample.indexOf('user:ann')] = 0xff;
  assert.throws(() => indexLines(bytes), { code: 'data-malformed' });
});

test('refuses every cut of a document, or reads it as JSON does', () => {
  for (let end = 0; end < sample.length; end += 1)
    assert.throws(
      () => indexLines(Buffer.from(sample.slice(0, end))),
      { code: 'data-malformed' },
      `cut at ${end}`,
    );
});

test('finds in any document exactly what a JSON parser finds', () => {
  const key = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).map((text) => text.replace(/["\\]/g, '.')),
    fc.constantFrom('a', 'ab', 'a b', 'é', '😀', '__proto__', 'constructor'),
  );
  const entries = fc.uniqueArray(key, { maxLength: 12 });
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'c-d', 'zz'), entries),
      entries,
      key,
      (grants, principals, other) => {
        const written = {
          apis: {},
          grants: Object.fromEntries(
            Object.entries(grants).map(([api, names]) => [
              api,
              fromNames(names, (name) => [{ id: `${api} ${name}` }]),
            ]),
          ),
          principals: fromNames(principals, () => ({ active: true, groups: [] })),
        };
        const document = lineForm(written).toString();
        const parsed = JSON.parse(document);
        const index = open(document);
        for (const name of [...Object.values(grants).flat(), ...principals, other]) {
          for (const api of ['a', 'b', 'c-d', 'zz']) {
            const line = text(index.grants(api, name));
            const value =
              Object.hasOwn(parsed.grants, api) && Object.hasOwn(parsed.grants[api], name)
                ? parsed.grants[api][name]
                : null;
            assert.deepEqual(
              line === null ? null : Object.entries(JSON.parse(`{${line}}`)),
              value && [[name, value]],
            );
          }
          assert.equal(index.principal(name) !== null, Object.hasOwn(parsed.principals, name));
        }
      },
    ),
    { seed: 11, numRuns: 300 },
  );
});

/** An object with own keys only, `__proto__` among them. */
function fromNames<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}

test('a name with a quote, an escape or half a character finds nothing, also where bytes would go on the same', () => {
  const index = open(sample);
  for (const name of [
    'user:ann":[{"id":"b"}]',
    'user:ann"',
    '"',
    'user:ann\\',
    'user:\\u0061nn',
    '\n',
    '\ud800',
  ])
    assert.deepEqual([index.grants('orders', name), index.principal(name)], [null, null], name);
});

test('each index has a seed of its own, by which lines come to stand elsewhere, and are found', () => {
  const many = lineForm({
    apis: { orders: apiEntry('orders') },
    grants: {
      orders: Object.fromEntries(
        Array.from({ length: 64 }, (_, i) => [`user:a${String(i).padStart(2, '0')}`, [{ id: `g${i}` }]]),
      ),
    },
    principals: {},
  });
  const made = Array.from({ length: 8 }, () => indexLines(Buffer.from(many)));
  assert.ok(new Set(made.map(({ seed }) => seed)).size > 1);
  assert.ok(new Set(made.map(({ slots }) => Buffer.from(slots).toString('hex'))).size > 1);
  for (const one of made)
    assert.equal(text(openIndex(one).grants('orders', 'user:a07')), '"user:a07":[{"id":"g7"}]');
});
