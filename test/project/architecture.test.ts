import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from '../_suite.ts';
import { architectureProblems, importsOf } from './_architecture.ts';
import { root } from './_copyRepository.ts';

const test = suite('architecture');

test('the repository keeps to it', () => {
  assert.deepEqual(architectureProblems(root), []);
});

/** A small tree that keeps to every rule. */
const sound: Record<string, string> = {
  'package.json': JSON.stringify({ dependencies: { zod: '4.6.7' }, devDependencies: { uvu: '0.5.6' } }),
  'cli.ts': "import { demo } from './commands/demo.ts';\ndemo();\n",
  'commands/demo.ts':
    "import { load } from '../bundle/load.ts';\nexport const demo = () => [load(), import('../demo/main.ts')];\n",
  'bundle/load.ts': "import { z } from 'zod';\nexport const load = () => z.string();\n",
  'gateway/record.ts': "import type { load } from '../bundle/load.ts';\nexport type Record = typeof load;\n",
  'gateway/evaluator.ts': 'export const createEvaluator = () => null;\n',
  'gateway/main.ts': "import './evaluator.ts';\nnew Worker(new URL('./loader.ts', import.meta.url));\n",
  'gateway/loader.ts': 'export const loader = null;\n',
  'reviewer/main.ts':
    "import type { Record } from '../gateway/record.ts';\nexport const review = (_: Record) => null;\n",
  'demo/main.ts': "import '../gateway/main.ts';\nexport const demo = () => 0;\n",
  'test/x.test.ts': "import 'uvu';\nimport '../demo/main.ts';\n",
};

function problemsOf(changes: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-architecture-'));
  try {
    for (const [name, text] of Object.entries({ ...sound, ...changes })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return architectureProblems(folder).join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a small tree that keeps to it has no problems', () => {
  assert.equal(problemsOf({}), '');
});

const code = (line: string) => `${line}\nexport const x = 1;\n`;
const breaches: [string, Record<string, string>, RegExp][] = [
  [
    'bundle importing from gateway',
    { 'bundle/a.ts': code("import { x } from '../gateway/main.ts';") },
    /^bundle\/a\.ts:1: bundle must not import gateway$/,
  ],
  [
    'only a type, all the same',
    { 'bundle/a.ts': code("import type { x } from '../gateway/record.ts';") },
    /bundle must not import gateway/,
  ],
  [
    'an import over several lines',
    { 'bundle/a.ts': code("import {\n  x,\n  type y,\n} from '../gateway/main.ts';") },
    /^bundle\/a\.ts:1: /,
  ],
  [
    'a lazy import',
    { 'bundle/a.ts': code("await import(\n  '../gateway/main.ts'\n);") },
    /must not import gateway/,
  ],
  [
    'a type named by import()',
    { 'bundle/a.ts': code("export type R = import('../reviewer/main.ts').R;") },
    /must not import reviewer/,
  ],
  [
    'a re-export',
    { 'bundle/a.ts': code("export { x } from '../gateway/main.ts';") },
    /must not import gateway/,
  ],
  [
    'a worker of another room',
    { 'bundle/a.ts': code("new Worker(new URL('../gateway/loader.ts', import.meta.url));") },
    /must not import gateway/,
  ],
  [
    'an import of a computed name',
    { 'gateway/a.ts': code('await import(name);') },
    /^gateway\/a\.ts:1: an import of a computed name/,
  ],
  [
    'gateway importing from reviewer',
    { 'gateway/a.ts': code("import '../reviewer/main.ts';") },
    /gateway must not import reviewer/,
  ],
  [
    'the reviewer reaching into the gateway',
    { 'reviewer/a.ts': code("import '../gateway/main.ts';") },
    /knows only .*, not gateway\/main\.ts/,
  ],
  ['production importing tests', { 'reviewer/a.ts': code("import '../test/x.test.ts';") }, /from test\//],
  ['production importing the demo', { 'gateway/a.ts': code("import('../demo/main.ts');") }, /from demo\//],
  [
    'the command loading the demo at once',
    { 'commands/demo.ts': code("import { demo } from '../demo/main.ts';") },
    /imports demo\/main\.ts at once/,
  ],
  [
    'the command loading more of the demo',
    { 'commands/demo.ts': code("import('../demo/other.ts');") },
    /from demo\//,
  ],
  [
    'another command loading the demo',
    { 'commands/check.ts': code("import('../demo/main.ts');") },
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
        "// All of it\nexport * from './load.ts';\nexport {\n  load,\n} from './load.ts';\nexport type { X } from './load.ts';\n",
    },
    /^bundle\/index\.ts: hands on/,
  ],
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

const harmless: [string, Record<string, string>][] = [
  ['a file of 300 lines', { 'demo/a.ts': 'let x = 1;\n'.repeat(300) }],
  ['a long test', { 'test/a.ts': 'let x = 1;\n'.repeat(301) }],
  ['the evaluator in the reviewer', { 'reviewer/a.ts': code("import '../gateway/evaluator.ts';") }],
  [
    'the demo importing everything',
    { 'demo/a.ts': code("import '../test/x.test.ts';\nimport '../cli.ts';") },
  ],
  [
    'a file that hands on one name and does work',
    { 'bundle/a.ts': code("export { load } from './load.ts';") },
  ],
  [
    'an import that is only spoken of',
    { 'bundle/a.ts': code("// import '../gateway/main.ts';\n/* import('../demo/main.ts') */") },
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
