import * as assert from 'uvu/assert';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { readYaml } from '../../../bundle/yaml/readFile.ts';
import { suite } from '../../_suite.ts';

const test = suite('yaml');
const codes = (text: string) =>
  parseYaml(text, 'f.yaml').problems.map(({ line, column, code }) => `${line}:${column} ${code}`);

test('reads the core schema: dates, yes and no stay text', () => {
  const { value, problems } = parseYaml(
    'a: 2026-03-01\nb: yes\nc: no\nd: true\ne: 3\nf: ~\ng: "1"\nh: on\n',
    'f.yaml',
  );
  assert.equal(problems, []);
  assert.equal(value, { a: '2026-03-01', b: 'yes', c: 'no', d: true, e: 3, f: null, g: '1', h: 'on' });
});

const refused: readonly (readonly [what: string, hostile: string, problems: string[], nearest: string])[] = [
  ['an alias and its anchor', 'a: &x 1\nb: *x\n', ['1:4 yaml-anchor', '2:4 yaml-alias'], 'a: 1\nb: "*x"\n'],
  ['a tag', 'a: !!str 1\n', ['1:4 yaml-tag'], 'a: "!!str 1"\n'],
  ['a merge key', 'a:\n  <<: {b: 1}\n', ['2:3 yaml-merge'], 'a:\n  b: 1\n'],
  ['a key given twice', 'a: 1\nb: 2\na: 3\n', ['3:1 yaml-duplicate-key'], 'a: 1\nb: 2\nc: 3\n'],
  [
    'a key given twice, spelt differently',
    'a: 1\n"\\x61": 3\n',
    ['2:1 yaml-duplicate-key'],
    'a: 1\n"\\x62": 3\n',
  ],
  ['the key __proto__', '__proto__: {admin: true}\n', ['1:1 yaml-forbidden-key'], 'proto: {admin: true}\n'],
  ['the key __proto__, escaped', '"__\\x70roto__": 1\n', ['1:1 yaml-forbidden-key'], '"__x": 1\n'],
  ['the key constructor', '- constructor: 1\n', ['1:3 yaml-forbidden-key'], '- construct: 1\n'],
  ['the key prototype', '{prototype: 1}\n', ['1:2 yaml-forbidden-key'], '{type: 1}\n'],
  ['a key that is a list', '? [a]\n: 1\n', ['1:3 yaml-key'], '? a\n: 1\n'],
  ['a second document', 'a: 1\n---\nb: 2\n', ['1:5 yaml-documents'], '---\na: 1\n'],
  ['a directive', '%YAML 1.2\n---\na: 1\n', ['1:1 yaml-directive'], '---\na: 1\n'],
  ['a lone surrogate, escaped', 'a: "\\ud800"\n', ['1:4 lone-surrogate'], 'a: "\\ud83d\\ude00"\n'],
  ['a lone surrogate', 'a: \ud800\n', ['1:4 lone-surrogate'], 'a: 😀\n'],
  [
    'deep nesting',
    `${'['.repeat(21)}${']'.repeat(21)}`,
    ['1:20 yaml-depth'],
    `${'['.repeat(19)}${']'.repeat(19)}`,
  ],
  ['broken syntax', 'a: b: c\n', ['1:5 yaml-syntax'], 'a: "b: c"\n'],
  ['a null byte', 'a: \0\n', ['1:4 yaml-syntax'], 'a: 0\n'],
  [
    'more than 1 MiB',
    `a: ${'x'.repeat(1024 * 1024)}\n`,
    ['1:1 file-too-large'],
    `a: ${'x'.repeat(1024 * 1024 - 4)}\n`,
  ],
];
for (const [what, hostile, problems, nearest] of refused)
  test(`refuses ${what}`, () => {
    assert.equal(codes(hostile), problems);
    assert.equal(codes(nearest), []);
  });

test('a bomb of aliases costs nothing', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 30; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  const found = codes(`${lines.join('\n')}\n`);
  assert.is(found.filter((code) => code.endsWith('yaml-alias')).length, 29 * 9);
});

test('never gives an object another prototype', () => {
  const { value } = parseYaml('__proto__: {admin: true}\na: 1\n', 'f.yaml');
  assert.is(Object.getPrototypeOf(value), Object.prototype);
  assert.is((value as { admin?: boolean }).admin, undefined);
});

test('refuses bytes that are not UTF-8, and takes a byte order mark and Windows line endings', () => {
  assert.equal(
    readYaml(Buffer.from([0x61, 0x3a, 0x20, 0xff]), 'f.yaml').problems.map(({ code }) => code),
    ['not-utf8'],
  );
  const read = readYaml(Buffer.from('\ufeffa: b\r\nc: d\r\n'), 'f.yaml');
  assert.equal(read.value, { a: 'b', c: 'd' });
  const a = read.places.key(['a']);
  const d = read.places.value(['c']);
  assert.equal([a?.line, a?.column, d?.line, d?.column], [1, 1, 2, 4]);
});

const document = `# comment
- id: "x"   # after
  flow: {b: [c, 'd'], e}
  block: |  # hi > there
    one
    two

  empty:
  list:
    - 1
    -
    - {a: 1,
       # } in a comment
       b: 2 }

  last: v
# end
`;

test('knows where each value and key stands, to the character', () => {
  const { places } = parseYaml(document, 'f.yaml');
  const text = (...path: (string | number)[]) => {
    const place = places.value(path);
    return place && `${place.line}:${place.column} ${document.slice(place.start, place.end)}`;
  };
  assert.is(text(0, 'id'), '2:7 "x"');
  assert.is(text(0, 'flow'), "3:9 {b: [c, 'd'], e}");
  assert.is(text(0, 'flow', 'b'), "3:13 [c, 'd']");
  assert.is(text(0, 'flow', 'b', 1), "3:17 'd'");
  assert.is(text(0, 'block'), '4:10 |  # hi > there\n    one\n    two');
  assert.is(text(0, 'empty'), '8:9 ');
  assert.is(text(0, 'list', 1), '11:6 ');
  assert.is(text(0, 'list', 2), '12:7 {a: 1,\n       # } in a comment\n       b: 2 }');
  assert.is(text(0, 'last'), '16:9 v');
  assert.is(text(0, 'nothing'), undefined);
  // An item ends with its last value: the comment after it belongs to the file.
  assert.ok(text(0)?.startsWith('2:3 id: "x"') && text(0)?.endsWith('last: v'));
  assert.is(places.key([0, 'last'])?.line, 16);
  assert.is(places.nearest([0, 'flow', 'b', 9]).column, 13);
});
