import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { BundleError } from '../../../../bundle/bundleError.ts';
import { gitTree } from '../../../../bundle/git/tree.ts';
import { parseSource } from '../../../../gateway/source/contract/parseSource.ts';
import { type GitSourceOptions, gitSource } from '../../../../gateway/source/git/gitSource.ts';
import { suite } from '../../../_suite.ts';
import { runGit, type SampleTree, sampleTree } from '../../../bundle/_organisation.ts';
import { answerAsGitHost } from '../_gitHost.ts';

const test = suite('gitSource');
const root = fileURLToPath(new URL('../../../..', import.meta.url));

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let tree: SampleTree;
let stateFolder: string;
let server: Server;
let answer: Answer;
let requests: IncomingMessage[] = [];
let assembled: string[] = [];

test.before.each(async () => {
  tree = await sampleTree({}, { git: true });
  stateFolder = await mkdtemp(join(tmpdir(), 'grantgate-state-'));
  [requests, assembled, answer] = [[], [], serve];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
test.after.each(async () => {
  server.closeAllConnections();
  server.close();
  await tree.remove();
  await rm(stateFolder, { recursive: true, force: true });
});

const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** The arguments of every process that can be seen. */
const processList = () => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });

/** Serves the tree's repository as Git hosts do. */
const serve: Answer = (request, response) => answerAsGitHost(tree.root, request, response);

function open(url: string, more: Partial<GitSourceOptions> = {}) {
  const address = parseSource(url);
  assert.equal(address.kind, 'git');
  if (address.kind !== 'git') throw new Error('never');
  return gitSource({
    address,
    stateFolder,
    async assemble(repository, commit) {
      assembled.push(commit);
      const { revision, counter } = await gitTree(repository, commit);
      return { revision, counter } as Bundle;
    },
    ...more,
  });
}
const local = () => `git+file://${tree.root}#main`;
const remote = () => `git+${origin()}/grants.git#main`;
const never = new AbortController().signal;
const next = (source: ReturnType<typeof open>, force = false) => source.next({ signal: never, force });
const take = async (source: ReturnType<typeof open>) => {
  const found = await next(source);
  found?.acknowledge(null);
  return found && { revision: found.bundle.revision, counter: found.bundle.counter };
};

for (const [what, url] of [
  ['a folder', local],
  ['a server', remote],
] as const)
  test(`takes each new commit of a branch in ${what} once`, async () => {
    const first = runGit(tree.root, 'rev-parse', 'HEAD').trim();
    const source = open(url());
    assert.deepEqual(await take(source), { revision: first, counter: 1 });
    assert.equal(await take(source), null);
    const second = await tree.commit({}, 'more');
    assert.deepEqual(await take(source), { revision: second, counter: 2 });
    runGit(tree.root, 'checkout', '--quiet', '-b', 'other');
    await tree.commit({}, 'elsewhere');
    assert.equal(await take(source), null);
    assert.deepEqual(assembled, [first, second]);
  });

/** Needs to be root, as containers often are. */
const asRoot = process.getuid?.() === 0;
const nobody = 65_534;

if (asRoot)
  test('a copy that another user has written is made anew, whoever can and cannot read it', async () => {
    await take(open(local()));
    const mirrors = join(stateFolder, 'mirrors');
    execFileSync('chown', ['-R', `${nobody}:${nobody}`, mirrors]);
    const commit = await tree.commit({}, 'more');
    assert.deepEqual(await take(open(local())), { revision: commit, counter: 2 });
    const [mirror] = (await readdir(mirrors)).filter((name) => name.endsWith('.git'));
    assert.equal((await stat(join(mirrors, mirror ?? ''))).uid, 0);

    // And the other way round: what root has written, in a folder that now is another user's.
    execFileSync('chown', [`${nobody}:${nobody}`, stateFolder]);
    execFileSync('chmod', ['-R', 'go-rwx', mirrors]);
    execFileSync('chmod', ['-R', 'a+rX', tree.root]);
    const program = `
      const { openGitMirror } = await import(${JSON.stringify(join(root, 'gateway/source/git/gitMirror.ts'))});
      // Loaded first: the sources may lie in a folder that only root may enter.
      process.setgroups([]);
      process.setgid(${nobody});
      process.setuid(${nobody});
      const address = { kind: 'git', url: ${JSON.stringify(`file://${tree.root}`)}, branch: 'main', folder: '', protocol: 'file' };
      const mirror = openGitMirror(address, { stateFolder: ${JSON.stringify(stateFolder)}, timeoutMs: 60000 });
      console.log((await mirror.fetch(new AbortController().signal)).commit);`;
    const fetched = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      cwd: '/',
    });
    assert.equal(fetched.trim(), commit);
  });

test('takes a branch with a slash in its name', async () => {
  runGit(tree.root, 'checkout', '--quiet', '-b', 'teams/main');
  const revision = await tree.commit({}, 'there');
  assert.deepEqual(await take(open(`git+file://${tree.root}#teams/main`)), { revision, counter: 2 });
});

test('notes a rewritten history, and takes it', async () => {
  const source = open(local());
  await take(source);
  runGit(tree.root, 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'another beginning');
  const found = await next(source);
  assert.deepEqual(
    found?.notes.map(({ code }) => code),
    ['branch-rewritten'],
  );
});

test('does the work on a commit that is refused for its content only once, unless forced', async () => {
  const faulty = new BundleError('grants-invalid', 'wrong');
  const source = open(local(), {
    assemble: async (_, commit) => {
      assembled.push(commit);
      throw faulty;
    },
  });
  await assert.rejects(next(source), faulty);
  await assert.rejects(next(source), faulty);
  assert.equal(assembled.length, 1);
  await assert.rejects(next(source, true), faulty);
  assert.equal(assembled.length, 2);
  await tree.commit({}, 'more');
  await assert.rejects(next(source), faulty);
  assert.equal(assembled.length, 3);
});

test('sends its token as a header to the server, and lets nobody read it from the process list', async () => {
  let listed = '';
  answer = (request, response) => {
    listed += processList();
    const given = `Basic ${Buffer.from('x-access-token:s3cret-token').toString('base64')}`;
    if (request.headers.authorization === given) serve(request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  };
  assert.notEqual(await take(open(remote(), { token: 's3cret-token' })), null);
  await assert.rejects(next(open(remote(), { token: 'another' })), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'source-unauthorized');
    assert.ok(!error.message.includes('another'));
    return true;
  });
  await assert.rejects(next(open(remote())), { code: 'source-unauthorized' });
  const config = await readdir(join(stateFolder, 'mirrors'), { recursive: true });
  assert.ok(config.length > 0);
  const secrets = ['s3cret', Buffer.from('x-access-token:s3cret-token').toString('base64')];
  assert.ok(listed.includes('fetch') && secrets.every((text) => !listed.includes(text)));
  const search = () =>
    runGit(stateFolder, 'grep', '--no-index', ...secrets.flatMap((text) => ['-e', text]), '--', '.');
  assert.throws(search, { status: 1 }, 'nothing is found');
});

test('does not follow a redirect', async () => {
  let reached = 0;
  const other = createServer((_, response) => {
    reached += 1;
    response.end();
  });
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  answer = (request, response) =>
    response
      .writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}${request.url}` })
      .end();
  await assert.rejects(next(open(remote(), { token: 's3cret' })), { code: 'source-redirected' });
  assert.equal(reached, 0);
  other.close();
});

const faults: [string, Answer, string][] = [
  ['404', (_, response) => response.writeHead(404).end(), 'source-not-found'],
  ['500', (_, response) => response.writeHead(500).end(), 'source-unreachable'],
  ['a connection that breaks', (request) => request.socket.destroy(), 'source-unreachable'],
];
test('says what is wrong each time, and goes on when it is over', async () => {
  const source = open(remote());
  for (const [what, fault, code] of faults) {
    answer = fault;
    await assert.rejects(
      next(source),
      (error: { code?: string }) => error.code === code || assert.fail(`${what}: ${error.code}: ${error}`),
    );
  }
  answer = serve;
  assert.notEqual(await take(source), null);
});

test('ends Git when it takes too long or is no longer wanted', async () => {
  answer = () => {};
  await assert.rejects(next(open(remote(), { timeoutMs: 800 })), { code: 'source-timeout' });
  const stop = new AbortController();
  const aborted = assert.rejects(open(remote()).next({ signal: stop.signal }), { code: 'aborted' });
  await sleep(200);
  stop.abort();
  await aborted;
});

test('says that there is no repository, and no such branch', async () => {
  await assert.rejects(next(open('git+file:///nowhere/at/all#main')), { code: 'source-not-found' });
  await assert.rejects(next(open(`git+file://${tree.root}#nonsense`)), { code: 'branch-missing' });
});

test('says that a branch was deleted, and takes it when it is back', async () => {
  const source = open(local());
  await take(source);
  runGit(tree.root, 'checkout', '--quiet', '-b', 'aside');
  runGit(tree.root, 'branch', '--quiet', '-D', 'main');
  await assert.rejects(next(source), { code: 'branch-missing' });
  runGit(tree.root, 'checkout', '--quiet', '-b', 'main');
  assert.equal(await take(source), null, 'it is the same commit as before');
  const revision = await tree.commit({}, 'more');
  assert.deepEqual(await take(source), { revision, counter: 2 });
});

test('refuses a shallow clone, whose commits nobody can count, until it is whole', async () => {
  await tree.commit({}, 'two');
  const revision = await tree.commit({}, 'three');
  const clone = join(stateFolder, 'clone');
  runGit(tree.root, 'clone', '--quiet', '--depth', '1', `file://${tree.root}`, clone);
  const source = open(`git+file://${clone}#main`);
  await assert.rejects(next(source), { code: 'shallow' });
  runGit(clone, 'fetch', '--quiet', '--unshallow');
  assert.deepEqual(await take(source), { revision, counter: 3 });

  await tree.commit({}, 'four');
  await tree.commit({}, 'five');
  await rm(clone, { recursive: true });
  runGit(tree.root, 'clone', '--quiet', '--depth', '1', `file://${tree.root}`, clone);
  await assert.rejects(next(source), { code: 'shallow' }, 'what it had is not the newest');
});

test('packs the copy when much is loose in it, and goes on reading it', async () => {
  const source = open(local());
  await take(source);
  const [mirror = ''] = (await readdir(join(stateFolder, 'mirrors'))).filter((name) => name.endsWith('.git'));
  const objects = join(stateFolder, 'mirrors', mirror, 'objects');
  const loose = (await readdir(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name));
  assert.ok(loose.length > 0);
  // Git guesses the number of loose objects from this one folder.
  await mkdir(join(objects, '17'), { recursive: true });
  for (let i = 0; i < 20; i += 1) await writeFile(join(objects, '17', String(i).padStart(38, '0')), '');
  await tree.commit({}, 'more');
  await take(source);
  const packed = async () => (await readdir(join(objects, 'pack'))).some((name) => name.endsWith('.pack'));
  for (let i = 0; i < 500 && !(await packed()); i += 1) await sleep(10);
  assert.ok(await packed());
  const revision = await tree.commit({}, 'and more');
  assert.deepEqual(await take(source), { revision, counter: 3 });
  await source.close();
});

test('runs no hook and obeys no configuration but its own', async () => {
  const marker = join(stateFolder, 'ran');
  const script = `#!/bin/sh\ntouch ${marker}\n`;
  await mkdir(join(tree.root, '.git/hooks'));
  for (const hook of ['post-checkout', 'reference-transaction', 'post-update']) {
    await writeFile(join(tree.root, '.git/hooks', hook), script);
    await chmod(join(tree.root, '.git/hooks', hook), 0o755);
  }
  const home = await mkdtemp(join(tmpdir(), 'grantgate-home-'));
  await writeFile(
    join(home, '.gitconfig'),
    `[core]\n\thooksPath = ${join(tree.root, '.git/hooks')}\n[url "file:///nowhere"]\n\tinsteadOf = file://${tree.root}\n`,
  );
  const before = { HOME: process.env.HOME, GIT_DIR: process.env.GIT_DIR };
  Object.assign(process.env, { HOME: home, GIT_DIR: '/nowhere/.git' });
  try {
    assert.notEqual(await take(open(local())), null);
  } finally {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(home, { recursive: true });
  }
  assert.ok(!(await readdir(stateFolder)).includes('ran'));
});
