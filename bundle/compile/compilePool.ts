import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type ApiScope, type CompiledFile, compileAccess } from './compileAccess.ts';
import type { CompileReply, CompileRequest } from './compileWorker.ts';
import { decodeFragment } from './fragment.ts';

/** Compiles access files. */
export type CompilePool = {
  compile: (bytes: Buffer, file: string, scope: ApiScope) => Promise<CompiledFile>;
  /** How many files may be under way before the next one has to wait. */
  width: number;
  close: () => Promise<void>;
};

/** A thread takes a while to start; less than this is done sooner without. */
const worthThreads = 2 * 1024 * 1024;

/** Opens a pool for files of so many bytes in all. */
export function openCompilePool(bytes: number): CompilePool {
  if (bytes < worthThreads)
    return {
      compile: async (content, file, scope) => compileAccess(content, file, scope),
      width: 1,
      close: async () => {},
    };
  type Job = { resolve: (compiled: CompiledFile) => void; reject: (error: unknown) => void };
  const jobs = new Map<number, Job & { worker: number }>();
  let last = 0;
  const count = Math.max(1, Math.min(8, availableParallelism()));
  const busy = new Array<number>(count).fill(0);
  const workers = Array.from({ length: count }, (_, number) => {
    const worker = new Worker(new URL('./compileWorker.ts', import.meta.url), {
      name: 'grantgate-compile',
      execArgv: [],
    });
    worker.on('message', ({ id, fragment: encoded, refused }: CompileReply) => {
      const job = jobs.get(id);
      jobs.delete(id);
      busy[number] = (busy[number] ?? 1) - 1;
      const fragment = decodeFragment(Buffer.from(encoded));
      if (fragment === null) job?.reject(new Error('a fragment was damaged between two threads'));
      else job?.resolve({ fragment, refused });
    });
    worker.on('error', (error) => {
      for (const [id, job] of jobs)
        if (job.worker === number) {
          jobs.delete(id);
          job.reject(error);
        }
    });
    return worker;
  });
  return {
    width: count * 4,
    compile(content, file, scope) {
      const number = busy.indexOf(Math.min(...busy));
      busy[number] = (busy[number] ?? 0) + 1;
      last += 1;
      const id = last;
      // A copy of its own: the blob is a part of what Git wrote at once.
      const bytes = new Uint8Array(content).buffer;
      return new Promise((resolve, reject) => {
        jobs.set(id, { resolve, reject, worker: number });
        workers[number]?.postMessage({ id, bytes, file, scope } satisfies CompileRequest, [bytes]);
      });
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
