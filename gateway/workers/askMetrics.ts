import type { Worker } from 'node:cluster';
import type { ToWorker } from './workerMessages.ts';

/** One that is busy or gone is told by what it said last. */
const patienceMs = 2000;

/** Asks workers for their metrics; `ask` settles when each has answered, and has been told of by `answered`, or is waited for no more. */
export function createAskMetrics(tell: (worker: Worker, message: ToWorker) => void) {
  const questions = new Map<number, () => void>();
  let last = 0;
  const askOne = async (worker: Worker) => {
    last += 1;
    const id = last;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, patienceMs);
      questions.set(id, () => {
        clearTimeout(timer);
        done();
      });
      tell(worker, { kind: 'metrics', id });
    });
    questions.delete(id);
  };
  return {
    ask: (workers: readonly Worker[]) => Promise.all(workers.map(askOne)),
    answered: (id: number | null) => questions.get(id ?? -1)?.(),
  };
}
