import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DecisionRecord } from '../../gateway/record/record.ts';
import { type SampleTree, sampleTree } from '../bundle/_organisation.ts';
import { office, startUpstream, type Upstream } from './_gateway.ts';
import { type Issuer, startIssuer } from './_issuer.ts';

const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));

/** A gateway as users start it, by the command line, with several workers or, with one, alone. */
export type Fleet = {
  url: string;
  admin: string;
  process: ChildProcess;
  upstream: Upstream;
  issuer: Issuer;
  tree: SampleTree;
  folder: string;
  /** The path of gateway.yaml. */
  file: string;
  token: string;
  /** Lines of the log, parsed. */
  log: Record<string, unknown>[];
  /** Waits for a line of the log with that message, from now on. */
  logged: (message: string | RegExp) => Promise<Record<string, unknown>>;
  /** The process ids of the workers, by slot. */
  pids: () => Promise<number[]>;
  metrics: () => Promise<Record<string, number>>;
  records: () => Promise<DecisionRecord[]>;
  /** Sends SIGTERM; resolves with the exit code. */
  stop: () => Promise<number | null>;
  close: () => Promise<void>;
};

type Options = {
  /** Until all are ready. */
  waits?: boolean;
  workers?: number;
  config?: Record<string, unknown>;
  /** Beside gateway.yaml. */
  files?: Record<string, string>;
  rate?: string;
};

export async function startFleet({
  waits = true,
  workers = 2,
  config = {},
  files = {},
  rate = '100000/s',
}: Options = {}): Promise<Fleet> {
  const upstream = await startUpstream();
  const issuer = await startIssuer();
  const tree = await sampleTree({}, { git: true });
  const orders = (await readFile(join(tree.root, 'grants/apis/orders.yaml'), 'utf8'))
    .replace('http://orders.internal:8080', upstream.url)
    .replace(/rate: \S+/, `rate: ${rate}`);
  await tree.commit({ 'grants/apis/orders.yaml': orders, 'grants/networks.yaml': office });
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-fleet-'));
  const file = join(folder, 'gateway.yaml');
  const value = {
    listen: { port: 0 },
    admin: { port: 0 },
    state: 'state',
    bundle: { source: `git+file://${tree.root}#main`, poll: '1h' },
    issuers: [{ issuer: issuer.url, audience: 'grantgate' }],
    ...config,
  };
  await writeFile(file, JSON.stringify(value));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const child = spawn(process.execPath, [cli, 'serve', '--config', file, '--workers', String(workers)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const log: Record<string, unknown>[] = [];
  const listeners = new Set<(line: Record<string, unknown>) => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    log.push(line);
    for (const listener of listeners) listener(line);
  });
  const logged = (message: string | RegExp) =>
    new Promise<Record<string, unknown>>((done, fail) => {
      const end = (settle: () => void) => {
        listeners.delete(listener);
        clearTimeout(timer);
        settle();
      };
      const timer = setTimeout(
        () =>
          end(() =>
            fail(new Error(`no "${message}" in:\n${log.map((line) => JSON.stringify(line)).join('\n')}`)),
          ),
        120_000,
      );
      const listener = (line: Record<string, unknown>) => {
        const text = String(line.msg);
        if (typeof message === 'string' ? text === message : message.test(text)) end(() => done(line));
      };
      listeners.add(listener);
    });
  const remove = async () => {
    await upstream.close();
    await issuer.close();
    await tree.remove();
    await rm(folder, { recursive: true, force: true });
  };
  let started: Record<string, unknown>;
  try {
    const early = exited.then((code) => {
      throw new Error(`ended with ${code}: ${stderr}`);
    });
    started = await Promise.race([logged(workers === 1 ? 'listening' : 'all workers listen'), early]);
  } catch (error) {
    child.kill('SIGKILL');
    await remove();
    throw error;
  }
  const [url, admin] = [String(started.url), String(started.admin)];
  const fleet: Fleet = {
    ...{ url, admin, process: child, upstream, issuer, tree, folder, file, log, logged },
    token: await issuer.token({
      sub: 'ann@example.com',
      amr: ['mfa'],
      exp: Math.floor(Date.now() / 1000) + 3600,
    }),
    pids: async () => {
      const home = join(folder, '.grantgate/decisions');
      const names = (await readdir(home)).sort();
      return Promise.all(
        names.map(async (name) =>
          Number.parseInt(await readFile(join(home, name, '.lock'), 'utf8').catch(() => '0'), 10),
        ),
      );
    },
    metrics: async () => {
      const text = await (await fetch(`${admin}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return Object.fromEntries(
        lines.map((line) => [
          line.slice(0, line.lastIndexOf(' ')),
          Number(line.slice(line.lastIndexOf(' ') + 1)),
        ]),
      );
    },
    records: async () => {
      const home = join(folder, '.grantgate/decisions');
      const files = (await readdir(home, { recursive: true })).filter((name) => name.endsWith('.ndjson'));
      const texts = await Promise.all(files.sort().map((name) => readFile(join(home, name), 'utf8')));
      return texts
        .flatMap((text) => text.split('\n').filter(Boolean))
        .map((line) => JSON.parse(line))
        .filter((line) => line.heartbeat !== true && !('stopped' in line));
    },
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) await fleet.stop();
      await remove();
    },
  };
  // Each worker has its bundle when all of them say so.
  for (let tries = 0; waits; tries += 1) {
    const { workers: seen = [], revision } = (await (await fetch(`${admin}/health/ready`)).json()) as {
      workers?: { status: string }[];
      revision: string | null;
    };
    const serve = workers === 1 || (seen.length === workers && seen.every(({ status }) => status === 'ok'));
    if (revision !== null && serve) return fleet;
    if (tries > 300) {
      await fleet.close();
      throw new Error(`not ready:\n${log.map((line) => JSON.stringify(line)).join('\n')}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  return fleet;
}
