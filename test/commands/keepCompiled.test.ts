import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from '../_suite.ts';

const test = suite('what is kept compiled');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-compiled-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const { NODE_COMPILE_CACHE: _, ...ours } = process.env;
const at = (path: string) => new URL(path, import.meta.url).href;

/** What a start of `cli.ts --version` says, and where its threads and processes will look for what is compiled. */
function start(env: Record<string, string>, first = ''): string {
  const script = `${first}await import(${JSON.stringify(at('../../cli.ts'))}); console.log(process.env.NODE_COMPILE_CACHE)`;
  const argv = ['--input-type=module', '-e', script, 'cli.ts', '--version'];
  return execFileSync(process.execPath, argv, {
    cwd: folder,
    env: { ...ours, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('a start leaves what it compiled in the folder of the user that opa is run from, for its threads too', () => {
  const cache = join(folder, 'grantgate', 'compiled');
  assert.match(start({ XDG_CACHE_HOME: folder }), new RegExp(`^\\d+\\.\\d+\\.\\d+\\n${cache}\\n$`));
  const kept = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(kept.length > 20, `${kept.length} files`);
});

test('a folder that was named is used instead', () => {
  const named = join(folder, 'named');
  const other = join(folder, 'other');
  assert.ok(start({ XDG_CACHE_HOME: other, NODE_COMPILE_CACHE: named }).endsWith(`\n${named}\n`));
  assert.deepEqual(readdirSync(folder).includes('other'), false);
});

test('where nothing can be kept, a start is as before', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  assert.match(start({ XDG_CACHE_HOME: file }), /^\d+\.\d+\.\d+\nundefined\n$/);
});

test('what others can write to is not run', () => {
  const open = join(folder, 'open');
  const compiled = join(open, 'grantgate', 'compiled');
  mkdirSync(compiled, { recursive: true });
  for (const mode of [0o777, 0o775, 0o757]) {
    chmodSync(compiled, mode);
    assert.match(start({ XDG_CACHE_HOME: open }), /^\d+\.\d+\.\d+\nundefined\n$/);
  }
  assert.deepEqual(readdirSync(compiled), []);
  chmodSync(compiled, 0o755);
  assert.ok(start({ XDG_CACHE_HOME: open }).endsWith(`\n${compiled}\n`));
});

test('a folder of somebody else is not used, and one that is made is for its user alone, whatever the mask', () => {
  const masked = join(folder, 'masked');
  assert.ok(start({ XDG_CACHE_HOME: masked }, 'process.umask(0);').endsWith('compiled\n'));
  const compiled = join(masked, 'grantgate', 'compiled');
  assert.equal(statSync(compiled).mode & 0o777, 0o700);
  const other = 'process.geteuid = () => 4242;';
  assert.match(start({ XDG_CACHE_HOME: masked }, other), /\nundefined\n$/);
});

test('a user without a home starts as before', () => {
  const homeless = `const os = (await import('node:os')).default;
    os.userInfo = () => { throw new Error('no home'); };
    (await import('node:module')).syncBuiltinESMExports();`;
  assert.match(start({ XDG_CACHE_HOME: '', HOME: '' }, homeless), /^\d+\.\d+\.\d+\nundefined\n$/);
});
