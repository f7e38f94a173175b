import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../../_suite.ts';

const test = suite('replay and check-pull on the command line');
const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
const run = (...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], {
    ...{
      encoding: 'utf8',
      env: { ...process.env, GITHUB_TOKEN: 'a-token', GITHUB_REPOSITORY: 'acme/access' },
    },
  });
  return { status, stderr };
};

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-check-'));
  await writeFile(join(folder, 'lies.json'), '{"version":1,"head":"\\u001b[2J"}');
});
test.after(() => rm(folder, { recursive: true, force: true }));

test('what is called wrongly ends with 2 and says how it is called', () => {
  const head = 'b'.repeat(40);
  for (const [args, said] of [
    [['replay', 'main', 'HEAD', '--days', '0'], /--days must be a number/],
    [['replay', 'main', 'HEAD', '--as-of', 'soon'], /--as-of must be an instant/],
    [['check-pull', 'main'], /two revisions must be named/],
    [['check-pull', '--post', 'x.json', '--pull', '3'], /--post needs --head/],
    [['check-pull', '--post', 'x.json', '--pull', '3', '--head', 'HEAD'], /--head must be a commit/],
    [['check-pull', '--post', join(folder, 'none'), '--pull', '3', '--head', head], /cannot be read/],
  ] as const) {
    const { status, stderr } = run(...args);
    assert.match(stderr, said);
    assert.equal(status, 2);
  }
});

test('a file that is no check is refused before anything is called, and none of it is printed', () => {
  const at = ['--pull', '3', '--head', 'b'.repeat(40), '--forge', 'http://127.0.0.1:9'];
  const { status, stderr } = run('check-pull', '--post', join(folder, 'lies.json'), ...at);
  assert.equal(status, 1);
  assert.match(stderr, /^grantgate: the check is not in form at base\n$/);
});
