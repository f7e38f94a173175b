// A thread that judges grants for judgePool.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { ReviewError } from '../reviewError.ts';
import { createJudge, type Judgement } from './judge.ts';

/** Facts are JSON: a text is handed over in a fraction of the time that an object takes. */
export type JudgeRequest = { id: number; asked: readonly { grant: string; facts: string }[] };
export type JudgeReply = { id: number; answers: readonly (Judgement | { refused: string })[] };

const port = parentPort;
if (port === null || !(workerData instanceof WebAssembly.Module))
  throw new Error('judgeWorker.ts runs as a worker thread, with compiled policies');
const judge = createJudge(workerData);
const encoder = new TextEncoder();

const answer = ({ grant, facts }: JudgeRequest['asked'][number]) => {
  try {
    const bytes = encoder.encode(facts);
    return judge(grant, bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  } catch (error) {
    if (error instanceof ReviewError) return { refused: error.message };
    throw error;
  }
};

port.on('message', ({ id, asked }: JudgeRequest) => {
  port.postMessage({ id, answers: asked.map(answer) } satisfies JudgeReply);
});
