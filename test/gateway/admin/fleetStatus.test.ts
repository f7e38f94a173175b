import * as assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Relation } from '../../../bundle/git/relationOf.ts';
import { type Forge, startForge } from '../../../demo/forge/startForge.ts';
import { askRevision, type RevisionAnswer } from '../../../gateway/admin/askRevision.ts';
import { fleetSentence, fleetStatus } from '../../../gateway/admin/fleetStatus.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { runGit } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('status');

let [first, second]: World[] = [];
let forge: Forge;
let folder: string;
let worlds: [World, World];
const grantgate = (args: string[], env: Record<string, string> = {}) =>
  commandLine(['status', ...args], { cwd: folder, env: { GITHUB_TOKEN: 'bot-token', ...env } });

test.before(async () => {
  process.env.TEST_STATUS_TOKEN = 'the-admin-token';
  const guarded = { port: 0, token: { env: 'TEST_STATUS_TOKEN' } };
  first = await startWorld({ config: { admin: guarded } });
  const source = `git+file://${first.tree.root}#main`;
  second = await startWorld({ commit: false, config: { admin: guarded, bundle: { source, poll: '1h' } } });
  worlds = [first, second];
  await Promise.all(worlds.map(reload));
  folder = await mkdtemp(join(tmpdir(), 'grantgate-status-'));
  const bare = join(folder, 'access.git');
  runGit(folder, 'clone', '--quiet', '--bare', first.tree.root, bare);
  runGit(first.tree.root, 'remote', 'add', 'forge', bare);
  forge = await startForge({ repository: bare, owner: 'northwind', name: 'access', token: 'bot-token' });
});
test.after(async () => {
  await forge.close();
  await second?.close();
  await first?.close();
  await rm(folder, { recursive: true, force: true });
});

const urls = () => worlds.map(({ gateway }) => gateway.admin);
const reload = ({ gateway }: World) =>
  fetch(`${gateway.admin}/reload`, { method: 'POST', headers: { authorization: 'Bearer the-admin-token' } });
const asked = (...more: string[]) => [...urls(), '--token-env', 'TEST_STATUS_TOKEN', ...more];
const head = (of: World) => runGit(of.tree.root, 'rev-parse', 'HEAD').trim();

test('a fleet on one revision ends with 0 and a table; without the token nobody tells, and it ends with 1', async () => {
  const good = await started(['status', ...asked()], { cwd: folder });
  assert.equal(good.code, 0, good.stdout + good.stderr);
  const [title, one, two, sentence] = good.stdout.split('\n');
  assert.match(title ?? '', /^gateway +state +revision +number +digest +loaded +lag$/);
  for (const line of [one, two])
    assert.match(line ?? '', /^http:\S+ +enforced +[0-9a-f]{12} +2 +[0-9a-f]{12} /);
  assert.equal(sentence, `2 of 2 gateways enforce ${head(worlds[0]).slice(0, 12)}, slowest 0.0 s`);
  const unknown = await grantgate(urls());
  assert.equal(unknown.code, 1);
  assert.match(unknown.stdout, /unauthorized.*\n.*unauthorized.*\nnone of 2 gateways enforces anything/);
});

test('waits until the last one enforces the revision, and says so beside the commit', async () => {
  const commit = await worlds[0].tree.commit({ 'README.md': 'one\n' });
  runGit(worlds[0].tree.root, 'push', '--quiet', 'forge', 'main');
  await reload(worlds[0]);
  const github = ['--github', 'northwind/access', '--forge', forge.api];
  const waiting = grantgate(
    asked('--root', worlds[0].tree.root, '--revision', 'main', '--wait', '20s', ...github, '--json'),
  );
  const statuses = async () =>
    (await (await fetch(`${forge.api}/repos/northwind/access/commits/${commit}/statuses`)).json()) as {
      context: string;
      state: string;
      description: string;
    }[];
  let pending: Awaited<ReturnType<typeof statuses>> = [];
  for (let tries = 0; tries < 200 && pending.length === 0; tries += 1) {
    await new Promise((done) => setTimeout(done, 50));
    pending = await statuses();
  }
  assert.deepEqual(
    pending.map(({ context, state, description }) => [context, state, description]),
    [['grantgate/enforced', 'pending', `1 of 2 gateways enforces ${commit.slice(0, 12)}, slowest 0.0 s`]],
  );
  await reload(worlds[1]);
  const { code, stdout, stderr } = await waiting;
  assert.equal(code, 0, stdout + stderr);
  const json = JSON.parse(stdout);
  assert.deepEqual([json.revision, json.counter, json.enforced], [commit, 3, true]);
  assert.deepEqual(
    json.gateways.map(({ state, revision }: { state: string; revision: string }) => [state, revision]),
    [
      ['enforced', commit],
      ['enforced', commit],
    ],
  );
  const [newest] = await statuses();
  assert.deepEqual(
    [newest?.state, newest?.description],
    ['success', `2 of 2 gateways enforce ${commit.slice(0, 12)}, slowest 0.0 s`],
  );
});

test('says once on the pull request that was merged that all gateways enforce it, and on no other', async () => {
  const { tree } = worlds[0];
  const api = async <T>(method: string, path: string, body?: object) => {
    const response = await fetch(`${forge.api}/repos/northwind/access${path}`, {
      method,
      headers: { authorization: 'Bearer bot-token', 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, `${method} ${path} ${response.status}`);
    return (await response.json()) as T;
  };
  const comments = async (number: number) =>
    (await api<{ body: string }[]>('GET', `/issues/${number}/comments`)).map(({ body }) => body);
  runGit(tree.root, 'checkout', '--quiet', '-b', 'readme');
  await tree.commit({ 'README.md': 'told\n' });
  runGit(tree.root, 'push', '--quiet', 'forge', 'readme');
  runGit(tree.root, 'checkout', '--quiet', 'main');
  const pull = await api<{ number: number }>('POST', '/pulls', {
    title: 'Readme',
    head: 'readme',
    base: 'main',
  });
  await api('PUT', `/pulls/${pull.number}/merge`, {});
  runGit(tree.root, 'pull', '--quiet', 'forge', 'main');
  const status = async () => {
    await Promise.all(worlds.map(reload));
    const { code, stdout, stderr } = await grantgate(
      asked('--root', tree.root, '--revision', 'main', '--github', 'northwind/access', '--forge', forge.api),
    );
    assert.equal(code, 0, stdout + stderr);
  };
  for (let run = 0; run < 2; run += 1) await status();
  const commit = head(worlds[0]);
  assert.deepEqual(await comments(pull.number), [
    `<!-- grantgate:enforced ${commit} -->\n2 of 2 gateways enforce ${commit.slice(0, 12)}, slowest 0.0 s after the merge.`,
  ]);
  // A first line that only speaks of it is not its merge.
  await tree.commit({ 'README.md': 'again\n' }, `Again (#${pull.number})`);
  runGit(tree.root, 'push', '--quiet', 'forge', 'main');
  await status();
  assert.equal((await comments(pull.number)).length, 1);
});

test('a later commit that holds the revision counts; one of another line does not', async () => {
  const { tree } = worlds[0];
  const older = runGit(tree.root, 'rev-parse', 'HEAD~1').trim();
  assert.equal((await grantgate(asked('--root', tree.root, '--revision', older))).code, 0);
  runGit(tree.root, 'checkout', '--quiet', '-b', 'topic', older);
  await tree.commit({ 'README.md': 'other\n' });
  runGit(tree.root, 'checkout', '--quiet', 'main');
  const topic = await grantgate(asked('--root', tree.root, '--revision', 'topic'));
  assert.equal(topic.code, 1);
  assert.match(topic.stdout, /diverged/);
});

test('waited for in vain it ends with 1 and a failure; without a repository ids and numbers decide', async () => {
  const { tree } = worlds[0];
  const commit = await tree.commit({ 'README.md': 'two\n' });
  runGit(tree.root, 'push', '--quiet', 'forge', 'main');
  const github = ['--github', 'northwind/access', '--forge', forge.api];
  const vain = await grantgate(asked('--revision', commit, '--wait', '600ms', ...github));
  assert.equal(vain.code, 1, vain.stderr);
  assert.match(vain.stdout, /unknown.*\n.*unknown.*\n0 of 2/);
  const combined = (await (
    await fetch(`${forge.api}/repos/northwind/access/commits/${commit}/status`)
  ).json()) as { state: string };
  assert.equal(combined.state, 'failure');
  await reload(worlds[0]);
  const half = await grantgate(asked('--revision', commit.slice(0, 10), '--json'));
  assert.equal(half.code, 1);
  assert.deepEqual(
    JSON.parse(half.stdout).gateways.map(({ state }: { state: string }) => state),
    ['enforced', 'behind'],
  );
});

test('refuses addresses, times, revisions and forges that make no sense, with 2', async () => {
  const one = 'http://127.0.0.1:1';
  for (const [args, env, said] of [
    [['127.0.0.1:9090'], {}, /address like/],
    [['http://user:secret@127.0.0.1:9090'], {}, /without credentials/],
    [[one, `${one}/`], {}, /named twice/],
    [[one, '--wait', 'long'], {}, /--wait must be a time/],
    [[one, '--revision', 'main'], {}, /no commit "main"/],
    [[one, '--revision', 'abcdef1', '--github', 'a/b'], {}, /whole id/],
    [[one, '--github', 'a'], {}, /--github must be OWNER\/NAME/],
    [[one, '--github', 'a/b'], { GITHUB_TOKEN: '' }, /GITHUB_TOKEN/],
    [[one, '--token-env', 'TEST_STATUS_NOT_SET'], {}, /TEST_STATUS_NOT_SET must hold/],
    [[], {}, /missing required argument/],
  ] as const) {
    const { code, stdout, stderr } = await grantgate([...args], env);
    assert.deepEqual([code, said.test(stderr)], [2, true], stdout + stderr);
    assert.doesNotMatch(stderr, /secret/);
  }
});

const sha = (letter: string) => letter.repeat(40);
const answer = (revision: string, counter: number, digest = 'sha256:1', lag: number | null = null) =>
  ({
    url: `http://gw-${revision[0]}${counter}`,
    facts: {
      ...{ revision, counter, digest, grants: 1, lag_ms: lag, source: 'file:/x' },
      loaded_at: '2026-11-23T10:00:00Z',
      committed_at: '2026-11-23T10:00:00Z',
    },
  }) satisfies RevisionAnswer;
const wanted = (revision: string, counter: number | null, relations: Record<string, Relation> = {}) => ({
  revision,
  counter,
  relations: new Map(Object.entries(relations)),
});
const states = (...args: Parameters<typeof fleetStatus>) =>
  fleetStatus(...args).gateways.map(({ state }) => state);

test('judges by history where there is one, else by number, and takes nothing for granted', () => {
  const [a, b, c] = [sha('a'), sha('b'), sha('c')];
  const fleet = [answer(a, 5), answer(b, 6), answer(c, 4)];
  assert.deepEqual(states(fleet, null), ['behind', 'enforced', 'behind']);
  assert.deepEqual(states(fleet, wanted(a, null)), ['enforced', 'newer', 'behind']);
  assert.deepEqual(states([answer(b, 6)], wanted(a, null)), ['unknown']);
  assert.deepEqual(states([answer(b, 5)], wanted(a, 5)), ['diverged']);
  assert.deepEqual(states(fleet, wanted(a, 5, { [a]: 'same', [b]: 'other', [c]: 'newer' })), [
    'enforced',
    'diverged',
    'newer',
  ]);
  assert.equal(fleetStatus([], null).enforced, false);
});

test('one revision with two contents is enforced by nobody', () => {
  const a = sha('a');
  const status = fleetStatus([answer(a, 5), answer(a, 5, 'sha256:2')], null);
  assert.deepEqual(
    [status.enforced, status.gateways.map(({ state }) => state)],
    [false, ['differs', 'differs']],
  );
});

test('the slowest is the slowest of those on that very revision', () => {
  const [a, b] = [sha('a'), sha('b')];
  const fleet = [
    answer(a, 5, 'sha256:1', 1800),
    answer(a, 5, 'sha256:1', 40),
    answer(b, 6, 'sha256:2', 9000),
  ];
  const status = fleetStatus(fleet, wanted(a, 5, { [b]: 'newer' }));
  assert.equal(fleetSentence(status), `3 of 3 gateways enforce ${a.slice(0, 12)}, slowest 1.8 s`);
});

test('what is no answer of a gateway is malformed, and a redirect is not followed', async () => {
  let tokens = 0;
  let body = '{"revision":"\\u001b[2J"}';
  const server = createServer((request, response) => {
    if (request.headers.authorization !== undefined) tokens += 1;
    if (request.url === '/moved/revision') response.writeHead(302, { location: '/revision' }).end();
    else response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { token: 'x', timeoutMs: 2000 };
    assert.deepEqual(await askRevision(url, options), { url, error: 'malformed' });
    body = `{"x":"${'x'.repeat(100_000)}"}`;
    assert.deepEqual(await askRevision(url, options), { url, error: 'malformed' });
    assert.equal(tokens, 2);
    assert.deepEqual(await askRevision(`${url}/moved`, options), {
      url: `${url}/moved`,
      error: 'unreachable',
    });
    assert.equal(tokens, 3);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
