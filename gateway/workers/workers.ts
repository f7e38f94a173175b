import type { Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertChangeable } from '../config/assertChangeable.ts';
import { checkPlaces } from '../config/checkPlaces.ts';
import { type GatewayConfig, readConfig } from '../config/config.ts';
import { listen, urlOf } from '../http/listen.ts';
import { createLog } from '../log/createLog.ts';
import { elapsed } from '../memory/elapsed.ts';
import { createAskMetrics } from './askMetrics.ts';
import { createChanges } from './changes.ts';
import { createCommonLimit } from './commonLimit.ts';
import { createMergedMetrics } from './mergedMetrics.ts';
import { createRestart } from './restart.ts';
import { assertVersion, installedVersion } from './version.ts';
import type { MetricsJson, ToWorker, WorkerData } from './workerMessages.ts';
import { createWorkerSlot, type Said, states, type WorkerSlot } from './workerSlot.ts';
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

type Options = { file: string; config: GatewayConfig; workers: number };

/**
 * Forks the workers and looks after them; requests never come to this process. `file` is the path of gateway.yaml:
 * every worker reads it when it starts. Throws what the first worker cannot start for.
 */
export async function serveWorkers({ file, config, workers }: Options): Promise<Workers> {
  const log = createLog(config.log, { instance: config.decisions.instance });
  const onFailure = (what: string) => (error: unknown) => log.error({ err: error }, what);
  const sockets = mkdtempSync(join(tmpdir(), 'grantgate-workers-'));
  const socketOf = (number: number) => join(sockets, `w${number}.sock`);
  const version = installedVersion();
  let url = '';
  /** As workers that start now read it. */
  let current = config;
  let closing: Promise<void> | null = null;

  const workerOf = (id: number) => slots.find(({ worker }) => worker?.id === id);
  const limit = createCommonLimit({
    workers,
    running: () => slots.flatMap(({ worker }) => worker?.id ?? []),
    answer: (id, answers) => workerOf(id)?.tell({ kind: 'taken', answers }),
    collect: (id, round, keys) => workerOf(id)?.tell({ kind: 'collect', round, keys }),
  });
  const merged = createMergedMetrics(() => counted(slots));
  const metrics = createAskMetrics((worker, message) => workerOf(worker.id)?.tell(message));
  const changes = createChanges();

  const hear = (message: Said, { id }: Worker) => {
    switch (message.kind) {
      case 'listening':
        url = message.url;
        return;
      case 'drained':
        limit.returned(id, message.parts, elapsed());
        return workerOf(id)?.tell({ kind: 'end' });
      case 'take':
        return limit.take(id, message.takes, elapsed());
      case 'collected':
        return limit.collected(id, message.round, message.parts, elapsed());
      case 'metrics':
        merged.update(id, message.metrics as MetricsJson);
        return metrics.answered(message.id);
      default:
        return message satisfies never;
    }
  };
  const warnOfNode = warnOnce(() =>
    log.warn('this Node hands connections to workers in a way of its own: some may hang when a worker ends'),
  );
  const slots: readonly WorkerSlot[] = Array.from({ length: workers }, (_, at) =>
    createWorkerSlot(at + 1, {
      data: (): WorkerData => ({
        version,
        config: file,
        slot: at + 1,
        workers,
        admin: socketOf(at + 1),
        early: url === '',
      }),
      drainMs: () => current.limits.drain_timeout,
      onSaid: hear,
      onChanged: changes.happened,
      onEnded: ({ id }) => {
        merged.retire(id);
        limit.ended(id, elapsed());
      },
      isNeeded: () => url !== '' && closing === null,
      onReplaced: merged.restarted,
      onUnseen: warnOfNode,
      log,
    }),
  );
  const tellAll = (message: ToWorker) => {
    for (const slot of slots) slot.tell(message);
  };
  const restart = createRestart({
    slots,
    assertStartable: () => {
      assertVersion(version);
      const next = readConfig(file);
      // Else some would go by it and others not: new workers forget which release was the last one where `state` lies elsewhere.
      assertChangeable(current, next);
      checkPlaces(next, process.env, false);
      current = next;
    },
    until: changes.until,
    isClosing: () => closing !== null,
    onReplaced: () => merged.restarted('planned'),
    log,
  });
  const admin = createWorkersAdmin({
    workers: () =>
      slots
        .filter(({ state }) => state === 'serving')
        .map(({ number, counter }) => ({
          instance: `${config.decisions.instance}-w${number}`,
          socket: socketOf(number),
          counter: counter ?? -1,
        })),
    allServe: () => slots.every(({ state, counter }) => state === 'serving' && counter !== null),
    async metrics() {
      const asked = slots.filter(({ state }) => state === 'serving' || state === 'stopping');
      await metrics.ask(asked.flatMap(({ worker }) => worker ?? []));
      return merged.text();
    },
    onFailure: onFailure('admin request failed'),
  });

  const shut = async () => {
    await Promise.all(slots.map((slot) => slot.stop(0)));
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
    await listen(admin, config.admin, onFailure('listener failed'), 'admin');
    // The first one finds out whether the configuration can be served at all.
    for (const slot of slots) await slot.start();
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

function counted(slots: readonly Pick<WorkerSlot, 'state'>[]): Record<string, number> {
  return Object.fromEntries(
    states.map((state) => [state, slots.filter((slot) => slot.state === state).length]),
  );
}

function warnOnce(warn: () => void): () => void {
  let warned = false;
  return () => {
    if (!warned) warn();
    warned = true;
  };
}
