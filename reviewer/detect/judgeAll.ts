import { stopIfAborted } from '../reviewError.ts';
import type { JudgePool } from './judgePool.ts';

/** So many are asked about together: few enough that what is told of them is forgotten as soon as they are judged. */
const atOnce = 1_000;

type Answers = Awaited<ReturnType<JudgePool['all']>>;
type Facts = { facts: { grant: { id: string } } };

type Judging<One, Told extends Facts> = {
  pool: JudgePool;
  /** What the policies are told of one. */
  tell(one: One): Told;
  /** Takes what came of each, in their order. */
  take(one: One, told: Told, answer: Answers[number]): void;
  signal: AbortSignal | undefined;
};

/** Asks about many at once. The next ones are got ready while these are judged. Throws ReviewError `aborted`. */
export async function judgeAll<One, Told extends Facts>(
  many: readonly One[],
  { pool, tell, take, signal }: Judging<One, Told>,
): Promise<void> {
  const asking = (some: readonly One[]) => {
    stopIfAborted(signal);
    const told = some.map(tell);
    const answers = pool.all(told.map(({ facts }) => ({ grant: facts.grant.id, facts })));
    // Whether it failed is asked at its turn, if that comes.
    answers.catch(() => {});
    return { some, told, answers };
  };
  const takeAll = async ({ some, told, answers }: ReturnType<typeof asking>) => {
    for (const [at, answer] of (await answers).entries()) {
      const [one, its] = [some[at], told[at]];
      if (one !== undefined && its !== undefined) take(one, its, answer);
    }
  };
  let before: ReturnType<typeof asking> | null = null;
  for (let at = 0; at < many.length; at += atOnce) {
    const next = asking(many.slice(at, at + atOnce));
    if (before !== null) await takeAll(before);
    before = next;
  }
  if (before !== null) await takeAll(before);
}
