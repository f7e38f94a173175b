import type { Logger } from 'pino';
import { WorkerError } from './workerError.ts';
import type { WorkerSlot } from './workerSlot.ts';

type Options = {
  slots: readonly Pick<WorkerSlot, 'number' | 'worker' | 'state' | 'counter' | 'start' | 'stop'>[];
  /** Throws when no worker could be started as things stand. */
  assertStartable: () => void;
  /** Settles when a condition is met, or the time is up: then with false. */
  until: (met: () => boolean, ms: number) => Promise<boolean>;
  isClosing: () => boolean;
  onReplaced: () => void;
  log: Pick<Logger, 'info' | 'error'>;
};

/** Connections that are idle get this long to be told, with an answer, that they must be made anew. */
const lingerMs = 2000;
const readyMs = 60_000;

/**
 * Replaces one worker after the other; each has drained before the next one goes. Whoever asks while that is under way
 * is served by another round, which they share. The result never rejects.
 */
export function createRestart(options: Options): () => Promise<void> {
  const { isClosing, log } = options;
  let restarting: Promise<void> | null = null;
  let again = false;
  const rounds = async () => {
    do {
      again = false;
      await replaceAll(options).catch((error: unknown) =>
        log.error({ err: error }, 'restart stopped half way'),
      );
    } while (again && !isClosing());
    restarting = null;
  };
  return () => {
    if (restarting !== null) again = true;
    restarting ??= rounds();
    return restarting;
  };
}

async function replaceAll(options: Options): Promise<void> {
  const { slots, assertStartable, until, isClosing, onReplaced, log } = options;
  // A mistake in the file must not take the workers down one by one.
  assertStartable();
  log.info('restart: one worker after the other');
  for (const slot of slots) {
    if (isClosing()) return;
    const others = slots.filter((other) => other !== slot);
    // Never the last one that serves.
    await until(() => isClosing() || others.some(({ state }) => state === 'serving'), readyMs);
    const wasReady = slot.counter !== null;
    await slot.stop(lingerMs);
    if (isClosing()) return;
    onReplaced();
    await slot.start();
    if (wasReady && !(await until(() => slot.state === 'serving' || slot.worker === null, readyMs)))
      throw new WorkerError({ code: 'worker-not-ready', message: `worker ${slot.number} has no bundle` });
  }
  log.info('restarted');
}
