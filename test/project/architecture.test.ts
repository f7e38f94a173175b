import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from '../_suite.ts';
import { architectureProblems, importsOf, type Rooms, tableProblems } from './_architecture.ts';
import { root } from './_copyRepository.ts';
import { rooms } from './_rooms.ts';

const test = suite('architecture');

test('the repository keeps to it', () => {
  assert.deepEqual(architectureProblems(root), []);
});

test('every room stands on the floors below it', () => {
  assert.deepEqual(tableProblems(root), []);
});

test('the tree in CONTRIBUTING has every room, and no other', () => {
  const text = readFileSync(join(root, '.github/CONTRIBUTING.md'), 'utf8');
  const tree = /```\n(grants\/ .*?)```/s.exec(text)?.[1] ?? '';
  const shown = tree.split(/^(?=\w)/m).flatMap((house) => {
    const [, name = ''] = /^(\w+)\//.exec(house) ?? [];
    // What a line says of its rooms stands two spaces behind them.
    const lines = house.split('\n').slice(1);
    return lines.flatMap((line) =>
      [...line.matchAll(/(?<=^ +|\/ +)(\w+)\//g)].map(([, room]) => `${name}/${room}`),
    );
  });
  const folders = rooms.map(([room]) => room).filter((room) => /^\w+\/\w+$/.test(room));
  const copied = 'gateway/deploy';
  assert.deepEqual(shown.sort(), [...folders, copied].sort());
  assert.ok(tree.split('\n').length <= 70, 'a screenful');
});

const about = (room: string, imports: string) => `# ${room}\n\nWhat it is for.\n\nImports: ${imports}.\n`;
const table: Rooms = [
  ['bundle/grants', []],
  ['bundle', ['bundle/grants']],
  ['gateway/revision', ['bundle/grants']],
  ['gateway/decision', ['gateway/revision']],
  ['gateway/load', []],
  ['gateway', ['gateway/decision', 'gateway/load']],
  ['reviewer', ['gateway/decision', 'gateway/revision']],
];

/** A small tree that keeps to every rule. */
const sound: Record<string, string> = {
  'package.json': JSON.stringify({ dependencies: { zod: '4.6.7' }, devDependencies: { uvu: '0.5.6' } }),
  'cli.ts': "import { demo } from './commands/demo.ts';\ndemo();\n",
  'commands/demo.ts':
    "import { load } from '../bundle/grants/load.ts';\nexport const demo = () => [load(), import('../demo/demo.ts')];\n",
  'bundle/grants/load.ts': "import { z } from 'zod';\nexport const load = () => z.string();\n",
  'gateway/revision/record.ts':
    "import type { load } from '../../bundle/grants/load.ts';\nexport type Record = typeof load;\n",
  'gateway/decision/evaluator.ts': 'export const createEvaluator = () => null;\n',
  'gateway/serve.ts':
    "import './decision/evaluator.ts';\nnew Worker(new URL('./load/loader.ts', import.meta.url));\n",
  'gateway/load/loader.ts': 'export const loader = null;\n',
  'reviewer/review.ts':
    "import type { Record } from '../gateway/revision/record.ts';\nexport const review = (_: Record) => null;\n",
  'demo/demo.ts': "import '../gateway/serve.ts';\nexport const demo = () => 0;\n",
  'bundle/grants/README.md': about('bundle/grants', 'nothing'),
  'bundle/README.md': about('bundle', '`bundle/grants`'),
  'gateway/revision/README.md': about('gateway/revision', '`bundle/grants`'),
  'gateway/decision/README.md': about('gateway/decision', '`gateway/revision`'),
  'gateway/load/README.md': about('gateway/load', 'nothing'),
  'gateway/README.md': about('gateway', '`gateway/decision`, `gateway/load`'),
  'reviewer/README.md': about('reviewer', '`gateway/decision`, `gateway/revision`'),
  'test/x.test.ts': "import 'uvu';\nimport '../demo/demo.ts';\n",
};

function problemsOf(changes: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-architecture-'));
  try {
    for (const [name, text] of Object.entries({ ...sound, ...changes })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return architectureProblems(folder, table).join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a small tree that keeps to it has no problems', () => {
  assert.equal(problemsOf({}), '');
});

const code = (line: string) => `${line}\nconst x = 1;\n`;
const breaches: [string, Record<string, string>, RegExp][] = [
  [
    'bundle importing from gateway',
    { 'bundle/a.ts': code("import { x } from '../gateway/serve.ts';") },
    /^bundle\/a\.ts:1: bundle must not import gateway$/,
  ],
  [
    'only a type, all the same',
    { 'bundle/a.ts': code("import type { x } from '../gateway/revision/record.ts';") },
    /bundle must not import gateway/,
  ],
  [
    'an import over several lines',
    { 'bundle/a.ts': code("import {\n  x,\n  type y,\n} from '../gateway/serve.ts';") },
    /^bundle\/a\.ts:1: /,
  ],
  [
    'a lazy import',
    { 'bundle/a.ts': code("await import(\n  '../gateway/serve.ts'\n);") },
    /must not import gateway/,
  ],
  [
    'a type named by import()',
    { 'bundle/a.ts': code("export type R = import('../reviewer/review.ts').R;") },
    /must not import reviewer/,
  ],
  [
    'a re-export',
    { 'bundle/a.ts': code("export { x } from '../gateway/serve.ts';") },
    /must not import gateway/,
  ],
  [
    'a worker of another room',
    { 'bundle/a.ts': code("new Worker(new URL('../gateway/load/loader.ts', import.meta.url));") },
    /must not import gateway/,
  ],
  [
    'an import of a computed name',
    { 'gateway/a.ts': code('await import(name);') },
    /^gateway\/a\.ts:1: an import of a computed name/,
  ],
  [
    'gateway importing from reviewer',
    { 'gateway/a.ts': code("import '../reviewer/review.ts';") },
    /gateway must not import reviewer/,
  ],
  [
    'the reviewer reaching into the gateway',
    { 'reviewer/a.ts': code("import '../gateway/serve.ts';") },
    /knows only .*, not gateway\/serve\.ts/,
  ],
  [
    'a room importing one that it may not',
    { 'gateway/load/a.ts': code("import '../decision/evaluator.ts';") },
    /^gateway\/load\/a\.ts:1: gateway\/load may not import gateway\/decision /,
  ],
  [
    'an import that leads up',
    { 'gateway/revision/a.ts': code("import '../decision/evaluator.ts';") },
    /gateway\/revision may not import gateway\/decision/,
  ],
  ['a room that nobody has', { 'gateway/new/a.ts': code('') }, /^gateway\/new: is not in the table of rooms/],
  [
    'a room that says nothing',
    { 'gateway/load/README.md': '# gateway/load\n' },
    /^gateway\/load\/README\.md: /,
  ],
  [
    'a room that says something else than the table',
    { 'gateway/load/README.md': about('gateway/load', '`gateway/decision`') },
    /^gateway\/load\/README\.md: /,
  ],
  [
    'a circle of files, of types too',
    {
      'demo/a.ts': code("import type { y } from './b.ts';"),
      'demo/b.ts': code("import type { z } from './c.ts';"),
      'demo/c.ts': code("import type { x } from './a.ts';"),
    },
    /^a circle of imports: demo\/a\.ts → demo\/b\.ts → demo\/c\.ts → demo\/a\.ts$/,
  ],
  [
    'a drawer',
    Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`bench/${at}.ts`, code('')])),
    /^bench: 21 files beside each other/,
  ],
  ['production importing tests', { 'reviewer/a.ts': code("import '../test/x.test.ts';") }, /from test\//],
  ['production importing the demo', { 'gateway/a.ts': code("import('../demo/demo.ts');") }, /from demo\//],
  [
    'the command loading the demo at once',
    { 'commands/demo.ts': code("import { demo } from '../demo/demo.ts';") },
    /imports demo\/demo\.ts at once/,
  ],
  [
    'the command loading more of the demo',
    { 'commands/demo.ts': code("import('../demo/other.ts');") },
    /from demo\//,
  ],
  [
    'another command loading the demo',
    { 'commands/check.ts': code("import('../demo/demo.ts');") },
    /from demo\//,
  ],
  [
    'a room importing a command',
    { 'gateway/a.ts': code("import '../commands/demo.ts';") },
    /must not import/,
  ],
  ['a room importing cli.ts', { 'gateway/a.ts': code("import '../cli.ts';") }, /must not import cli\.ts/],
  [
    'production importing a development dependency',
    { 'gateway/a.ts': code("import { uvu } from 'uvu/assert';") },
    /"uvu" is not among the dependencies/,
  ],
  [
    'production importing what nobody declared',
    { 'bundle/a.ts': code("import x from '@scope/left/pad';") },
    /"@scope\/left" is not among/,
  ],
  ['a test importing what nobody declared', { 'test/a.ts': code("import 'left-pad';") }, /"left-pad" is not/],
  ['a built-in without node:', { 'bundle/a.ts': code("import fs from 'fs';") }, /must be written "node:fs"/],
  [
    'leaving the repository',
    { 'test/a.ts': code("import '../../elsewhere/x.ts';") },
    /outside the repository/,
  ],
  ['a folder of odds and ends', { 'gateway/utils/a.ts': code('') }, /^gateway\/utils: /],
  [
    'a barrel',
    {
      'bundle/index.ts':
        "// All of it\nexport * from './grants/load.ts';\nexport {\n  load,\n} from './grants/load.ts';\nexport type { X } from './grants/load.ts';\n",
    },
    /^bundle\/index\.ts: hands on/,
  ],
  [
    'a file that is named after nothing it exports',
    { 'bundle/a.ts': 'export type B = 1;\nexport function createC() {}\n' },
    /^bundle\/a\.ts: exports createC, and is not named after it$/,
  ],
  ...[
    'let x = 1;',
    'export let x: Y | null = null;',
    'const seen = new Map<string, X>();',
    'const seen = new Set();',
    'const owners: Z = new WeakMap<X, Y>();',
    'const cache = lruCache<X>(64 * MiB);',
    'const list: X[] = [];',
    'const room = Buffer.allocUnsafeSlow(4096);',
  ].map((line): [string, Record<string, string>, RegExp] => [
    `a module that keeps ${line}`,
    { 'bundle/a.ts': `${line}\nexport function a() {}\n` },
    /^bundle\/a\.ts: ".*" is state of the module/,
  ]),
  ['a file of 301 lines', { 'demo/a.ts': 'let x = 1;\n'.repeat(301) }, /^demo\/a\.ts: 301 lines/],
  [
    'a dependency that is not pinned',
    {
      'package.json': JSON.stringify({ dependencies: { zod: '^4.6.7' }, devDependencies: { uvu: '0.5.6' } }),
    },
    /"zod" must be pinned exactly, got "\^4\.6\.7"/,
  ],
];
for (const [what, changes, expected] of breaches) {
  test(`finds ${what}`, () => {
    assert.match(problemsOf(changes), expected);
  });
}

test('finds a floor that stands on a higher one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-architecture-'));
  try {
    for (const room of ['a', 'b']) mkdirSync(join(folder, room));
    assert.deepEqual(
      tableProblems(folder, [
        ['a', ['b']],
        ['b', []],
        ['c', []],
      ]),
      ['a: imports b, which is not on a lower floor', 'c: is in the table of rooms and not on disk'],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const harmless: [string, Record<string, string>][] = [
  ['a file of 300 lines', { 'demo/a.ts': 'let x = 1;\n'.repeat(300) }],
  ['a long test', { 'test/a.ts': 'let x = 1;\n'.repeat(301) }],
  [
    'a folder of 20 files',
    Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`bench/${at}.ts`, code('')])),
  ],
  ['the evaluator in the reviewer', { 'reviewer/a.ts': code("import '../gateway/decision/evaluator.ts';") }],
  [
    'the demo importing everything',
    { 'demo/a.ts': code("import '../test/x.test.ts';\nimport '../cli.ts';") },
  ],
  [
    'a file that hands on one name and does work',
    { 'bundle/a.ts': code("export { load } from './grants/load.ts';") },
  ],
  [
    'an import that is only spoken of',
    { 'bundle/a.ts': code("// import '../gateway/serve.ts';\n/* import('../demo/demo.ts') */") },
  ],
  ...[
    'const none: readonly string[] = [];',
    'const none: ReadonlyMap<string, X> = new Map();',
    "const known = new Set(['a']);",
    'const script = `\nlet x = 1;\n`;',
    'export function b() {\n  let x = 1;\n}',
  ].map((lines): [string, Record<string, string>] => [
    `a module of ${lines}`,
    { 'bundle/a.ts': `${lines}\nexport function a() {}\n` },
  ]),
  [
    'what a program keeps, which nobody imports',
    { 'gateway/load/loader.ts': 'let x = 1;\n', 'gateway/load/README.md': about('gateway/load', '') },
  ],
  ['a built-in', { 'bundle/a.ts': code("import { readFile } from 'node:fs/promises';") }],
];
for (const [what, changes] of harmless) {
  test(`finds nothing in ${what}`, () => {
    assert.equal(problemsOf(changes), '');
  });
}

test('reads imports wherever they stand', () => {
  const text =
    "import a, { b } from 'a';\nimport 'b';\nconst c = await import('zod');\nexport * as d from \"d\";\n";
  assert.deepEqual(
    importsOf(text)
      .map(({ specifier, line }) => `${specifier}:${line}`)
      .sort(),
    ['a:1', 'b:2', 'd:4', 'zod:3'],
  );
});
