import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startGateway as startHere } from '../../demo/startGateway.ts';
import { runGit } from '../../test/bundle/_organisation.ts';
import { type Issuer, startIssuer } from '../../test/gateway/_issuer.ts';
import { childrenOf } from './processes.ts';

export const callers = 200;
const grants = 1000;

/** A proxy under test: where it listens, the processes it runs in, and how to stop it. */
export type Peer = { name: string; url: string; pids: readonly number[]; stop: () => Promise<void> | void };

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/**
 * One API, `people` with a grant each, and other grants beside them up to 1,000 at least. Nobody may delete. `rate` is
 * that of each caller; left out, there is none.
 */
export function writeOrganisation(root: string, upstream: string, count = callers, rate?: string): void {
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
${rate === undefined ? '' : `limits: { rate: ${rate} }\n`}operations: { listItems: GET /v1/items, getItem: "GET /v1/items/{itemId}", createItem: POST /v1/items, deleteItem: "DELETE /v1/items/{itemId}" }
roles: { reader: [listItems, getItem], editor: [reader, createItem], admin: [editor, deleteItem] }
`;
  put('grants/apis/bench.yaml', api('bench', upstream));
  put('grants/apis/other.yaml', api('other', upstream));
  const people = Array.from({ length: count }, (_, index) => loginOf(index));
  const grant = (index: number) => {
    const name = index < count ? 'bench' : index % 2 === 0 ? 'bench' : 'other';
    const role = 'editor';
    const principal = index < count ? `user:${people[index]}` : `group:g${index}`;
    return {
      api: name,
      text: `- { id: grant-${index}, principal: "${principal}", api: ${name}, role: ${role}, reason: bench, owner: "group:bench", granted: 2026-01-01 }\n`,
    };
  };
  const all = Array.from({ length: Math.max(grants, count) }, (_, index) => grant(index));
  for (const name of ['bench', 'other']) {
    const own = all.filter((entry) => entry.api === name).map(({ text }) => text);
    // A file may have a megabyte.
    for (let at = 0; at < own.length; at += 5000)
      put(`grants/access/${name}/${at === 0 ? 'all' : `more-${at}`}.yaml`, own.slice(at, at + 5000).join(''));
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

const loginOf = (index: number) => `caller${index}@example.com`;

/** Tokens of the first callers: RS256, good for four hours. */
export async function tokensOf(issuer: Issuer, count: number): Promise<string[]> {
  const exp = Math.floor(Date.now() / 1000) + 4 * 3600;
  const tokens: string[] = [];
  while (tokens.length < count) {
    const some = Math.min(500, count - tokens.length);
    const next = Array.from({ length: some }, (_, at) =>
      issuer.token({ sub: loginOf(tokens.length + at), exp }),
    );
    tokens.push(...(await Promise.all(next)));
  }
  return tokens;
}

type Gateway = Peer & { admin: string; pid: number };

/**
 * Our gateway in front of what `root` declares, with all its processes. `code` is the checkout that is run; left out,
 * this one.
 */
export async function startGateway(
  folder: string,
  root: string,
  issuer: string,
  { name = 'grantgate', code = '', workers = 1 } = {},
): Promise<Gateway> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `listen: { port: 0 }
admin: { port: 0 }
bundle: { source: "git+file://${root}#main", poll: 1h }
issuers: [{ issuer: "${issuer}", audience: grantgate }]
limits: { body: 2GB, concurrency: 10000 }
workers: ${workers}
`,
  );
  const start: typeof startHere =
    code === '' ? startHere : (await import(join(code, 'demo/startGateway.ts'))).startGateway;
  const gateway = await start({
    config: join(folder, 'gateway.yaml'),
    log: join(folder, 'gateway.log'),
    env: process.env.BENCH_NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS: process.env.BENCH_NODE_OPTIONS },
  });
  for (const until = Date.now() + 180_000; !(await fetch(`${gateway.admin}/health/ready`)).ok; ) {
    if (Date.now() > until) throw new Error(`the gateway has no bundle: see ${join(folder, 'gateway.log')}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  const { url, admin, pid, close } = gateway;
  return { name, url, admin, pid, pids: [pid, ...childrenOf(pid)], stop: close };
}

/** Our gateway, and tokens of its callers. `path` is asked for once, to warm it up. */
export async function startOurs(
  folder: string,
  root: string,
  path = '/bench/v1/items',
): Promise<Gateway & { tokens: string[] }> {
  const issuer = await startIssuer();
  const gateway = await startGateway(folder, root, issuer.url);
  const tokens = await tokensOf(issuer, callers);
  // The load runs while this process waits for it, so the issuer's keys must be fetched before.
  const first = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${tokens[0]}` } });
  if (first.status >= 500) throw new Error(`the gateway answers ${first.status}`);
  await first.body?.cancel();
  const stop = async () => {
    await gateway.stop();
    await issuer.close();
  };
  return { ...gateway, tokens, stop };
}
