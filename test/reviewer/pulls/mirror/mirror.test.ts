import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { git } from '../../../../bundle/git/git.ts';
import { rememberFiles } from '../../../../bundle/git/rememberFiles.ts';
import { gitFiles, listPaths, withFiles } from '../../../../bundle/git/tree.ts';
import { createBlobReader } from '../../../../reviewer/evidence/commits/blobReader.ts';
import { historyOf } from '../../../../reviewer/pulls/mirror/historyOf.ts';
import { importOf } from '../../../../reviewer/pulls/mirror/importOf.ts';
import { bot, openMirror } from '../../../../reviewer/pulls/mirror.ts';
import { suite } from '../../../_suite.ts';

const test = suite('what a copy of the repository reads and writes');
const folder = await mkdtemp(join(tmpdir(), 'grantgate-mirror-'));
const repository = join(folder, 'access.git');
test.after(() => rm(folder, { recursive: true, force: true }));
execFileSync('git', ['init', '--quiet', '--bare', '--template=', repository]);

const run = (args: readonly string[]) => git(repository, args);
const by = (email: string) => ({ by: { name: 'Ann "A" Näher', email }, at: 1_795_428_000 });
type Changes = Parameters<typeof importOf>[0]['changes'];
function commit(base: string | null, changes: Changes, email = 'ann@example.com', ref = 'refs/heads/main') {
  const text = importOf({ base: base ?? '', ref, changes, message: 'grants: änderung\n', ...by(email) });
  return execFileSync('git', ['fast-import', '--quiet', '--force', '--done'], {
    ...{ cwd: repository, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] },
    input: base === null ? text.replace(/^from .*\n/m, '') : text,
  }).trim();
}
const strange = [
  'grants/a "b" c.yaml',
  'grants/back\\slash.yaml',
  'grants/zeile\n2.yaml',
  'grants/ümlaut.yaml',
];
const first = commit(
  null,
  [...strange, 'grants/kept.yaml', 'grants/deep/er/one.yaml', 'README'].map((path) => ({
    ...{ path, text: `${path}: ü\n`, executable: path === 'grants/kept.yaml' },
  })),
);

test('a commit holds files by any name, byte for byte, and its author and message', async () => {
  const files = new Map((await listPaths(repository, first, ['grants'])).map((one) => [one.path, one]));
  assert.deepEqual(
    [...files.keys()].sort(),
    [...strange, 'grants/deep/er/one.yaml', 'grants/kept.yaml'].sort(),
  );
  assert.equal(files.get('grants/kept.yaml')?.executable, true);
  assert.equal(files.get('grants/ümlaut.yaml')?.executable, false);
  for (const path of strange)
    assert.equal((await run(['cat-file', 'blob', `${first}:${path}`])).toString(), `${path}: ü\n`);
  assert.equal(
    (await run(['show', '--no-patch', '--format=%an|%ae|%at|%B', first])).toString().trim(),
    'Ann "A" Näher|ann@example.com|1795428000|grants: änderung',
  );
  // The same is the same commit; a file that goes takes its folders along.
  const gone: Changes = [{ path: 'grants/deep/er/one.yaml', text: null, executable: false }];
  const less = commit(first, gone);
  assert.equal(commit(first, gone), less);
  assert.equal((await listPaths(repository, less, ['grants/deep'])).length, 0);
});

test('a branch’s own commits are told from the base’s and from other branches’', async () => {
  const change = (text: string): Changes => [{ path: 'grants/kept.yaml', text, executable: false }];
  const base = commit(first, change('base\n'));
  const one = commit(base, change('one\n'), 'bot@example.com', 'refs/heads/one');
  const two = commit(one, change('two\n'), 'bob@example.com', 'refs/heads/two');
  const old = commit(first, change('old\n'), 'bot@example.com', 'refs/heads/old');
  const of = await historyOf(run, [one, two, old], base);
  const emails = (tip: string) => of(tip).flatMap((known) => [...new Set(known.emails)]);
  assert.deepEqual(emails(one), ['bot@example.com']);
  assert.deepEqual(emails(two), ['bob@example.com', 'bot@example.com']);
  assert.deepEqual(emails(old), ['bot@example.com']);
  assert.deepEqual(emails(base), []);
  assert.ok(of(two).some(({ parents }) => parents.includes(base)));
  assert.ok(!of(old).some(({ parents }) => parents.includes(base)));
  assert.deepEqual((await historyOf(run, [], base))(one), []);
});

test('where each branch of the forge is, is known whatever its name', async () => {
  const change = (text: string): Changes => [{ path: 'grants/kept.yaml', text, executable: false }];
  const [base, ours] = ["it's-of'main", "grantgate/review/user-o'b/of'all"];
  const [ofBase, ofOurs] = [base, ours].map((name) =>
    commit(first, change(name), 'ann@example.com', `refs/heads/${name}`),
  );
  const remote = { cloneUrl: repository, base, folder: '', timeoutMs: 60_000 };
  const open = () => openMirror({ ...remote, token: async () => '' });
  const mirror = await open();
  try {
    assert.deepEqual(mirror.base, { branch: base, commit: ofBase });
    assert.deepEqual([...mirror.branches], [[ours, ofOurs]]);
    // What somebody has pushed since it was looked at stays.
    const theirs = commit(first, change('theirs'), 'ann@example.com', `refs/heads/${ours}`);
    await assert.rejects(mirror.push(ours, first), { code: 'forge-git' });
    assert.equal((await run(['rev-parse', ours])).toString().trim(), theirs);
  } finally {
    await mirror.close();
  }
  // Whoever commits for the bot, or has the bot commit, has committed.
  const ann = 'ann@example.com';
  const made = [bot.email, ann].flatMap((author) =>
    [bot.email, ann].map((committer) => {
      const identity = {
        ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: author },
        ...{ GIT_COMMITTER_NAME: 'c', GIT_COMMITTER_EMAIL: committer },
      };
      const args = ['commit-tree', `${first}^{tree}`, '-p', ofBase ?? '', '-m', 'x'];
      const options = { cwd: repository, encoding: 'utf8', env: { ...process.env, ...identity } } as const;
      const commit = execFileSync('git', args, options).trim();
      execFileSync('git', ['update-ref', `refs/heads/grantgate/review/${commit}`, commit], options);
      return commit;
    }),
  );
  const next = await open();
  try {
    assert.deepEqual(await Promise.all(made.map(next.hasHumanCommits)), [false, true, true, true]);
  } finally {
    await next.close();
  }
});

test('contents are read once, as far as there is room, and changes lie over them', async () => {
  const plain = gitFiles(repository, first);
  const asked: string[][] = [];
  const counting = {
    ...plain,
    stream: (paths: readonly string[]) => {
      asked.push([...paths]);
      return plain.stream(paths);
    },
  };
  const tree = rememberFiles(counting, 30);
  const [kept, long] = ['grants/kept.yaml', 'grants/deep/er/one.yaml'] as const;
  await tree.read([kept, long]);
  assert.deepEqual([...(await tree.read([long, kept])).keys()], [long, kept]);
  // The second would not fit.
  assert.deepEqual(asked, [[kept, long], [long]]);
  await assert.rejects(tree.read(['grants/nowhere.yaml']), /there is no file/);
  // Nor are they read for what they were in some commit.
  const [id] = [...(await tree.remembered()).keys()];
  const reader = await createBlobReader({ ...tree, root: join(folder, 'nowhere') }, [id ?? '']);
  assert.equal((await reader.take(id ?? ''))?.toString(), `${kept}: ü\n`);
  await reader.close();
  const changed = withFiles(
    tree,
    new Map([
      [kept, Buffer.from('new')],
      ['grants/new.yaml', Buffer.from('x')],
      [long, null],
    ]),
  );
  assert.deepEqual(
    await changed.list(),
    [...strange, kept, 'grants/new.yaml'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
  assert.equal((await changed.read([kept])).get(kept)?.toString(), 'new');
  assert.equal((await changed.read([strange[0] ?? ''])).size, 1);
  await assert.rejects(changed.read([long]), /there is no file/);
});

test('the forge’s token is asked for each time that Git talks to it: one that was good at the start may have ended', async () => {
  let asked = 0;
  const token = async () => {
    asked += 1;
    return `token ${asked}`;
  };
  const forge = { cloneUrl: repository, base: 'main', folder: '', timeoutMs: 60_000, token };
  const mirror = await openMirror(forge);
  await mirror.push('grantgate/review/x', await mirror.commit(new Map([['new', 'x\n']]), 'x\n', 0));
  await mirror.close();
  assert.equal(asked, 2);
});
