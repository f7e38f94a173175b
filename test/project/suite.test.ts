import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../_suite.ts';

const test = suite('suite');
const here = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** What a file of tests says, and how it ends. */
async function outcomeOf(lines: readonly string[]): Promise<{ code: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-suite-'));
  try {
    const file = join(folder, 'a.test.ts');
    const head = `import * as assert from 'node:assert/strict';\nimport { suite } from '${here('_suite.ts')}';\nconst test = suite('a');\n`;
    await writeFile(file, head + lines.join('\n'));
    return await new Promise((done) =>
      execFile(process.execPath, [here('_file.ts'), file], (error, stdout, stderr) =>
        done({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('each test that fails is told, whatever was thrown and compared, and those behind it run', async () => {
  const { code, output } = await outcomeOf([
    "test('equal symbols', () => assert.equal(Symbol('a'), Symbol('b')));",
    "test('deep symbols', () => assert.deepEqual({ x: Symbol('c') }, { x: 1 }));",
    "test('a symbol', () => { throw Symbol('d'); });",
    "test('nothing', () => { throw undefined; });",
    "test('an error', () => { throw new TypeError('no such thing'); });",
    "test('behind them', () => assert.ok(true));",
  ]);
  assert.equal(code, 1);
  for (const said of ['Symbol(a)', 'Symbol(c)', 'threw Symbol(d)', 'threw undefined', 'no such thing'])
    assert.ok(output.includes(said), said);
  assert.match(output, /Total: +6\n +Passed: +1\n/);
});

test('a hook that fails fails the tests behind it, and one after them the file', async () => {
  const before = await outcomeOf([
    "test.before(() => { throw Symbol('early'); });",
    "test('one', () => assert.ok(true));",
  ]);
  assert.equal(before.code, 1);
  assert.match(before.output, /threw Symbol\(early\)/);
  const after = await outcomeOf([
    "test.after(() => { throw new Error('late'); });",
    "test('one', () => assert.ok(true));",
  ]);
  assert.equal(after.code, 1);
  assert.match(after.output, /after hook of suite "a" failed.*late/s);
});
