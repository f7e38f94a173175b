import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BackgroundReply, BackgroundRequest, Kind, Questions } from './questions.ts';

/** What the background process could not do, in words for people. */
export class BackgroundError extends Error {
  override readonly name = 'BackgroundError';
}

export type Background = {
  /** Throws BackgroundError, also once it was closed. */
  ask<K extends Kind>(kind: K, asked: Questions[K]['asked']): Promise<Questions[K]['answer']>;
  close(): Promise<void>;
};

type Job = { resolve: (answer: never) => void; reject: (error: Error) => void };

/** How long what is under way may take to end. */
const graceMs = 5000;

/**
 * A process for what takes long, so that pages need not wait; started when it is first asked. It is no thread: one that
 * is ended while DuckDB works in it takes the whole process down.
 */
export function openBackground(): Background {
  let child: ChildProcess | null = null;
  let closed = false;
  let last = 0;
  const jobs = new Map<number, Job>();
  const start = () => {
    const started = fork(fileURLToPath(new URL('./backgroundProcess.ts', import.meta.url)), [], {
      ...{ execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    });
    const end = (why: string) => {
      if (child === started) child = null;
      for (const { reject } of jobs.values()) reject(new BackgroundError(why));
      jobs.clear();
    };
    started.on('message', (reply: BackgroundReply) => {
      const job = jobs.get(reply.id);
      jobs.delete(reply.id);
      if ('error' in reply) job?.reject(new BackgroundError(reply.error));
      else job?.resolve(reply.answer as never);
    });
    started.on('error', (error) => end(error.message));
    started.on('exit', () => end('the process that worked on it has ended'));
    return started;
  };
  return {
    async ask(kind, asked) {
      // Whoever goes on to its next question while all is closing would start a process that nobody ends.
      if (closed) throw new BackgroundError('it was closed');
      child ??= start();
      const to = child;
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        jobs.set(id, { resolve, reject });
        to.send({ id, kind, asked } satisfies BackgroundRequest, (error) => {
          if (error === null) return;
          jobs.delete(id);
          reject(new BackgroundError(error.message));
        });
      });
    },
    async close() {
      closed = true;
      const ending = child;
      if (ending === null) return;
      const ended = new Promise((done) => ending.once('exit', done));
      if (ending.connected) ending.disconnect();
      const timer = setTimeout(() => void ending.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
