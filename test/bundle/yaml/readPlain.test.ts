import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { parseAnyYaml, parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { type Places, placesOf } from '../../../bundle/yaml/places.ts';
import { readPlain } from '../../../bundle/yaml/readPlain.ts';
import { suite } from '../../_suite.ts';

const test = suite('plain lists');

const usual = `# Whoever reads orders
- id: orders-read
  principal: user:o'neill@example.com   # for the night
  api: orders
  operations: [getOrder, "list orders", 'c']
  granted: 2026-03-01
  conditions: { networks: [office], mfa: true }
  # A rate of its own
  limits: { rate: 600/min }
  reason: Nightly (FIN-2210), 12 of them
  cost: 1e3

- id: orders-keep
  review: { decision: keep, by: "group:desk", at: 2026-10-01T00:00:00Z, reason: Größe }
`;

/** Every value with the places of it and of its key. */
function placed(value: unknown, places: Places, path: (string | number)[] = []): unknown[] {
  const own = [path.join('/'), places.value(path), places.key(path)];
  if (typeof value !== 'object' || value === null) return [own];
  return [
    own,
    ...Object.entries(value).flatMap(([key, inner]) =>
      placed(inner, places, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

/** Reads it both ways; whether the short one was taken. */
function agrees(text: string): boolean {
  const plain = readPlain(text);
  if (plain === null) return false;
  const any = parseAnyYaml(text, 'f.yaml');
  assert.equal(any.problems, [], text);
  assert.equal(plain.value, any.value, text);
  assert.equal(
    placed(plain.value, placesOf(text, 'f.yaml', plain.root)),
    placed(any.value, any.places),
    text,
  );
  return true;
}

test('a file as people and programs write it takes the short way, and reads the same at the same places', () => {
  assert.ok(agrees(usual));
  assert.equal(parseYaml(usual, 'f.yaml').value, parseAnyYaml(usual, 'f.yaml').value);
  assert.ok(agrees('- a: b'), 'without a line end');
});

const others: readonly (readonly [what: string, text: string])[] = [
  ['a key given twice', '- a: b\n  a: c\n'],
  ['a key of prototypes', '- constructor: b\n'],
  ['an alias', '- a: *b\n'],
  ['a tag', '- a: !!str b\n'],
  ['a merge', '- <<: {a: b}\n'],
  ['an escape', '- a: "\\x61"\n'],
  ['a text of several lines', '- a: b\n    c\n'],
  ['a block', '- a: |\n    b\n'],
  ['a value on the next line', '- a:\n    - b\n'],
  ['an empty value', '- a: b\n  c:\n'],
  ['a second document', '- a: b\n---\n- c: d\n'],
  ['a colon in a text', '- a: b: c\n'],
  ['a hash in a word', '- a: b#c\n'],
  ['a tab', '- a:\tb\n'],
  ['a carriage return', '- a: b\r\n'],
  ['a mark nobody sees', '- a: b\ufeff\n'],
  ['a line separator', '- a: b\u2028\n'],
  ['a null byte', '- a: b\0\n'],
  ['a mapping', 'a: b\n'],
  ['nothing but a comment', '# a\n'],
  ['something behind a bracket', '- a: [b] c\n'],
  ['a pair in a list', '- a: [b: c]\n'],
  ['deep nesting', `- a: ${'['.repeat(30)}${']'.repeat(30)}\n`],
  ['another indent', '- a: b\n   c: d\n'],
];
for (const [what, text] of others)
  test(`${what} is for the reader of all YAML`, () => {
    assert.is(readPlain(text), null);
    assert.equal(parseYaml(text, 'f.yaml').problems, parseAnyYaml(text, 'f.yaml').problems);
  });

const bits = [
  ...[
    '"',
    "'",
    '#',
    ' #',
    ': ',
    ':',
    '- ',
    '-',
    '\n',
    '\n  ',
    '\n- ',
    ' ',
    ',',
    '[',
    ']',
    '{',
    '}',
    '&',
    '*',
  ],
  ...['!', '|', '>', '?', '%', '@', '~', '\\', '<<', '=', '\t', '\r', '\u0085', '\u00a0', '\ufeff', 'é', '_'],
  ...[
    'true',
    'null',
    'False',
    'no',
    '1',
    '0x1F',
    '0o17',
    '1e3',
    '1_0',
    '+1',
    '.inf',
    '.',
    '/',
    '12:30',
    '...',
  ],
];
const edit = fc.record({
  at: fc.nat({ max: usual.length }),
  cut: fc.integer({ min: 0, max: 5 }),
  bit: fc.constantFrom('', ...bits),
});

test('whatever is changed in a file, what takes the short way reads as all YAML does', () => {
  let short = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce(
        (before, { at, cut, bit }) => before.slice(0, at) + bit + before.slice(at + cut),
        usual,
      );
      if (agrees(text)) short += 1;
    }),
    { numRuns: 1500 },
  );
  assert.ok(short > 100, `${short} of them`);
});
