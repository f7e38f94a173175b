import * as assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { buildPackage } from '../../.github/scripts/buildPackage.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';

// The package as it lies in somebody's node_modules, where Node strips no types, beside the packages it depends on.
const test = suite('the npm package');
const place = mkdtempSync(join(tmpdir(), 'grantgate-package-'));
const installed = join(place, 'node_modules', 'grantgate');
const run = promisify(execFile);
let env: NodeJS.ProcessEnv = {};

const grantgate = (args: readonly string[], cwd = place) =>
  run(process.execPath, [join(installed, 'grantgate.js'), ...args], { cwd, env });

test.before(async () => {
  buildPackage(installed);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(join(place, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(place, 'node_modules', name));
  }
  env = { ...process.env, OPA_PATH: (await findOpa()).path, NO_COLOR: '1' };
});
test.after(() => rmSync(place, { recursive: true, force: true }));

test('it holds what runs and what that reads, and nothing of tests, benches and the demo', () => {
  const names = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  assert.ok(names.includes(join('policies', 'authz', 'decision.rego')));
  assert.ok(names.includes(join('bundle', 'scaffold', 'template', 'gitignore')));
  assert.deepEqual(
    names.filter((name) => /_test\.rego$|\.test\.|(?<!\.d)\.ts$|^(?:test|bench|demo|grants)\b/.test(name)),
    [],
  );
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [manifest.private, manifest.scripts, manifest.devDependencies],
    [undefined, undefined, undefined],
  );
});

test('everything in it loads', async () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      name.endsWith('.js') && !/^(?:cli|grantgate)\.js$|[wW]orker\.js$|loader\.js$|compiler\.js$/.test(name),
  );
  assert.ok(files.length > 300, String(files.length));
  const imports = files.map((name) => `await import(${JSON.stringify(join(installed, name))});`).join('\n');
  writeFileSync(join(place, 'all.mjs'), `${imports}\nconsole.log('loaded');process.exit();\n`);
  const { stdout } = await run(process.execPath, [join(place, 'all.mjs')], { cwd: place, env });
  assert.equal(stdout, 'loaded\n');
});

test('from an empty folder to a request that is refused and one that is allowed', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await grantgate(['--version'])).stdout, `${version}\n`);
  const upstream = createServer((_, response) => response.end('items')).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const init = ['init', 'access', '--api', 'orders', '--upstream', address, '--owner', 'group:shop'];
  await grantgate([...init, '--person', 'ann@example.com', '--github', 'ann']);
  const folder = join(place, 'access');
  const key = JSON.parse((await grantgate(['key', 'new', '--service', 'job', '--json'])).stdout) as {
    key: string;
    yaml: string;
  };
  writeFileSync(
    join(folder, 'grants/directory/services.yaml'),
    `services:\n  - name: job\n    owner: group:shop\n    state: active\n    credentials:\n      ${key.yaml}\n`,
  );
  writeFileSync(
    join(folder, 'grants/access/orders/job.yaml'),
    '- { id: orders-job, principal: "service:job", api: orders, role: reader, reason: Reports, owner: "group:shop", granted: 2026-01-01 }\n',
  );
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], {
      cwd: folder,
    });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'Access in Git');
  assert.match((await grantgate(['inventory'], folder)).stdout, /orders-job/);
  assert.match((await grantgate(['diff', 'HEAD', 'HEAD'], folder)).stdout, /nobody/i);

  writeFileSync(
    join(place, 'gateway.yaml'),
    `listen: { port: 0 }\nadmin: { port: 0 }\nstate: ${join(place, 'state')}\nbundle: { source: "git+file://${folder}#main" }\ndecisions: { folder: ${join(place, 'decisions')}, instance: gw-1 }\n`,
  );
  const gateway = spawn(
    process.execPath,
    [join(installed, 'grantgate.js'), 'serve', '--config', 'gateway.yaml'],
    { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(gateway, 'exit');
  let log = '';
  for (const stream of [gateway.stdout, gateway.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk));
  try {
    let url: string | undefined;
    while (url === undefined) {
      assert.equal(gateway.exitCode, null, log);
      await setTimeout(50);
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0];
    }
    const ask = (path: string, headers = {}) => fetch(url + path, { headers });
    const own = { 'x-api-key': key.key };
    let allowed = await ask('/orders/items', own);
    for (; allowed.status === 503; allowed = await ask('/orders/items', own)) await setTimeout(50);
    assert.deepEqual([allowed.status, await allowed.text()], [200, 'items'], log);
    assert.equal((await ask('/orders/items')).status, 401);
    const denied = await fetch(`${url}/orders/items`, { method: 'POST', headers: own });
    assert.equal(denied.status, 403);
  } finally {
    gateway.kill('SIGTERM');
    await ended;
    upstream.close();
  }
  const reviewed = await grantgate(['review', '--decisions', join(place, 'decisions')], folder);
  assert.match(reviewed.stdout + reviewed.stderr, /orders/);
});

test('types come along for what is logged', () => {
  const types = readFileSync(join(installed, 'gateway', 'record', 'record.d.ts'), 'utf8');
  assert.match(types, /export type DecisionRecord = \{/);
});
