import * as assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { findOpa, opaVersion } from '../../bundle/policy/opa.ts';
import { suite } from '../_suite.ts';
import { copyRepository, repositoryFiles, root } from './_copyRepository.ts';
import { environmentOf, parseDockerfile, sentToBuilder } from './_dockerfile.ts';

// There may be no Docker where this runs: the last stage is put together in a folder as the Dockerfile says, with the
// packages it would have, and run with its environment.
const test = suite('dockerfile');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const stages = parseDockerfile(read('Dockerfile'));
const last = stages.at(-1) ?? assert.fail('no stage');
const sent = sentToBuilder(read('.dockerignore'), repositoryFiles());
const valuesOf = (keyword: string, stage = last) =>
  stage.instructions.filter((instruction) => instruction.keyword === keyword).map(({ value }) => value);
const copied = last.instructions
  .filter(({ keyword, flags }) => keyword === 'COPY' && flags.from === undefined)
  .flatMap(({ value }) => value.split(/\s+/).slice(0, -1));
const shipped = sent.filter((path) => copied.some((from) => path === from || path.startsWith(`${from}/`)));
const { devDependencies, dependencies } = JSON.parse(read('package.json')) as Record<
  'devDependencies' | 'dependencies',
  Record<string, string>
>;

const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<
    string,
    { dev?: boolean; hasInstallScript?: boolean; dependencies?: object; devDependencies?: object }
  >;
};

let work = '';
let app = '';
let volume = '';
const place = (value: string) =>
  value.replaceAll('/var/lib/grantgate', volume).replaceAll('/app/', `${app}/`);
/** The stage's environment and nothing of this machine's, but for where its programs lie. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const entries = Object.entries(environmentOf(last)).map(([name, value]) => [name, place(value)]);
  return {
    ...Object.fromEntries(entries),
    OPA_PATH: (await findOpa()).path,
    // A dozen processes of the same sources: what one has compiled, the others find. The image keeps nothing.
    NODE_COMPILE_CACHE: join(work, 'compiled'),
    NODE_DISABLE_COMPILE_CACHE: undefined,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  };
}
const [, ...entry] = JSON.parse(valuesOf('ENTRYPOINT')[0] ?? '[]') as string[];
async function grantgate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = await environment();
  return new Promise((done) => {
    execFile(process.execPath, [...entry.map(place), ...args], { cwd: app, env }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr }),
    );
  });
}

test.before(() => {
  work = mkdtempSync(join(tmpdir(), 'grantgate-image-'));
  app = join(work, 'app');
  volume = join(work, 'volume');
  mkdirSync(volume);
  copyRepository(app, { files: shipped });
  // The stage `packages`: its command leaves what the lock does not mark as of development. Copied, since what is linked
  // would find its neighbours here.
  for (const [path, { dev = false }] of Object.entries(lock.packages).sort())
    if (path !== '' && dev) rmSync(join(app, path), { recursive: true, force: true });
    else if (path !== '' && existsSync(join(root, path)) && !existsSync(join(app, path)))
      cpSync(join(root, path), join(app, path), { recursive: true });
});
test.after(() => rmSync(work, { recursive: true, force: true }));

test('brings the versions of Node and opa that everything else uses', () => {
  const images = stages.map(({ image }) => image);
  assert.deepEqual(images, [
    `openpolicyagent/opa:${opaVersion}-static`,
    `node:${devDependencies.node}-bookworm-slim`,
    `node:${devDependencies.node}-bookworm-slim`,
  ]);
});

test('runs as a user that is a number and not root, and stops on SIGTERM', () => {
  const [user = ''] = valuesOf('USER');
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
  assert.deepEqual(valuesOf('STOPSIGNAL'), ['SIGTERM']);
  const keywords = last.instructions.map(({ keyword }) => keyword);
  assert.ok(keywords.lastIndexOf('RUN') < keywords.indexOf('USER'), 'nothing is installed as that user');
  assert.ok(
    valuesOf('RUN').some((command) => command.includes(`-o ${user.split(':')[0]} `)),
    'its volume is its own',
  );
});

test('writes below its volume only', () => {
  const [folder = ''] = JSON.parse(valuesOf('VOLUME')[0] ?? '[]') as string[];
  const env = environmentOf(last);
  for (const name of ['HOME', 'TMPDIR', 'XDG_CACHE_HOME'])
    assert.match(env[name] ?? '', new RegExp(`^${folder}(/|$)`));
  // A volume that starts empty has no folders.
  assert.equal(env.TMPDIR, folder);
  assert.equal(env.NODE_DISABLE_COMPILE_CACHE, '1', 'no code comes from there');
});

test('ships what runs, and nothing that only serves tests, the demo or development', () => {
  assert.ok(shipped.length > 0);
  for (const file of repositoryFiles().filter((path) =>
    /^(?:cli\.ts|package\.json|(?:bundle|commands|gateway|reviewer)\/.*\.ts|policies\/.*(?<!_test)\.(?:rego|json))$/.test(
      path,
    ),
  ))
    assert.ok(shipped.includes(file), `${file} is missing`);
  const strange = shipped.filter(
    (path) => !/^(?:cli\.ts|package\.json|(?:bundle|commands|gateway|reviewer|policies)\/.*)$/.test(path),
  );
  assert.deepEqual(strange, []);
  assert.deepEqual(
    shipped.filter((path) => path.endsWith('_test.rego')),
    [],
  );
});

test('the builder is sent no history, secrets or other odds and ends', () => {
  const paths = ['.git/config', '.env', 'signing.pem', 'node_modules/x/y.js', 'gateway.yaml', 'test/a.ts'];
  assert.deepEqual(sentToBuilder(read('.dockerignore'), [...paths, 'cli.ts', 'gateway/serve.ts']), [
    'cli.ts',
    'gateway/serve.ts',
  ]);
});

test('its packages are those of the lock that are not for development', () => {
  const { instructions } = stages.find(({ name }) => name === 'packages') ?? assert.fail('no such stage');
  const [copied = '', command = ''] = ['COPY', 'RUN'].map(
    (one) => instructions.find(({ keyword }) => keyword === one)?.value,
  );
  assert.match(copied, /^package\.json package-lock\.json /);
  assert.match(command, /^npm ci --omit=dev --ignore-scripts(?= |$)/);
  // Else npm refuses.
  assert.deepEqual(
    [lock.packages['']?.dependencies, lock.packages['']?.devDependencies],
    [dependencies, devDependencies],
  );
});

test('no package that runs in production has an install script', () => {
  const scripted = Object.entries(lock.packages).filter(
    ([, { dev, hasInstallScript }]) => hasInstallScript && !dev,
  );
  assert.deepEqual(scripted, []);
});

test('has no development dependency, and all others', () => {
  const installed = (name: string) => {
    try {
      return readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8') !== '';
    } catch {
      return false;
    }
  };
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !installed(name)),
    [],
  );
  assert.deepEqual(
    ['node', 'uvu', 'typescript', '@biomejs/biome', 'oidc-provider'].filter((name) => installed(name)),
    [],
  );
});

test('says its version and explains its commands', async () => {
  assert.match((await grantgate('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  const commands = ['check', 'build', 'verify', 'serve', 'publish', 'status', 'diff', 'review'];
  // All in one process, which ends with the first help that fails.
  const script = `import { createProgram } from './commands/program.ts';
for (const command of ${JSON.stringify(commands)})
  await createProgram().parseAsync([command, '--help'], { from: 'user' }).catch((error) => {
    if (error.exitCode !== 0) throw error;
  });`;
  writeFileSync(join(app, 'help.mjs'), script);
  const env = await environment();
  const stdout = execFileSync(process.execPath, ['help.mjs'], { cwd: app, env, encoding: 'utf8' });
  const explained = [...stdout.matchAll(/^Usage: grantgate (\S+) /gm)].map(([, name]) => name);
  assert.deepEqual(explained, commands);
});

test('every file of it loads with only the packages it has', async () => {
  // Each for itself, as the commands load them when they are needed. Some run by themselves: four want to be in a
  // thread, one in a process that others started.
  const own = [
    'cli.ts',
    'bundle/compile/compileWorker.ts',
    'gateway/load/loader.ts',
    'gateway/publish/compiler.ts',
    'gateway/workers/worker.ts',
    'reviewer/detect/judgeWorker.ts',
  ];
  const files = shipped.filter((path) => path.endsWith('.ts') && !own.includes(path));
  const script = `for (const file of ${JSON.stringify(files)}) await import('./' + file);`;
  writeFileSync(join(app, 'all.mjs'), script);
  const env = await environment();
  execFileSync(process.execPath, ['all.mjs'], { cwd: app, env, stdio: 'pipe' });
});

test('checks and builds a repository, with opa and Git', async () => {
  const repository = join(work, 'repository');
  copyRepository(repository, {
    files: repositoryFiles().filter((path) => /^(?:grants|policies)\/(?!.*_test\.rego$)/.test(path)),
  });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: repository,
      stdio: 'pipe',
    });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
  // In one process, which ends with the first that fails.
  const script = `import { createProgram } from './commands/program.ts';
for (const args of ${JSON.stringify([
    ['check', repository],
    ['build', '--root', repository, '--out', join(work, 'bundle.tar.gz')],
  ])}) {
  await createProgram().parseAsync(args, { from: 'user' });
  if (process.exitCode) process.exit();
}`;
  writeFileSync(join(app, 'both.mjs'), script);
  const env = await environment();
  execFileSync(process.execPath, ['both.mjs'], { cwd: app, env, stdio: 'pipe' });
  assert.ok(existsSync(join(work, 'bundle.tar.gz')));
});

test('serves what its arguments say by default, is found healthy, and ends well on SIGTERM', async () => {
  const [command, option, config] = JSON.parse(valuesOf('CMD')[0] ?? '[]') as string[];
  assert.deepEqual([command, option, config], ['serve', '--config', '/etc/grantgate/gateway.yaml']);
  const file = join(work, 'gateway.yaml');
  const yaml = `listen: { port: 0 }\nadmin: { port: 0 }\nstate: ${volume}/state\ndecisions: { folder: ${volume}/decisions, usage: ${volume}/usage }\nbundle: { source: "git+file://${join(work, 'repository')}#main" }\n`;
  writeFileSync(file, yaml);
  const env = await environment();
  const child = spawn(process.execPath, [...entry.map(place), 'serve', '--config', file], {
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const admin = await new Promise<string>((found, failed) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const url = /"admin":"(http:[^"]+)"/.exec(output)?.[1];
        if (url !== undefined) found(url);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      child.on('exit', () => failed(new Error(`ended: ${output}`)));
    });
    assert.equal(await health(`${admin}/health/live`), 0);
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    assert.equal(await health(`${admin}/health/live`), 1);
  } finally {
    child.kill('SIGKILL');
  }
});

/** The exit code of the image's health check, asked of an address. */
async function health(url: string): Promise<number> {
  const command = /CMD (\[.*\])$/.exec(valuesOf('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
  const [, ...args] = JSON.parse(command) as string[];
  const env = { ...(await environment()), GRANTGATE_HEALTH: url };
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  return new Promise((done) => {
    child.on('exit', (code) => done(code ?? 1));
  });
}

test('a listener that answers anything but success is not healthy', async () => {
  const server = createServer((_request, response) => response.writeHead(503).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    assert.equal(await health(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health/live`), 1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('asks for health where the admin listener is unless told otherwise', async () => {
  const { parseConfig } = await import('../../gateway/config/config.ts');
  const { admin } = parseConfig({ bundle: { source: 'git+https://git.example.com/access#main' } }, '/x.yaml');
  assert.equal(environmentOf(last).GRANTGATE_HEALTH, `http://${admin.host}:${admin.port}/health/live`);
});
