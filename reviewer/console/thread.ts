import { Worker } from 'node:worker_threads';
import type { Kind, Questions, ThreadReply, ThreadRequest } from './questions.ts';

/** What a thread could not do, in words for people. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
}

export type Thread = {
  ask<K extends Kind>(kind: K, asked: Questions[K]['asked']): Promise<Questions[K]['answer']>;
  close(): Promise<void>;
};

type Job = { resolve: (answer: never) => void; reject: (error: Error) => void };

/** How long what is under way may take to end. */
const graceMs = 5000;

/** A thread for what takes long, so that pages need not wait; started when it is first asked. */
export function openThread(): Thread {
  let worker: Worker | null = null;
  let last = 0;
  const jobs = new Map<number, Job>();
  const end = (why: string) => {
    worker = null;
    for (const { reject } of jobs.values()) reject(new ThreadError(why));
    jobs.clear();
  };
  const start = () => {
    const started = new Worker(new URL('./threadWorker.ts', import.meta.url), {
      name: 'grantgate-console',
      execArgv: [],
    });
    started.on('message', (reply: ThreadReply) => {
      const job = jobs.get(reply.id);
      jobs.delete(reply.id);
      if ('error' in reply) job?.reject(new ThreadError(reply.error));
      else job?.resolve(reply.answer as never);
    });
    started.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
    started.on('exit', () => end('the thread that worked on it has ended'));
    return started;
  };
  return {
    ask(kind, asked) {
      worker ??= start();
      const to = worker;
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        jobs.set(id, { resolve, reject });
        to.postMessage({ id, kind, asked } satisfies ThreadRequest);
      });
    },
    async close() {
      const ending = worker;
      if (ending === null) return;
      const ended = new Promise((done) => ending.once('exit', done));
      ending.postMessage({ kind: 'close' } satisfies ThreadRequest);
      const timer = setTimeout(() => void ending.terminate(), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
