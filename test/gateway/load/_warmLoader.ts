// Loaders in one thread, also for the files that follow in the same process: what a thread loads when it starts, a quarter of
// a second of work, is loaded once. Threads of their own are started where one is what a test is about.
import { EventEmitter } from 'node:events';
import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker } from 'node:worker_threads';
import type { LoaderWorker } from '../../../gateway/load/loaderThread.ts';
import { type LoaderData, openLoader } from '../../../gateway/load/openLoader.ts';

let thread: Worker | null = null;

/** In place of a thread of its own: the same loader, behind a port of its own. */
export function startWarmLoader(data: LoaderData): LoaderWorker {
  thread ??= new Worker(new URL(import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 8 } });
  // Only what it is asked for keeps anything going.
  thread.unref();
  // Each of its loaders wants to know when it fails.
  thread.setMaxListeners(0);
  thread.once('exit', () => {
    thread = null;
  });
  const { port1, port2 } = new MessageChannel();
  const events = new EventEmitter();
  thread.once('error', (error) => events.emit('error', error));
  port1.on('message', (message) => events.emit('message', message));
  port1.once('close', () => events.emit('exit'));
  thread.postMessage({ port: port2, data }, [port2]);
  return Object.assign(events, {
    postMessage: (request: unknown) => port1.postMessage(request),
    terminate: async () => port1.close(),
  });
}

if (!isMainThread)
  parentPort?.on('message', ({ port, data }: { port: MessagePort; data: LoaderData }) =>
    openLoader(port, data),
  );
