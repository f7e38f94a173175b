import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../gateway/world.ts';
import { apiOf, target } from './organisation.ts';

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

type Options = {
  /** The folder that holds `opal-server` and `opal-client`, of a Python environment with those two packages. */
  bin: string;
  opa: string;
  /** data.json as the bundle has it, the target's grant in it. */
  data: Buffer;
  home: string;
  rounds: number;
};

/**
 * OPAL following a Git repository that holds the same rules and data, ready made, with one OPA at its client: the
 * milliseconds from its push webhook to the first denial, once a round. Null where OPAL is not installed.
 */
export async function measureOpal({ bin, opa, data, home, rounds }: Options): Promise<number[] | null> {
  if (!existsSync(join(bin, 'opal-server')) || !existsSync(join(bin, 'opal-client'))) return null;
  const work = join(home, 'opal');
  const repository = join(work, 'repository');
  mkdirSync(repository, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com', ...args], {
      cwd: repository,
    });
  git('init', '--quiet', '--initial-branch=main');
  copyFileSync(
    fileURLToPath(new URL('../../policies/authz/decision.rego', import.meta.url)),
    join(repository, 'decision.rego'),
  );
  const document = JSON.parse(data.toString()) as { grants: Record<string, Record<string, unknown>> };
  const granted = JSON.stringify(document);
  delete document.grants[apiOf(0)]?.[`user:${target}`];
  const states = { granted, revoked: JSON.stringify(document) };
  const commit = (state: keyof typeof states) => {
    writeFileSync(join(repository, 'data.json'), states[state]);
    git('add', '--all');
    git('commit', '--quiet', '--message', state);
  };
  commit('granted');

  const [opaPort, serverPort, clientPort] = [await freePort(), await freePort(), await freePort()];
  const children: ChildProcess[] = [];
  const start = (program: string, args: string[], env: Record<string, string> = {}) => {
    const log = openSync(join(work, 'log'), 'a');
    children.push(
      spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log], cwd: work }),
    );
    closeSync(log);
  };
  const url = `file://${repository}`;
  start(opa, [
    'run',
    '--server',
    '--addr',
    `127.0.0.1:${opaPort}`,
    '--log-level',
    'error',
    '--disable-telemetry',
  ]);
  start(join(bin, 'opal-server'), ['run'], {
    OPAL_SERVER_BIND_PORT: String(serverPort),
    OPAL_POLICY_REPO_URL: url,
    OPAL_POLICY_REPO_MAIN_BRANCH: 'main',
    OPAL_POLICY_REPO_CLONE_PATH: join(work, 'clone'),
    OPAL_SERVER_HOST: '127.0.0.1',
    OPAL_DATA_CONFIG_SOURCES: '{"config":{"entries":[]}}',
    OPAL_SERVER_WORKER_COUNT: '1',
  });
  await pause(8000);
  start(join(bin, 'opal-client'), ['run'], {
    OPAL_CLIENT_API_SERVER_PORT: String(clientPort),
    OPAL_SERVER_URL: `http://127.0.0.1:${serverPort}`,
    OPAL_POLICY_STORE_URL: `http://127.0.0.1:${opaPort}`,
    OPAL_INLINE_OPA_ENABLED: 'false',
    OPAL_CLIENT_HOST: '127.0.0.1',
    OPAL_CLIENT_API_SERVER_WORKER_COUNT: '1',
  });
  const input = {
    ...{ subject: `user:${target}`, groups: [], api: apiOf(0), operation: 'listOrders', method: 'GET' },
    ...{ path: '/v1/orders', networks: [], mfa: false, time: 1_795_428_000 },
  };
  const ask = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${opaPort}/v1/data/grantgate/authz/decision`, {
      method: 'POST',
      body: JSON.stringify({ input }),
    });
    return ((await answer.json()) as { result?: { allow?: unknown } }).result?.allow;
  };
  const until = async (allow: boolean) => {
    for (const end = Date.now() + 60_000; (await ask().catch(() => null)) !== allow; await pause(2))
      if (Date.now() > end) throw new Error(`OPAL: ${readFileSync(join(work, 'log'), 'utf8').slice(-2000)}`);
  };
  const webhook = async () => {
    const answer = await fetch(`http://127.0.0.1:${serverPort}/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-github-event': 'push' },
      body: JSON.stringify({ ref: 'refs/heads/main', repository: { git_url: url, clone_url: url } }),
    });
    if (!answer.ok) throw new Error(`OPAL's webhook answers ${answer.status}`);
  };
  try {
    await until(true);
    const took: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      commit('revoked');
      const began = performance.now();
      await webhook();
      await until(false);
      took.push(performance.now() - began);
      commit('granted');
      await webhook();
      await until(true);
    }
    return took;
  } finally {
    for (const child of children.reverse()) child.kill('SIGTERM');
    await pause(1000);
  }
}
