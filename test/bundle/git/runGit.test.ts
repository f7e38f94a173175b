import * as assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { mock } from 'node:test';
import { readBlobs, streamBlobs } from '../../../bundle/git/git.ts';
import { GitError } from '../../../bundle/git/gitError.ts';
import { type GitRun, runGit, startGit } from '../../../bundle/git/runGit.ts';
import { parseSource } from '../../../gateway/source/contract/parseSource.ts';
import { openGitMirror } from '../../../gateway/source/git/gitMirror.ts';
import { openMirror } from '../../../reviewer/pulls/mirror.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { runGit as prepare, type SampleTree, sampleTree } from '../_organisation.ts';

const test = suite('runGit');
const path = process.env.PATH;
let sample: SampleTree;
let folder: string;
test.before(async () => {
  sample = await sampleTree({ 'big.txt': 'x'.repeat(5000), 'small.txt': 'y' }, { git: true });
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-git-'));
});
test.after.each(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true, force: true });
});
test.after(() => sample.remove());

const plain = { protocol: 'file', globalConfig: '/dev/null', timeoutMs: 60_000 } satisfies GitRun;
const failure = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof Error && 'code' in error, `should have failed, got ${String(error)}`);
  return error;
};

/** A Git that does its work, but hangs with a child when it should fetch, and does not listen to TERM. */
async function hanging(): Promise<() => Promise<number[]>> {
  const pids = join(folder, 'pids');
  const script = `#!/bin/sh
case "$*" in *fetch*)
  trap '' TERM
  echo $$ >>'${pids}'
  sleep 600 & echo $! >>'${pids}'
  wait;;
*) PATH='${path}' exec git "$@";;
esac
`;
  await writeFile(join(folder, 'git'), script);
  await chmod(join(folder, 'git'), 0o755);
  process.env.PATH = `${folder}${delimiter}${path}`;
  return async () => (await readFile(pids, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number);
}

const runs = async (pid: number) =>
  // One that ended and was not waited for is a zombie.
  /^State:\s+[^ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
test('a Git that hangs is ended with its children, whoever runs it', async () => {
  const pids = await hanging();
  const source = parseSource(`git+file://${sample.root}#main`);
  assert.ok(source.kind === 'git');
  // Long enough for the commands before it, under any load.
  const timeoutMs = 5000;
  const { signal } = new AbortController();
  const errors = await Promise.all(
    [
      runGit(['fetch'], { ...plain, timeoutMs }),
      openGitMirror(source, { stateFolder: folder, timeoutMs }).fetch(signal),
      openMirror({
        ...{ cloneUrl: sample.root, base: 'main', folder: '', timeoutMs },
        token: async () => '',
      }),
    ].map(failure),
  );
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['git-timeout', 'source-timeout', 'forge-git'],
  );
  for (const { message } of errors)
    assert.match(message, /fetch (?:did not finish in|.*gave no sign of life for) 5 s$/);
  assert.equal((await pids()).length, 6);
  for (const pid of await pids()) await until(async () => !(await runs(pid)));
});

test('is ended when it is told to, and does not begin after that', async () => {
  const pids = await hanging();
  const stop = new AbortController();
  const running = failure(runGit(['fetch'], { ...plain, signal: stop.signal }));
  await until(async () => (await pids()).length === 2);
  stop.abort();
  assert.equal((await running).code, 'git-aborted');
  for (const pid of await pids()) assert.ok(!(await runs(pid)));
  await failure(runGit(['fetch'], { ...plain, signal: stop.signal }));
  assert.equal((await pids()).length, 2);
});

test('the time of a reader that is slow is not that of Git', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const args = ['cat-file', '--batch', '--batch-all-objects'];
    const run = startGit(args, { ...plain, cwd: sample.root, patient: true });
    for await (const _ of run.output) mock.timers.tick(plain.timeoutMs);
    assert.deepEqual(await run.finished, { code: 0, stderr: '', error: null });
  } finally {
    mock.timers.reset();
  }
});

test('says what Git said, and what was too much', async () => {
  const refused = await runGit(['rev-parse', '--verify', 'nowhere'], { ...plain, cwd: sample.root });
  assert.equal(refused.code, 128);
  assert.match(refused.stderr, /fatal: Needed a single revision/);
  const show = (mostBytes: number) =>
    runGit(['show', 'main:big.txt'], { ...plain, cwd: sample.root, mostBytes });
  assert.equal((await show(5000)).stdout.length, 5000);
  const error = await failure(show(4999));
  assert.ok(error instanceof GitError);
  assert.deepEqual([error.code, error.message], ['git-failed', 'git show answered more than 4999 bytes']);
});

test('a Git that is not there, and a folder that is not, are named', async () => {
  const nowhere = await failure(runGit(['version'], { ...plain, cwd: join(folder, 'none') }));
  assert.deepEqual([nowhere.code, /is that a folder/.test(nowhere.message)], ['git-missing', true]);
  process.env.PATH = folder;
  const missing = await failure(runGit(['version'], plain));
  assert.deepEqual([missing.code, /is it installed/.test(missing.message)], ['git-missing', true]);
});

test('a blob that is too large is passed over, and the ones behind it are read', async () => {
  const [big = '', small = ''] = ['big.txt', 'small.txt'].map((name) =>
    prepare(sample.root, 'rev-parse', `main:${name}`).trim(),
  );
  const blobs = async (...bound: number[]) => {
    const found = new Map<string, number>();
    for await (const [id, blob] of streamBlobs(sample.root, [big, small], ...bound))
      found.set(id, blob.length);
    return [found.get(big), found.get(small)];
  };
  assert.deepEqual(await blobs(5000), [5000, 1]);
  assert.deepEqual(await blobs(4999), [undefined, 1]);
  assert.equal((await readBlobs(sample.root, [big])).get(big)?.length, 5000);
});
