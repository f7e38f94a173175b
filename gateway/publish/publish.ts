import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { readSigningKey } from '../../bundle/archive/readSigningKey.ts';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { ConfigError } from '../config/config.ts';
import { listen, urlOf } from '../http/listen.ts';
import { openTls } from '../http/tls.ts';
import type { LoaderData } from '../load/openLoader.ts';
import { startReload } from '../load/reload.ts';
import { createLog } from '../log/createLog.ts';
import { parseSource } from '../source/contract/parseSource.ts';
import { bundlePaths, createBundleServer } from './bundleServer.ts';
import type { CompilerData, Signed } from './compiler.ts';
import { createOffered } from './offered.ts';

export type PublishOptions = {
  listen: { host: string; port: number; tls?: { cert: string; key: string } };
  /** `git+…#BRANCH`. */
  source: string;
  /** The private key that bundles are signed with, PEM. */
  signingKeyPem: string;
  /** What signatures call it, for gateways that know several; `default` when left out. */
  signingKeyId?: string | undefined;
  /** A folder of this process's own. */
  stateFolder: string;
  pollMs: number;
  /** What clients must present; may be null on loopback only. */
  token: string | null;
  /** The Git host's access token. */
  sourceToken: string | null;
  webhookSecret: string | null;
  /** The file of those who may sign the branch's tip, as Git takes it; null when anybody's commit will do. */
  allowedSigners: string | null;
  logLevel?: 'info' | 'silent';
  now?: () => number;
};

export type Publisher = {
  /** The bundle's address. */
  url: string;
  /** How many bundles were made since the start. */
  compiled: () => number;
  waiting: () => number;
  /** Answers whoever waits, lets downloads end within 10 s, then closes everything. */
  close: () => Promise<void>;
};

const drainMs = 10_000;
const signMs = 60_000;
const timeouts = { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 70_000 };

/**
 * Compiles and signs the commits of a branch and hands the newest out by OPA's bundle protocol. It listens at once and
 * answers 503 until there is a bundle; whatever is wrong with a later commit, the last good one stays. Throws
 * ConfigError, also for certificates, SourceError `source-invalid`, BundleError `key-unsupported`, and Node's error when
 * the port is taken.
 */
export async function publish(options: PublishOptions): Promise<Publisher> {
  const {
    source,
    signingKeyPem,
    signingKeyId,
    stateFolder,
    pollMs,
    token,
    webhookSecret,
    now = Date.now,
  } = options;
  const address = parseSource(source);
  if (address.kind !== 'git')
    throw new ConfigError(['--source must be a Git repository, git+https://HOST/REPOSITORY#BRANCH']);
  // A bundle tells who works here and who may do what.
  if (token === null && !isLoopback(options.listen.host))
    throw new ConfigError(['a token is needed when bundles are served beyond this machine (--token-env)']);
  readSigningKey(signingKeyPem, signingKeyId);
  const log = createLog({ level: options.logLevel ?? 'info', format: 'auto' }, null);
  const offered = createOffered(log, now);
  const { waiting } = offered;
  const startedMs = now();
  let closing: Promise<void> | null = null;

  const startWorker = (data: LoaderData) => {
    // One that ended between compiling and signing must not take its commit for done.
    const floor = data.floor?.revision === offered.of('rego')?.revision ? data.floor : null;
    return startCompiler({ ...data, floor, signingKeyPem, signingKeyId }, offered.take);
  };
  const tls = openTls(
    {
      listen: options.listen.tls === undefined ? {} : { tls: options.listen.tls },
      limits: { headers_timeout: timeouts.headersTimeout },
    },
    (error) => log.error({ err: error }, 'certificates not read'),
  );
  const reload = startReload({
    source: {
      url: source,
      stateFolder,
      ...(options.sourceToken === null ? {} : { token: options.sourceToken }),
      ...(options.allowedSigners === null ? {} : { allowedSigners: options.allowedSigners }),
    },
    pollMs,
    onSwap: () => {},
    log,
    now,
    startWorker,
  });
  const answer = createBundleServer({
    published: offered.of,
    waiting,
    token,
    webhook: webhookSecret === null ? null : { secret: webhookSecret, branch: address.branch },
    source,
    startedMs,
    status: reload.status,
    async reload(force) {
      const result = await reload.look({ force });
      // It is signed once it was taken; only then is there something to fetch.
      if (offered.of('wasm')?.revision !== result.revision)
        await Promise.race([offered.next(), sleep(signMs, undefined, { ref: false })]);
      return result;
    },
    closing: () => closing !== null,
    onFailure: (error) => log.error({ err: error }, 'request failed'),
  });
  const server = tls === null ? createServer(timeouts, answer) : tls.createServer(timeouts, answer);

  const shut = async () => {
    const closed = server.listening ? new Promise((done) => server.close(done)) : null;
    for (const form of ['wasm', 'rego'] as const) waiting[form].wake();
    tls?.abandon();
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), drainMs);
    await Promise.all([closed, reload.close()]);
    clearTimeout(timer);
    log.info('stopped');
    log.flush();
  };
  const close = () => {
    closing ??= shut();
    return closing;
  };
  try {
    await listen(server, options.listen, (error) => log.error({ err: error }, 'listener failed'), '--listen');
  } catch (error) {
    await close();
    throw error;
  }
  const url = `${urlOf(server)}${bundlePaths.wasm}`;
  log.info({ url, source }, 'listening');
  return {
    url,
    compiled: () => offered.count,
    waiting: () => waiting.wasm.size + waiting.rego.size,
    close,
  };
}

/** A thread that compiles and signs; `onSigned` is told of each bundle, in one form after the other. */
function startCompiler(workerData: CompilerData, onSigned: (signed: Signed) => void): Worker {
  const worker = new Worker(new URL('./compiler.ts', import.meta.url), {
    workerData,
    name: 'grantgate-compiler',
  });
  worker.on('message', (message: { kind: string }) => {
    if (message.kind === 'signed') onSigned(message as Signed);
  });
  return worker;
}
