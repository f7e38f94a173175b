import type { Rate } from '../../bundle/format/rate.ts';
import { type Limit, nextAfter, owedFrom } from '../limits/limit.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';
import { shareOf } from './shareOf.ts';
import type { Part, Take, Taken } from './workerMessages.ts';

export type WorkerLimit = {
  limit: Limit;
  taken: (answers: readonly Taken[], nowMs: number) => void;
  /** Gives back the parts of these keys: from now on they are counted in common. */
  collect: (keys: readonly string[]) => Part[];
  /** Gives back every part of which something was taken, once all questions are answered. Nothing is counted after it. */
  returnAll: () => Promise<Part[]>;
};

type Waiting = { key: string; rate: Rate; done: (left: number | Promise<number>) => void };

/**
 * Counts by itself where it has been given its part of a key's rate, and otherwise asks the primary process: the
 * questions of one turn of the event loop go in one message. A part that is used up goes back with the next question. A
 * key that is over its limit needs no question until its wait is over.
 */
export function createWorkerLimit(workers: number, ask: (takes: Take[]) => void): WorkerLimit {
  /** When each part is whole again. */
  const parts = lruCache<number>(32 * MiB);
  /** Keys that are counted in common: each request of them is a question. */
  const common = lruCache<true>(16 * MiB);
  const untilMs = lruCache<number>(16 * MiB);
  const asked = new Map<number, Waiting>();
  /** Of keys that were asked about for the first time: what came since, and may need no question. */
  const queues = new Map<string, Waiting[]>();
  let batch: Take[] = [];
  let last = 0;
  let answered: (() => void) | null = null;

  const send = () => {
    const takes = batch;
    batch = [];
    ask(takes);
  };
  const put = (waiting: Waiting, owedMs: number | null) => {
    const { key, rate } = waiting;
    if (batch.length === 0) setImmediate(send);
    last += 1;
    asked.set(last, waiting);
    batch.push({ id: last, key, rate, owedMs });
  };
  const nameOf = (key: string, { count, periodMs }: Rate) => `${key} ${count} ${periodMs}`;

  const limit: Limit = (key, rate, nowMs) => {
    const partMs = parts.get(key);
    if (partMs !== undefined) {
      const share = shareOf(rate, workers);
      const fromMs = owedFrom(partMs, share, nowMs);
      if (nextAfter(fromMs, share, nowMs) <= 0) {
        const owedMs = fromMs + share.intervalMs;
        parts.set(key, owedMs);
        return leftBy(owedMs, rate, nowMs);
      }
      parts.delete(key);
    } else {
      const overMs = untilMs.get(nameOf(key, rate));
      if (overMs !== undefined && overMs > nowMs) return overMs - nowMs;
    }
    return new Promise((done) => {
      const waiting = { key, rate, done };
      if (common.has(key)) return put(waiting, partMs ?? null);
      const queue = queues.get(key);
      if (queue !== undefined) return void queue.push(waiting);
      queues.set(key, []);
      put(waiting, partMs ?? null);
    });
  };

  return {
    limit,
    taken(answers, nowMs) {
      for (const answer of answers) {
        const waiting = asked.get(answer.id);
        if (waiting === undefined) continue;
        asked.delete(answer.id);
        const { key, rate, done } = waiting;
        if ('waitMs' in answer) {
          common.set(key, true);
          if (answer.waitMs > 0) untilMs.set(nameOf(key, rate), nowMs + answer.waitMs);
          done(answer.waitMs);
        } else if (answer.owedMs !== null) {
          common.delete(key);
          parts.set(key, answer.owedMs);
          done(leftBy(answer.owedMs, rate, nowMs));
        } else if (parts.has(key)) done(limit(key, rate, nowMs));
        // It fell out of memory here.
        else put(waiting, 0);
        const queue = queues.get(key);
        queues.delete(key);
        for (const next of queue ?? []) next.done(limit(key, next.rate, nowMs));
      }
      if (asked.size === 0) answered?.();
    },
    collect: (keys) =>
      keys.map((key) => {
        const owedMs = parts.get(key) ?? 0;
        parts.delete(key);
        common.set(key, true);
        return [key, owedMs];
      }),
    async returnAll() {
      if (asked.size > 0)
        await new Promise<void>((done) => {
          answered = done;
        });
      return [...parts.entries()];
    },
  };
}

/** What is left for all, as `Limit` tells it, if the others have taken as much. */
const leftBy = (owedMs: number, { intervalMs, periodMs }: Rate, nowMs: number): number =>
  -Math.max(0, Math.floor((periodMs - (owedMs - nowMs)) / intervalMs + 1e-6));
