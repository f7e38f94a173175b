import * as assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { opaVersion } from '../../bundle/policy/opa.ts';
import { readCommands } from '../../docs/generate/commandsPage.ts';
import { commandLine, type Result } from '../_commandLine.ts';
import { suite } from '../_suite.ts';
import { type SampleTree, sampleTree } from '../bundle/_organisation.ts';

const test = suite('cli');
const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'grantgate-cli-'));
let tree: SampleTree;
test.before(async () => {
  tree = await sampleTree({}, { git: true });
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(folder, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'other.pub.pem'), other.publicKey.export({ type: 'spki', format: 'pem' }));
});
test.after(async () => {
  await tree.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** By a process of its own: each command once, and whatever starts something or is about processes. */
function started(args: string[]): Promise<Result> {
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder }, (error, stdout, stderr) => {
      // Null where a signal ended it, which is no exit code at all.
      done({ code: error === null ? 0 : Number(error.code ?? Number.NaN), stdout, stderr });
    });
  });
}
const grantgate = (args: string[], env: Record<string, string> = {}): Promise<Result> =>
  commandLine(args, { cwd: folder, env });

test('every command has help with an example', async () => {
  const known = new Map(readCommands().map((command) => [command.name, command]));
  for (const name of [
    'check',
    'build',
    'verify',
    'push',
    'serve',
    'publish',
    'status',
    'explain',
    'diff',
    'inventory',
    'review',
    'demo',
  ])
    assert.ok(
      known.get(name)?.options.some(({ flags }) => flags === '--json'),
      name,
    );
  for (const { name, examples } of known.values()) assert.match(examples[0] ?? '', /^\S/, name);
  const { code, stdout } = await started(['check', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /--json/);
  assert.match(stdout, /Example:\n {2}\$ grantgate check/);
});

test('what it does not know ends with 2 and the nearest thing it does', async () => {
  const command = await started(['chek']);
  assert.equal(command.code, 2);
  assert.match(command.stderr, /Did you mean check\?/);
  const option = await grantgate(['check', '--jsno']);
  assert.equal(option.code, 2);
  assert.match(option.stderr, /Did you mean --json\?/);
  assert.equal((await grantgate(['build'])).code, 2);
  const helped = await grantgate(['chek', '--help']);
  assert.equal(helped.code, 2);
  assert.match(helped.stderr, /Did you mean check\?/);
});

test('ends quietly when whoever reads it has read enough', async () => {
  const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((done) => {
    const child = spawn(process.execPath, [cli, 'check', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (code) => done({ code, stderr }));
  });
  assert.deepEqual([code, stderr], [0, '']);
});

test('check says that a folder is missing, or a file', async () => {
  const missing = await grantgate(['check', '/nowhere']);
  assert.deepEqual([missing.code, missing.stderr], [2, 'grantgate: there is no folder /nowhere\n']);
  const file = await grantgate(['check', cli]);
  assert.equal(file.code, 2);
  assert.match(file.stderr, /cli\.ts is a file; name the folder/);
});

test('serve says which setting is wrong, with and without --check', async () => {
  const config = join(folder, 'places.yaml');
  const write = (state: string, port: number) =>
    writeFileSync(
      config,
      `bundle: { source: "git+file://${tree.root}" }\nstate: ${state}\nadmin: { port: 0 }\nlisten: { port: ${port} }\ndecisions: { folder: places/d, usage: places/u }\n`,
    );
  write('places.yaml', 0);
  for (const args of [['--check'], []]) {
    const { code, stderr } = await (args.length > 0 ? grantgate : started)([
      'serve',
      '--config',
      config,
      ...args,
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /^grantgate: "state": .*places\.yaml .*\n$/);
  }
  write('state', 0);
  const good = await grantgate(['serve', '--config', config, '--check']);
  assert.deepEqual([good.code, good.stderr, existsSync(join(folder, 'state'))], [0, '', false]);
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  write('state', port);
  const taken = await started(['serve', '--config', config]);
  server.close();
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, new RegExp(`"listen": 127\\.0\\.0\\.1:${port} is taken already`));
});

test('check warns and ends with 0, or with 1 where it is strict', async () => {
  const extra = 'grants/access/orders/strange.yaml';
  await tree.write({
    [extra]:
      '- { id: orders-strange-one, principal: "group:biling", api: orders, role: reader, reason: x, owner: "group:billing", granted: 2026-01-01 }\n',
  });
  const warned = await grantgate(['check', tree.root]);
  assert.equal(warned.code, 0);
  assert.match(warned.stderr, /strange\.yaml:1:3: warning: .*"group:biling".*did you mean "billing"/);
  const strict = await grantgate(['check', tree.root, '--strict']);
  assert.deepEqual([strict.code, strict.stdout], [1, '1 warning\n']);
  const json = await grantgate(['check', tree.root, '--strict', '--json']);
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.stdout).warnings[0].code, 'unknown-principal');
  await tree.write({ [extra]: null });
  assert.equal((await grantgate(['check', tree.root, '--strict'])).code, 0);
});

test('check prints a line when all is well, and every place when not', async () => {
  const good = await grantgate(['check', tree.root]);
  assert.deepEqual([good.code, good.stdout.split('\n').length], [0, 2], good.stdout + good.stderr);
  assert.match(good.stdout, /5 grants/);
  await tree.write({
    'grants/access/orders/bad.yaml':
      '- id: orders-bad-one\n  principal: ann\n  api: orders\n  rol: reader\n  expires: soon\n',
  });
  const bad = await started(['check', tree.root]);
  assert.equal(bad.code, 1);
  for (const place of ['bad.yaml:2:', 'bad.yaml:4:', 'bad.yaml:5:'])
    assert.ok(bad.stdout.includes(place), bad.stdout);
  assert.match(bad.stdout, /^grants\/access\/orders\/bad\.yaml:5:12: .*"soon"/m);
  const json = JSON.parse((await grantgate(['check', tree.root, '--json'])).stdout);
  assert.ok(json.problems.length >= 3);
  await tree.write({ 'grants/access/orders/bad.yaml': null });
});

test('build and verify: the same commit gives the same bytes, and only the right key opens it', async () => {
  const buildTo = (out: string) => [
    ...['build', '--root', tree.root, '--out', out],
    ...['--key', 'key.pem', '--json'],
  ];
  const first = await started(buildTo('a.tar.gz'));
  assert.equal(first.code, 0, first.stderr);
  const built = JSON.parse(first.stdout);
  assert.equal(built.signed, true);
  assert.equal((await grantgate(buildTo('b.tar.gz'))).code, 0);
  assert.deepEqual(readFileSync(join(folder, 'a.tar.gz')), readFileSync(join(folder, 'b.tar.gz')));

  const verified = await grantgate(['verify', 'a.tar.gz', '--key', 'key.pub.pem', '--json']);
  assert.equal(verified.code, 0, verified.stderr);
  assert.equal(JSON.parse(verified.stdout).revision, built.revision);
  const wrong = await started(['verify', 'a.tar.gz', '--key', 'other.pub.pem']);
  assert.equal(wrong.code, 1);
  const among = (keys: string[]) => grantgate(['verify', 'c.tar.gz', '--keys', ...keys]);
  const named = ['build', '--root', tree.root, '--out', 'c.tar.gz', '--key', 'key.pem', '--key-id', 'new'];
  assert.equal((await grantgate(named)).code, 0);
  assert.equal((await among(['old=other.pub.pem', 'new=key.pub.pem'])).code, 0);
  const swapped = await among(['new=other.pub.pem', 'old=key.pub.pem']);
  assert.deepEqual([swapped.code, /not made by this key/.test(swapped.stderr)], [1, true]);
  for (const usage of [[], ['key.pub.pem'], ['a=key.pub.pem', 'a=other.pub.pem']])
    assert.equal((await among(usage)).code, 2, usage.join(' '));
  assert.equal((await grantgate(['verify', 'c.tar.gz'])).code, 2);
  const within = (size: string) =>
    grantgate(['verify', 'a.tar.gz', '--key', 'key.pub.pem', '--max-bytes', size]);
  assert.equal((await within('10MB')).code, 0);
  assert.match((await within('10kB')).stderr, /^grantgate: the archive is larger than 10000 bytes$/m);
  assert.equal((await within('much')).code, 2);
  const bytes = readFileSync(join(folder, 'a.tar.gz'));
  writeFileSync(join(folder, 'cut.tar.gz'), bytes.subarray(0, bytes.length - 100));
  assert.equal((await grantgate(['verify', 'cut.tar.gz', '--key', 'key.pub.pem'])).code, 1);
  assert.equal((await grantgate(['verify', 'none.tar.gz', '--key', 'key.pub.pem'])).code, 2);
  assert.equal((await grantgate(['verify', 'a.tar.gz', '--key', 'none.pem'])).code, 2);
});

test('build signs an older commit as a way back only when told so, and only from a newer one', async () => {
  const first = (await grantgate(['build', '--root', tree.root, '--out', 'first.tar.gz', '--json'])).stdout;
  const { revision } = JSON.parse(first) as { revision: string };
  await tree.commit({}, 'one more');
  await tree.commit({}, 'and another');
  const build = (...more: string[]) =>
    grantgate(['build', '--root', tree.root, '--out', 'old.tar.gz', '--key', 'key.pem', '--json', ...more]);
  const release = async (...more: string[]) => {
    const { code, stdout, stderr } = await build('--revision', revision, ...more);
    assert.equal(code, 0, stderr);
    const verified = await grantgate(['verify', 'old.tar.gz', '--key', 'key.pub.pem', '--json']);
    assert.equal(JSON.parse(stdout).release, JSON.parse(verified.stdout).release);
    return JSON.parse(verified.stdout).release;
  };
  assert.equal(await release(), '1');
  assert.equal(await release('--allow-rollback'), '3.1');
  assert.equal(await release('--allow-rollback', '2'), '2.1');
  assert.equal(await release('--allow-rollback', '3.1'), '3.2');
  for (const usage of [
    ['--allow-rollback'],
    ['--revision', revision, '--allow-rollback', '1'],
    ['--revision', revision, '--allow-rollback', 'v3'],
  ])
    assert.equal((await build(...usage)).code, 2, usage.join(' '));
});

test('build signs an end when told so, and verify tells a bundle whose time is over', async () => {
  const build = (...more: string[]) =>
    grantgate(['build', '--root', tree.root, '--out', 'end.tar.gz', '--key', 'key.pem', '--json', ...more]);
  const verify = () => grantgate(['verify', 'end.tar.gz', '--key', 'key.pub.pem', '--json']);
  assert.equal(JSON.parse((await build()).stdout).valid_until, undefined);
  const { stdout } = await build('--valid-for', '7d');
  const ends = JSON.parse(stdout).valid_until;
  assert.ok(Math.abs(Date.parse(ends) - Date.now() - 7 * 86_400_000) < 60_000);
  assert.equal(JSON.parse((await verify()).stdout).valid_until, ends);
  // An end that is over before a busy machine has begun to build is refused, so there is a later one.
  let soon = '';
  for (const seconds of [3, 15, 60, 240]) {
    soon = new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z/, 'Z');
    if ((await build('--valid-until', soon)).code === 0) break;
  }
  while (Date.now() < Date.parse(soon)) await new Promise((done) => setTimeout(done, 100));
  const over = await verify();
  assert.deepEqual([over.code, over.stderr.includes(`valid until ${soon}`)], [1, true]);
  for (const usage of [
    ['--valid-for', '7'],
    ['--valid-for', '0d'],
    ['--valid-until', 'tomorrow'],
    ['--valid-until', '2020-01-01T00:00:00Z'],
    ['--valid-for', '7d', '--valid-until', '2099-01-01T00:00:00Z'],
  ])
    assert.equal((await build(...usage)).code, 2, usage.join(' '));
});

test('key new shows a key once, and an entry that lets it in', async () => {
  const { code, stdout } = await started(['key', 'new', '--service', 'mailer']);
  assert.equal(code, 0);
  const [, id = '', secret = ''] = /^ {2}gg_([a-z0-9]{10})_([A-Za-z0-9_-]{43})$/m.exec(stdout) ?? [];
  const hash = createHash('sha256').update(secret).digest('hex');
  assert.match(stdout, new RegExp(`^ {6}- api_key_sha256: "${hash}" # gg_${id}$`, 'm'));
  const json = JSON.parse((await grantgate(['key', 'new', '--service', 'mailer', '--json'])).stdout);
  assert.deepEqual(Object.keys(json), ['service', 'key', 'api_key_sha256', 'yaml']);
  assert.notEqual(json.key, `gg_${id}_${secret}`);
  const warning = async (service: string) =>
    (await grantgate(['key', 'new', '--service', service, '--root', tree.root])).stderr;
  assert.equal(await warning('mailer'), '');
  assert.match(
    await warning('mialer'),
    /^warning: no service "mialer" stands in grants\/directory\/services.yaml/,
  );
  const wrong = await grantgate(['key', 'new', '--service', 'two words']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /must be a name like "invoicer"/);
  assert.equal((await grantgate(['key', 'new'])).code, 2);
  const help = await grantgate(['key', 'new', '--help']);
  assert.match(help.stdout, /Example:\n {2}\$ grantgate key new/);
});

test('serve refuses a wrong configuration at once, naming everything', async () => {
  writeFileSync(
    join(folder, 'gateway.yaml'),
    'lisen: {}\nbundle: { source: "file:x.tar.gz" }\ntrusted_proxies: [0.0.0.0/0]\n',
  );
  const { code, stderr } = await grantgate(['serve', '--config', 'gateway.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /unknown key "lisen" \(did you mean "listen"\?\)/);
  assert.match(stderr, /whole internet/);
  const missing = await grantgate(['serve', '--config', 'nowhere.yaml']);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /nowhere\.yaml/);
});

test('a missing or wrong opa is one message that says what was looked for and what to do', async () => {
  const { code, stderr } = await grantgate(['build', '--root', tree.root, '--out', 'x.tar.gz'], {
    OPA_PATH: '/bin/true',
  });
  assert.equal(code, 2);
  assert.match(stderr, /OPA_PATH \(\/bin\/true\)/);
  assert.ok(stderr.includes(opaVersion), stderr);
  assert.equal(stderr.trim().split('\n').length, 1);
});

test('review without a forge, a repository or a sensible time says which', async () => {
  const without = await grantgate(['review', '--root', tree.root, '--apply'], {
    GITHUB_REPOSITORY: '',
    GITHUB_TOKEN: 'x',
  });
  assert.equal(without.code, 2);
  assert.match(without.stderr, /OWNER\/NAME/);
  const token = await grantgate(['review', '--root', tree.root, '--apply', '--repository', 'a/b'], {
    GITHUB_TOKEN: '',
  });
  assert.equal(token.code, 2);
  assert.match(token.stderr, /GITHUB_TOKEN/);
  const time = await grantgate(['review', '--root', tree.root, '--as-of', 'yesterday']);
  assert.equal(time.code, 2);
  assert.match(time.stderr, /--as-of/);
});

test('review prints the plan in the agreed form, and the same twice', async () => {
  const decisions = join(folder, 'decisions');
  mkdirSync(decisions);
  const args = [
    'review',
    '--root',
    tree.root,
    '--decisions',
    decisions,
    '--as-of',
    '2026-11-23T12:00:00Z',
    '--json',
  ];
  const { code, stdout, stderr } = await started(args);
  assert.equal(code, 0, stderr);
  const plan = JSON.parse(stdout);
  assert.deepEqual(Object.keys(plan), [
    'as_of',
    'revision',
    'population',
    'evidence',
    'findings',
    'not_evaluable',
    'exempt',
  ]);
  assert.equal(plan.population.grants, 5);
  assert.equal((await grantgate(args)).stdout, stdout);
});
