import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileRun, runFiles } from '../_runFiles.ts';
import { suite } from '../_suite.ts';

const test = suite('runFiles');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-run-files-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const suiteUrl = new URL('../_suite.ts', import.meta.url).href;

/** A test file whose one test tells its process, then does that. */
function file(name: string, body: string): string {
  const path = join(folder, `${name}.test.ts`);
  const begin = `import { suite } from '${suiteUrl}';\nconst test = suite('${name}');\n`;
  writeFileSync(
    path,
    `${begin}test('does', async () => {\n  console.log('PID', process.pid);\n  ${body}\n});\n`,
  );
  return path;
}

async function run(paths: string[], timeoutMs = 60_000) {
  const runs: FileRun[] = [];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  await runFiles(paths, { cwd, env: process.env, timeoutMs, onRun: (one) => runs.push(one) });
  return runs.map((one) => ({ ...one, pid: /PID (\d+)/.exec(one.output)?.[1] }));
}

test('files that leave nothing share a process; one that fails says so, with its own output only', async () => {
  const paths = [
    file('passes', "process.env.OURS = '1';\n  delete process.env.OURS;"),
    file('fails', "console.error('told');\n  throw new Error('it is wrong');"),
    file('passes too', 'setTimeout(() => {}, 10);'),
    file('last', ''),
  ];
  const runs = await run(paths);
  assert.deepEqual(
    runs.map(({ path, code }) => [path, code]),
    paths.map((path, index) => [path, index === 1 ? 1 : 0]),
  );
  assert.equal(new Set(runs.map(({ pid }) => pid)).size, 1);
  assert.deepEqual(runs[2]?.after, paths.slice(0, 2));
  for (const [index, { output }] of runs.entries()) {
    assert.equal(output.includes('it is wrong') && output.includes('told'), index === 1);
    assert.equal(output.match(/Total: +1\n/g)?.length, 1);
  }
});

test('whatever a file leaves behind, the next one does not meet it', async () => {
  const leaves = [
    "process.env.LEFT = 'behind';",
    "process.on('unhandledRejection', () => {});",
    'Date.now = () => 0;',
    "(await import('node:net')).createServer().listen(0, '127.0.0.1');",
    "(await import('node:child_process')).spawn('sleep', ['5']);",
  ];
  const paths = leaves.map((left, index) => file(`leaves ${index}`, left));
  const runs = await run([...paths, file('clean', '')]);
  assert.deepEqual(
    runs.map(({ code, after }) => [code, after]),
    runs.map(() => [0, []]),
  );
  assert.equal(new Set(runs.map(({ pid }) => pid)).size, runs.length);
});

test('what ends or blocks its process fails by name, and no other with it', async () => {
  const empty = join(folder, 'empty.test.ts');
  writeFileSync(empty, 'export {};\n');
  const broken = join(folder, 'broken.test.ts');
  writeFileSync(broken, "throw new Error('while it is loaded');\n");
  const paths = [
    file('before', ''),
    file('exits', 'process.exit(0);'),
    file('killed', "process.kill(process.pid, 'SIGKILL');"),
    empty,
    broken,
    file(
      'rejects',
      "void Promise.reject(new Error('nobody hears'));\n  await new Promise((done) => setTimeout(done, 50));",
    ),
    file('hangs', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'),
    file('after', ''),
  ];
  const runs = await run(paths, 10_000);
  assert.deepEqual(
    runs.map(({ path }) => path),
    paths,
  );
  assert.deepEqual(
    runs.map(({ code }) => code === 0),
    paths.map((_, index) => index === 0 || index === paths.length - 1),
  );
  assert.match(runs[3]?.output ?? '', /registers no suite/);
  assert.match(runs[4]?.output ?? '', /while it is loaded/);
  assert.match(runs[5]?.output ?? '', /nobody hears/);
  assert.match(runs[6]?.output ?? '', /stopped after/);
});
