import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServeForge } from './createServeForge.ts';
import { createGit } from './git/git.ts';
import { type Core, createQueue, findPull } from './model/core.ts';
import { createFaults, type Fault } from './model/faults.ts';
import { mergePull } from './model/mergePull.ts';
import { openState } from './model/state.ts';
import { synchronize } from './model/synchronize.ts';
import { createUsers, type UserOptions } from './model/users.ts';
import { createWebhooks, type Delivery, type Webhook } from './model/webhooks.ts';
import type { Watched } from './serveApi.ts';

export type ForgeOptions = {
  /** Path of a bare repository; the forge keeps its own state in `forge.json` inside it. */
  repository: string;
  owner: string;
  name: string;
  /** 0 or left out: a free one. */
  port?: number;
  /** API token of the bot, `grantgate-bot` unless `bot` names it otherwise. */
  token: string;
  bot?: string;
  users?: readonly UserOptions[];
  /** Who acts through the pages; `maintainer` when left out. */
  viewer?: string;
  /** Read anew at each event, so receivers may be added later. */
  webhooks?: readonly Webhook[];
  /** Forges of copies of one repository that are given the same one share what is known of commits. */
  history?: object;
  /** Milliseconds since 1970; the clock when left out. */
  now?: () => number;
  /** Is told of each call of the API with its answer, before a fault replaces it. */
  watch?: (call: Watched) => void;
};

export type Forge = {
  url: string;
  /** What Octokit takes as `baseUrl`. */
  api: string;
  cloneUrl: string;
  repository: { owner: string; name: string };
  /** Merges a pull request as the viewer does on its page; resolves to the new commit. Throws ApiError. */
  merge: (
    number: number,
    options?: { method?: 'merge' | 'squash' | 'rebase'; login?: string; title?: string },
  ) => Promise<string>;
  /** Makes calls of the REST API go wrong; the returned function takes it back. */
  fail: (fault: Fault) => () => void;
  /** The newest API calls, oldest first. */
  calls: readonly { method: string; path: string; status: number }[];
  deliveries: readonly Delivery[];
  /** Resolves when no webhook is under way. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
};

/** Starts the forge on 127.0.0.1. Throws when the folder is no bare repository or the port is taken. */
export async function startForge(options: ForgeOptions): Promise<Forge> {
  const clock = options.now ?? Date.now;
  const now = () => new Date(clock()).toISOString().replace(/\.\d+Z$/, 'Z');
  const git = createGit(options.repository, options.history);
  // Git's own words only where there is something else: no repository, or a branch without a name.
  const written = await readFile(join(options.repository, 'HEAD'), 'latin1').catch(() => '');
  const head = /^ref: (refs\/heads\/\S+)\n$/.exec(written)?.[1] ?? (await git.text(['symbolic-ref', 'HEAD']));
  const viewer = options.viewer ?? 'maintainer';
  const users = createUsers([
    { login: viewer, permission: 'admin' },
    ...(options.users ?? []),
    { login: options.bot ?? 'grantgate-bot', token: options.token, permission: 'write', type: 'Bot' },
  ]);
  const webhooks = createWebhooks(options.webhooks ?? []);
  let url = '';
  const core: Core = {
    owner: options.owner,
    name: options.name,
    defaultBranch: head.replace(/^refs\/heads\//, ''),
    url: () => url,
    git,
    state: await openState(options.repository, now()),
    users,
    viewer: users.named(viewer),
    now,
    exclusive: createQueue(),
    emit: webhooks.emit,
    isHeard: () => (options.webhooks ?? []).length > 0,
    refs: new Map(),
  };
  // What moved while the forge was down is taken over in silence.
  await core.exclusive(() => synchronize(core, core.viewer, false));

  const faults = createFaults();
  const { serve, calls, repositoryPath, stop } = createServeForge({ core, faults, watch: options.watch });
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      process.emitWarning(`forge: ${request.method} ${request.url}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('Server Error\n');
    });
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(options.port ?? 0, '127.0.0.1', () => done());
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    api: `${url}/api/v3`,
    cloneUrl: `${url}${repositoryPath}.git`,
    repository: { owner: options.owner, name: options.name },
    merge: async (number, { method = 'merge', login = viewer, title } = {}) => {
      const issue = findPull(core, number);
      if (issue === undefined) throw new Error(`there is no pull request ${number}`);
      return mergePull(core, issue, { method, title }, users.named(login));
    },
    fail: (fault) => faults.fail(fault, structuredClone(core.state.data)),
    calls,
    deliveries: webhooks.deliveries,
    settled: webhooks.settled,
    close: async () => {
      stop();
      await core.exclusive(async () => {});
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
      await webhooks.close();
      await core.state.save();
    },
  };
}
