import cluster, { type Worker } from 'node:cluster';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { closeLostConnections } from './closeLostConnections.ts';
import { WorkerError } from './workerError.ts';
import { type FromWorker, type ToWorker, type WorkerData, workerVariable } from './workerMessages.ts';

export const states = ['starting', 'serving', 'stopping', 'down'] as const;

/** One of the workers that there are to be. Whoever ends in it unbidden is replaced: at once, or later where it has not served for long. */
export type WorkerSlot = {
  /** From 1. */
  readonly number: number;
  readonly worker: Worker | null;
  readonly state: (typeof states)[number];
  /** Of the release that is in force there; null until there is one. */
  readonly counter: number | null;
  /** Settles when its worker listens, or will with its first bundle. Rejects with WorkerError when it ends before that. */
  start(): Promise<void>;
  /** Settles when its worker has ended; one that does not is killed. */
  stop(lingerMs: number): Promise<void>;
  tell(message: ToWorker): void;
};

/** What is not about the slot itself. */
export type Said = Exclude<FromWorker, { kind: 'started' | 'revision' | 'failed' }>;

type Options = {
  data: () => WorkerData;
  /** How long requests under way may take to end in a worker that starts now. */
  drainMs: () => number;
  onSaid: (message: Said, worker: Worker) => void;
  /** It is in another state, or at another revision. */
  onChanged: () => void;
  onEnded: (worker: Worker) => void;
  /** Whether a worker that has ended is to be replaced. */
  isNeeded: () => boolean;
  onReplaced: (cause: string) => void;
  /** Node's messages about connections were not seen. */
  onUnseen: () => void;
  log: Pick<Logger, 'error'>;
};

/** Whoever has served for so long did not end because of how it was started. */
const steadyMs = 30_000;
const longestPauseMs = 30_000;
/** Beside what it needs to drain, what a worker may take to end. */
const patienceMs = 10_000;

export function createWorkerSlot(number: number, options: Options): WorkerSlot {
  const { data, drainMs, onSaid, onChanged, onEnded, isNeeded, onReplaced, onUnseen, log } = options;
  let worker: Worker | null = null;
  let state: WorkerSlot['state'] = 'down';
  let counter: number | null = null;
  let startedMs = 0;
  let drainingMs = 0;
  let crashes = 0;
  let replacing: NodeJS.Timeout | undefined;

  const start = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const started = fork(data(), onUnseen);
    [worker, state, counter, startedMs] = [started, 'starting', null, performance.now()];
    drainingMs = drainMs();
    let failure: WorkerError | null = null;
    started.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'started':
          return resolve();
        case 'revision':
          counter = message.counter;
          return onChanged();
        case 'failed':
          failure = new WorkerError(message);
          return;
        case 'listening':
          // Told to stop just as it said so, it is not to be replaced when it ends: somebody else starts the next one.
          if (state === 'starting') state = 'serving';
          onSaid(message, started);
          resolve();
          return onChanged();
        default:
          return onSaid(message, started);
      }
    });
    started.on('error', (error) => log.error({ err: error, worker: number }, 'worker unreachable'));
    started.once('exit', (code, signal) => {
      const planned = state === 'stopping';
      [worker, state, counter] = [null, 'down', null];
      onEnded(started);
      reject(failure ?? new WorkerError({ code: 'worker-failed', message: `worker ${number} ended early` }));
      onChanged();
      if (planned || !isNeeded()) return;
      log.error({ worker: number, code, signal, err: failure }, 'worker ended');
      replaceLater(signal ?? 'exit');
    });
    return promise;
  };

  const replaceLater = (cause: string) => {
    crashes = performance.now() - startedMs > steadyMs ? 0 : crashes + 1;
    const pauseMs = crashes === 0 ? 0 : Math.min(longestPauseMs, 100 * 2 ** Math.min(crashes, 10));
    replacing = setTimeout(() => {
      onReplaced(cause);
      // Its end brings us back here.
      start().catch(() => undefined);
    }, pauseMs);
  };

  const tell = (message: ToWorker) => {
    if (worker?.isConnected()) worker.send(message);
  };

  return {
    number,
    get worker() {
      return worker;
    },
    get state() {
      return state;
    },
    get counter() {
      return counter;
    },
    start,
    stop(lingerMs) {
      clearTimeout(replacing);
      const stopped = worker;
      if (stopped === null) return Promise.resolve();
      state = 'stopping';
      return new Promise((done) => {
        const timer = setTimeout(() => stopped.process.kill('SIGKILL'), drainingMs + lingerMs + patienceMs);
        stopped.once('exit', () => {
          clearTimeout(timer);
          done();
        });
        tell({ kind: 'stop', lingerMs });
      });
    },
    tell,
  };
}

function fork(data: WorkerData, onUnseen: () => void): Worker {
  rmSync(data.admin, { force: true });
  cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker.ts', import.meta.url)), args: [] });
  const worker = cluster.fork({ [workerVariable]: JSON.stringify(data) });
  closeLostConnections(worker, onUnseen);
  return worker;
}
