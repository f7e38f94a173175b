import { execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGateway } from '../../demo/startGateway.ts';
import { runGit } from '../../test/bundle/_organisation.ts';
import { startIssuer } from '../../test/gateway/_issuer.ts';

export const callers = 200;
export const grants = 1000;

/** A proxy under test: where it listens, what it must be sent, and how to stop it. */
export type Peer = { name: string; url: string; stop: () => Promise<void> | void };

/** The path of a program, or null. */
export function which(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/** One API, 200 people with a grant each, and other grants beside them up to 1,000. */
export function writeOrganisation(root: string, upstream: string): void {
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const api = (name: string, address: string) => `api: ${name}
description: Bench
owner: group:bench
tier: low
upstream: ${address}
route: { prefix: /${name}, strip: true }
operations: { listItems: GET /v1/items, getItem: "GET /v1/items/{itemId}", createItem: POST /v1/items }
roles: { reader: [listItems, getItem], editor: [reader, createItem] }
`;
  put('grants/apis/bench.yaml', api('bench', upstream));
  put('grants/apis/other.yaml', api('other', upstream));
  const people = Array.from({ length: callers }, (_, index) => `caller${index}@example.com`);
  const grant = (index: number) => {
    const name = index < callers ? 'bench' : index % 2 === 0 ? 'bench' : 'other';
    const role = 'editor';
    const principal = index < callers ? `user:${people[index]}` : `group:g${index}`;
    return {
      api: name,
      text: `- { id: grant-${index}, principal: "${principal}", api: ${name}, role: ${role}, reason: bench, owner: "group:bench", granted: 2026-01-01 }\n`,
    };
  };
  const all = Array.from({ length: grants }, (_, index) => grant(index));
  for (const name of ['bench', 'other']) {
    put(
      `grants/access/${name}/all.yaml`,
      all
        .filter((entry) => entry.api === name)
        .map(({ text }) => text)
        .join(''),
    );
  }
  const list = people
    .map((login, index) => `  - { login: "${login}", id: "id-${index}", status: active }\n`)
    .join('');
  const members = people.map((login) => `"user:${login}"`).join(', ');
  put(
    'grants/directory/okta.yaml',
    `provider: okta\nsynced: 2026-11-23T00:00:00Z\ncomplete: true\npeople:\n${list}groups:\n  - { name: bench, members: [${members}] }\n`,
  );
  runGit(root, 'init', '--quiet', '--initial-branch=main');
  runGit(root, 'add', '--all');
  runGit(root, 'commit', '--quiet', '--message', 'bench');
}

/** nginx in the foreground with one server block; two workers would compete with the proxy under test. */
export async function startNginx(folder: string, name: string, http: string, port: number): Promise<Peer> {
  const program = which('nginx');
  if (program === null) throw new Error('nginx is not installed (apt-get install nginx-light)');
  const home = join(folder, name.replaceAll(/\W+/g, '-'));
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s; keepalive_requests 10000000; keepalive_timeout 60s; ${http} }
`,
  );
  const child = spawn(program, ['-p', home, '-c', join(home, 'nginx.conf')], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await answers(url);
  return { name, url, stop: () => void child.kill('SIGTERM') };
}

export async function answers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`nothing answers at ${url}`);
}

/** A yardstick of this folder in a process of its own. */
export function startBare(file: string, name: string, upstream: string): Promise<Peer & { pid: number }> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [upstream]);
  return new Promise((done) => {
    child.once('message', (message) => {
      const { port } = message as { port: number };
      done({ name, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop: () => void child.kill() });
    });
  });
}

/** Our gateway, and tokens of its callers: RS256, good for an hour. `path` is asked for once, to warm it up. */
export async function startOurs(
  folder: string,
  root: string,
  path = '/bench/v1/items',
): Promise<Peer & { tokens: string[]; admin: string; pid: number }> {
  const issuer = await startIssuer();
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `listen: { port: 0 }
admin: { port: 0 }
bundle: { source: "git+file://${root}#main", poll: 1h }
issuers: [{ issuer: "${issuer.url}", audience: grantgate }]
limits: { body: 2GB, concurrency: 10000 }
`,
  );
  const gateway = await startGateway({
    config: join(folder, 'gateway.yaml'),
    log: join(folder, 'gateway.log'),
    env: {},
  });
  while (!(await fetch(`${gateway.admin}/health/ready`)).ok)
    await new Promise((done) => setTimeout(done, 20));
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const tokens = await Promise.all(
    Array.from({ length: callers }, (_, index) => issuer.token({ sub: `caller${index}@example.com`, exp })),
  );
  // The load runs while this process waits for it, so the issuer's keys must be fetched before.
  const first = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${tokens[0]}` } });
  if (first.status >= 500) throw new Error(`the gateway answers ${first.status}`);
  await first.body?.cancel();
  const stop = async () => {
    await gateway.close();
    await issuer.close();
  };
  return { name: 'grantgate', url: gateway.url, admin: gateway.admin, pid: gateway.pid, tokens, stop };
}

/** `opa run` with the same rules and grants, its decision log on, as nginx's auth_request asks it. */
export async function startOpa(folder: string, root: string, opa: string): Promise<Peer> {
  const { load } = await import('../../bundle/grants/load.ts');
  const { compile } = await import('../../bundle/compile/compile.ts');
  const { workingTree } = await import('../../bundle/git/tree.ts');
  const { organisation } = await load(await workingTree(root));
  if (organisation === null) throw new Error('the bench organisation does not check');
  writeFileSync(join(folder, 'data.json'), compile(organisation));
  const policies = fileURLToPath(new URL('../../policies/authz/decision.rego', import.meta.url));
  const port = await freePort();
  const child = spawn(
    opa,
    [
      'run',
      '--server',
      '--addr',
      `127.0.0.1:${port}`,
      '--log-level',
      'error',
      '--set',
      'decision_logs.console=true',
      '--disable-telemetry',
      policies,
      join(folder, 'data.json'),
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/health`);
  return { name: 'opa', url, stop: () => void child.kill() };
}

export const runWrk = (args: string[]) => execFileSync('wrk', args, { encoding: 'utf8' });
