import { Worker } from 'node:worker_threads';
import { postError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';
import type { LoaderData, LoaderRequest } from './openLoader.ts';

/** One loader, as long as no other has taken its place: what is sent to a replaced one goes nowhere. */
export type LoaderTurn = { isCurrent: () => boolean; send: (request: LoaderRequest) => void };

export type LoaderThread = {
  running: () => boolean;
  send: (request: LoaderRequest) => void;
  close: () => Promise<void>;
};

/** The thread, as far as it is worked with here. */
export type LoaderWorker = {
  on(event: 'message', listener: (message: LoaderMessage) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  once(event: 'exit', listener: () => void): unknown;
  postMessage(request: LoaderRequest): void;
  terminate(): Promise<unknown>;
};

type Options = {
  /** What a loader is handed when it starts. */
  data: () => LoaderData;
  /** A look that takes longer means that the loader hangs. */
  lookTimeoutMs: number;
  startWorker?: ((data: LoaderData) => LoaderWorker) | undefined;
  onMessage: (message: LoaderMessage, turn: LoaderTurn) => void;
  /** The loader crashed or hung; unless all is closing, another one follows. */
  onReplaced: (code: string, message: string) => void;
};

/** Keeps a loader thread running: one that crashes or hangs is replaced, later each time. */
export function startLoaderThread(options: Options): LoaderThread {
  const { data, lookTimeoutMs, startWorker = startLoader, onMessage, onReplaced } = options;
  let worker: LoaderWorker | null = null;
  let crashes = 0;
  let closing = false;
  let restarting: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;

  const watch = ({ kind }: LoaderMessage) => {
    if (kind === 'attempt') {
      clearTimeout(watchdog);
      watchdog = setTimeout(replace, lookTimeoutMs, 'loader-hung', 'the loader thread did not answer');
      watchdog.unref();
    } else if (kind === 'done') {
      clearTimeout(watchdog);
      crashes = 0;
    }
  };

  const start = () => {
    const mine = startWorker(data());
    worker = mine;
    const turn: LoaderTurn = {
      isCurrent: () => worker === mine,
      send: (request) => {
        if (worker === mine) mine.postMessage(request);
      },
    };
    mine.on('message', (message: LoaderMessage) => {
      // What a replaced loader still had to say is out of date.
      if (worker !== mine) return;
      watch(message);
      onMessage(message, turn);
    });
    mine.on('error', (error) => {
      if (worker === mine) replace('loader-crashed', `the loader thread failed: ${postError(error).message}`);
    });
    mine.on('exit', () => {
      if (worker === mine) replace('loader-crashed', 'the loader thread ended');
    });
  };

  const replace = (code: string, message: string) => {
    const old = worker;
    worker = null;
    clearTimeout(watchdog);
    void old?.terminate();
    onReplaced(code, message);
    if (closing) return;
    crashes += 1;
    restarting = setTimeout(
      start,
      Math.min(30_000, 250 * 2 ** Math.min(crashes, 10)) * (0.8 + Math.random() * 0.4),
    );
  };

  start();
  return {
    running: () => worker !== null,
    send: (request) => worker?.postMessage(request),
    async close() {
      closing = true;
      clearTimeout(restarting);
      const old = worker;
      if (old !== null) {
        const gone = new Promise<void>((resolve) => old.once('exit', () => resolve()));
        worker = null;
        old.postMessage({ kind: 'close' } satisfies LoaderRequest);
        const timer = setTimeout(() => void old.terminate(), 4000);
        await gone;
        clearTimeout(timer);
      }
      clearTimeout(watchdog);
    },
  };
}

function startLoader(workerData: LoaderData): Worker {
  return new Worker(new URL('./loader.ts', import.meta.url), {
    workerData,
    name: 'grantgate-loader',
    // What it makes is large or soon garbage; V8 would keep tens of megabytes at hand for more.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
}
