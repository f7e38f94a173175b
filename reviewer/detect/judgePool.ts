import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ReviewError } from '../reviewError.ts';
import { createJudge, type Judge, type Judgement } from './judge.ts';
import type { JudgeReply, JudgeRequest } from './judgeWorker.ts';

/** A grant's facts. */
export type Question = { grant: string; facts: unknown };

export type JudgePool = {
  /** Asks here and now. */
  judge: Judge;
  /** Asks about many, in their order; in the place of what throws `policy-undefined` stands the error. */
  all(questions: readonly Question[]): Promise<(Judgement | ReviewError)[]>;
  close(): Promise<void>;
};

/** A thread takes a while to start; fewer grants than this are judged sooner without. */
const worthThreads = 5_000;
/** Questions that one thread gets at a time. */
const portion = 250;

/** Opens a pool to judge so many grants. */
export function openJudgePool(
  module: WebAssembly.Module,
  grants: number,
  threads = grants < worthThreads ? 0 : Math.max(1, Math.min(8, availableParallelism())),
): JudgePool {
  const judge = createJudge(module);
  const here = ({ grant, facts }: Question) => {
    try {
      return judge(grant, facts);
    } catch (error) {
      if (error instanceof ReviewError) return error;
      throw error;
    }
  };
  if (threads === 0) return { judge, all: async (questions) => questions.map(here), close: async () => {} };

  type Job = { resolve: (answers: JudgeReply['answers']) => void; reject: (error: unknown) => void };
  const pools = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./judgeWorker.ts', import.meta.url), {
      name: 'grantgate-judge',
      execArgv: [],
      workerData: module,
    });
    const jobs = new Map<number, Job>();
    let ended: Error | null = null;
    const end = (error: Error) => {
      ended ??= error;
      for (const { reject } of jobs.values()) reject(ended);
      jobs.clear();
    };
    worker.on('message', ({ id, answers }: JudgeReply) => {
      jobs.get(id)?.resolve(answers);
      jobs.delete(id);
    });
    worker.on('error', end);
    worker.on('exit', () => end(new Error('a thread that judges has ended')));
    return {
      worker,
      jobs,
      ask: (request: JudgeRequest) =>
        new Promise<JudgeReply['answers']>((resolve, reject) => {
          if (ended !== null) return reject(ended);
          jobs.set(request.id, { resolve, reject });
          worker.postMessage(request);
        }),
    };
  });
  let last = 0;
  const ask = async (questions: readonly Question[]) => {
    const asked = questions.map(({ grant, facts }) => ({ grant, facts: JSON.stringify(facts) }));
    const [idlest] = [...pools].sort((a, b) => a.jobs.size - b.jobs.size);
    last += 1;
    const answers = await idlest?.ask({ id: last, asked });
    return (answers ?? []).map((answer) =>
      'refused' in answer ? new ReviewError('policy-undefined', answer.refused) : answer,
    );
  };
  return {
    judge,
    async all(questions) {
      // Of one alone a thread would only be waited for.
      if (questions.length < 2) return questions.map(here);
      const portions: Promise<(Judgement | ReviewError)[]>[] = [];
      for (let at = 0; at < questions.length; at += portion)
        portions.push(ask(questions.slice(at, at + portion)));
      return (await Promise.all(portions)).flat();
    },
    async close() {
      await Promise.all(pools.map(({ worker }) => worker.terminate()));
    },
  };
}
