import cluster, { type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GatewayConfig, readConfig } from '../config/config.ts';
import { listen, urlOf } from '../http/listen.ts';
import { createLog } from '../log/createLog.ts';
import { createAskMetrics } from './askMetrics.ts';
import { closeLostConnections } from './closeLostConnections.ts';
import { createCommonLimit } from './commonLimit.ts';
import { createMergedMetrics } from './mergedMetrics.ts';
import { WorkerError } from './workerError.ts';
import {
  type FromWorker,
  type MetricsJson,
  type Seat,
  seatVariable,
  type ToWorker,
} from './workerMessages.ts';
import { createWorkersAdmin } from './workersAdmin.ts';

/** A gateway of several processes that share its port. */
export type Workers = {
  url: string;
  admin: string;
  /** Replaces one worker after the other; each has drained before the next one goes. Never rejects. */
  restart: () => Promise<void>;
  /** As a gateway's: makes the next key of assertions. */
  rotate: () => void;
  /** The same: opens the file of the access log anew. */
  reopen: () => void;
  close: () => Promise<void>;
};

type State = 'starting' | 'serving' | 'stopping' | 'down';
type Slot = {
  readonly number: number;
  worker: Worker | null;
  state: State;
  /** Null until a bundle is in force. */
  counter: number | null;
  startedAt: number;
  crashes: number;
  timer: NodeJS.Timeout | undefined;
};

type Options = { file: string; config: GatewayConfig; workers: number };

/** Connections that are idle get this long to be told, with an answer, that they must be made anew. */
const lingerMs = 2000;
const readyMs = 60_000;

/**
 * Forks the workers and looks after them; requests never come to this process. `file` is the path of gateway.yaml:
 * every worker reads it when it starts. Throws what the first worker cannot start for.
 */
export async function serveWorkers({ file, config, workers }: Options): Promise<Workers> {
  const log = createLog(config.log, { instance: config.decisions.instance });
  let warned = false;
  const warnOnce = () => {
    if (!warned)
      log.warn(
        'this Node hands connections to workers in a way of its own: some may hang when a worker ends',
      );
    warned = true;
  };
  const sockets = mkdtempSync(join(tmpdir(), 'grantgate-workers-'));
  const slots = Array.from({ length: workers }, (_, at): Slot => {
    const fresh = { worker: null, counter: null, startedAt: 0, crashes: 0, timer: undefined };
    return { ...fresh, number: at + 1, state: 'down' };
  });
  const merged = createMergedMetrics(() => {
    const counts: Record<State, number> = { starting: 0, serving: 0, stopping: 0, down: 0 };
    for (const { state } of slots) counts[state] += 1;
    return counts;
  });
  let url = '';
  let closing: Promise<void> | null = null;
  let restarting: Promise<void> | null = null;
  let again = false;
  let changed = () => {};

  const socketOf = ({ number }: Slot) => join(sockets, `w${number}.sock`);
  const instanceOf = ({ number }: Slot) => `${config.decisions.instance}-w${number}`;
  const tell = (worker: Worker | null | undefined, message: ToWorker) => {
    if (worker?.isConnected()) worker.send(message);
  };
  const tellAll = (message: ToWorker) => {
    for (const { worker } of slots) tell(worker, message);
  };
  const metrics = createAskMetrics(tell);

  const tellOne = (id: number, message: ToWorker) =>
    tell(slots.find(({ worker }) => worker?.id === id)?.worker, message);
  const limit = createCommonLimit({
    workers,
    running: () => slots.flatMap(({ worker }) => (worker === null ? [] : [worker.id])),
    answer: (id, answers) => tellOne(id, { kind: 'taken', answers }),
    collect: (id, round, keys) => tellOne(id, { kind: 'collect', round, keys }),
  });

  cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker.ts', import.meta.url)), args: [] });

  /** Settles when the worker listens, or will with its first bundle; rejects when it ends before that. */
  const start = (slot: Slot): Promise<void> => {
    const { number } = slot;
    const seat: Seat = { config: file, slot: number, workers, admin: socketOf(slot), early: url === '' };
    rmSync(seat.admin, { force: true });
    const worker = cluster.fork({ [seatVariable]: JSON.stringify(seat) });
    closeLostConnections(worker, warnOnce);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    Object.assign(slot, { worker, state: 'starting', counter: null, startedAt: performance.now() });
    let failure: WorkerError | null = null;
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'seated':
          return resolve();
        case 'listening':
          url = message.url;
          slot.state = 'serving';
          resolve();
          return changed();
        case 'revision':
          slot.counter = message.counter;
          return changed();
        case 'drained':
          limit.returned(worker.id, message.parts, Date.now());
          return tell(worker, { kind: 'end' });
        case 'failed':
          failure = new WorkerError(message);
          return;
        case 'take':
          return limit.take(worker.id, message.takes, Date.now());
        case 'collected':
          return limit.collected(worker.id, message.round, message.parts, Date.now());
        case 'metrics':
          merged.update(worker.id, message.metrics as MetricsJson);
          return metrics.answered(message.id);
        default:
          message satisfies never;
      }
    });
    worker.on('error', (error) => log.error({ err: error, worker: number }, 'worker unreachable'));
    worker.once('exit', (code, signal) => {
      merged.retire(worker.id);
      limit.ended(worker.id, Date.now());
      const planned = slot.state === 'stopping';
      Object.assign(slot, { worker: null, state: 'down', counter: null });
      reject(failure ?? new WorkerError({ code: 'worker-failed', message: `worker ${number} ended early` }));
      changed();
      if (planned || url === '') return;
      log.error({ worker: number, code, signal, err: failure }, 'worker ended');
      replaceLater(slot, signal ?? 'exit');
    });
    return promise;
  };

  const replaceLater = (slot: Slot, cause: string) => {
    if (closing !== null) return;
    slot.crashes = performance.now() - slot.startedAt > 30_000 ? 0 : slot.crashes + 1;
    const delay = slot.crashes === 0 ? 0 : Math.min(30_000, 100 * 2 ** Math.min(slot.crashes, 10));
    slot.timer = setTimeout(() => {
      merged.restarted(cause);
      // Its end brings us back here.
      start(slot).catch(() => undefined);
    }, delay);
  };

  const until = async (met: () => boolean, ms: number): Promise<boolean> => {
    const end = performance.now() + ms;
    while (!met()) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, left);
        changed = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
    return true;
  };

  /** Settles when the worker has ended; one that does not is killed. */
  const stop = (slot: Slot, linger: number): Promise<void> => {
    clearTimeout(slot.timer);
    const { worker } = slot;
    if (worker === null) return Promise.resolve();
    slot.state = 'stopping';
    return new Promise((done) => {
      const patience = config.limits.drain_timeout + linger + 10_000;
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), patience);
      worker.once('exit', () => {
        clearTimeout(timer);
        done();
      });
      tell(worker, { kind: 'stop', lingerMs: linger });
    });
  };

  const replaceAll = async () => {
    // A mistake in the file must not take the workers down one by one.
    readConfig(file);
    log.info('restart: one worker after the other');
    for (const slot of slots) {
      if (closing !== null) return;
      const others = slots.filter((other) => other !== slot);
      // Never the last one that serves.
      await until(() => closing !== null || others.some(({ state }) => state === 'serving'), readyMs);
      const wasReady = slot.counter !== null;
      await stop(slot, lingerMs);
      if (closing !== null) return;
      merged.restarted('planned');
      await start(slot);
      if (wasReady && !(await until(() => slot.state === 'serving' || slot.worker === null, readyMs)))
        throw new WorkerError({ code: 'worker-not-ready', message: `worker ${slot.number} has no bundle` });
    }
    log.info('restarted');
  };

  const restart = (): Promise<void> => {
    if (restarting !== null) {
      again = true;
      return restarting;
    }
    restarting = (async () => {
      do {
        again = false;
        await replaceAll().catch((error: unknown) => log.error({ err: error }, 'restart stopped half way'));
      } while (again && closing === null);
      restarting = null;
    })();
    return restarting;
  };

  const gather = async () => {
    const asked = slots.filter(({ state }) => state === 'serving' || state === 'stopping');
    await metrics.ask(asked.flatMap(({ worker }) => worker ?? []));
    return merged.text();
  };

  const admin = createWorkersAdmin({
    workers: () =>
      slots
        .filter(({ state }) => state === 'serving')
        .map((slot) => ({ instance: instanceOf(slot), socket: socketOf(slot), counter: slot.counter ?? -1 })),
    allServe: () => slots.every(({ state, counter }) => state === 'serving' && counter !== null),
    metrics: gather,
    onFailure: (error) => log.error({ err: error }, 'admin request failed'),
  });

  const shut = async () => {
    await Promise.all(slots.map((slot) => stop(slot, 0)));
    admin.closeAllConnections();
    if (admin.listening) await new Promise((done) => admin.close(done));
    rmSync(sockets, { recursive: true, force: true });
    log.info('stopped');
    log.flush();
  };
  const close = () => {
    closing ??= shut();
    return closing;
  };

  try {
    await listen(admin, config.admin, (error) => log.error({ err: error }, 'listener failed'), 'admin');
    // The first one finds out whether the configuration can be served at all.
    for (const slot of slots) await start(slot);
  } catch (error) {
    await close();
    throw error;
  }
  log.info({ url, admin: urlOf(admin), workers }, 'all workers listen');
  return {
    url,
    admin: urlOf(admin),
    restart,
    rotate: () => tellAll({ kind: 'rotate' }),
    reopen: () => tellAll({ kind: 'reopen' }),
    close,
  };
}
