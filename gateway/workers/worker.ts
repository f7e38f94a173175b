// One of several gateway processes that share a port. It is started, told to stop and replaced by workers.ts.
import { join } from 'node:path';
import { type GatewayConfig, readConfig } from '../config/config.ts';
import { elapsed } from '../memory/elapsed.ts';
import { type Gateway, serve } from '../serve.ts';
import { assertVersion } from './version.ts';
import { createWorkerLimit } from './workerLimit.ts';
import { type FromWorker, type ToWorker, type WorkerData, workerVariable } from './workerMessages.ts';

const data = JSON.parse(process.env[workerVariable] ?? 'null') as WorkerData | null;
if (data === null) throw new Error('worker.ts runs as a worker process');
const { slot, workers, admin, early } = data;

const send = (message: FromWorker, sent?: () => void) => {
  if (process.connected) process.send?.(message, undefined, {}, sent);
  else sent?.();
};
const counting = createWorkerLimit(workers, (takes) => send({ kind: 'take', takes }));

/** Of its own it has a name in records, its bundle's files and its part of what is counted per process. */
function own(config: GatewayConfig): GatewayConfig {
  const { state, decisions, limits } = config;
  return {
    ...config,
    state: join(state, `w${slot}`),
    decisions: { ...decisions, instance: `${decisions.instance}-w${slot}` },
    limits: { ...limits, concurrency: Math.max(1, Math.floor(limits.concurrency / workers)) },
  };
}

let gateway: Gateway | null = null;
let stopping = false;
const bundled = Promise.withResolvers<void>();
const ended = Promise.withResolvers<void>();
async function stop(lingerMs: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  await gateway?.close(lingerMs);
  // The primary may have sent us a connection just before it heard that we listen no more. Its next word comes after
  // that one, which Node has handed back by then; ended too early, its caller would wait for ever.
  send({ kind: 'drained', parts: process.connected ? await counting.returnAll() : [] });
  if (process.connected) await ended.promise;
  const metrics = (await gateway?.metrics()) ?? [];
  send({ kind: 'metrics', id: null, metrics }, () => process.exit(0));
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'taken') counting.taken(message.answers, elapsed());
  else if (message.kind === 'collect')
    send({ kind: 'collected', round: message.round, parts: counting.collect(message.keys) });
  else if (message.kind === 'stop') void stop(message.lingerMs);
  else if (message.kind === 'end') ended.resolve();
  else if (message.kind === 'rotate') gateway?.rotate();
  else if (message.kind === 'reopen') gateway?.reopen();
  else if (message.kind === 'metrics')
    void gateway?.metrics().then((metrics) => send({ kind: 'metrics', id: message.id, metrics }));
});
process.on('disconnect', () => ended.resolve());
// A terminal and some supervisors signal the whole group.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));
for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined);

try {
  assertVersion(data.version);
  const config = readConfig(data.config);
  gateway = await serve({
    config: own(config),
    worker: {
      sharedState: config.state,
      admin: { path: admin },
      limit: counting.limit,
      onSwap: ({ revision, counter }) => {
        send({ kind: 'revision', revision, counter });
        bundled.resolve();
      },
    },
  });
  if (!early) {
    send({ kind: 'started' });
    // A caller that came to this one before that would be turned away, though another worker can serve it.
    await bundled.promise;
  }
  const { url, decisionPoint } = await gateway.open();
  if (!stopping) send({ kind: 'listening', url, decisionPoint });
} catch (error) {
  const { code = 'worker-failed', message } = error as Error & { code?: string };
  send({ kind: 'failed', code, message }, () => process.exit(1));
}
