import type { Rate } from '../../bundle/format/rate.ts';
import type { Limit } from '../limits/limit.ts';
import { lruCache, MiB } from '../memory/lruCache.ts';

type Take = [key: string, rate: Rate, now: number];
export type WorkerLimit = { limit: Limit; taken: (id: number, waits: readonly number[]) => void };

/**
 * Asks the primary process, which counts for all workers; the questions of one turn of the event loop go in one
 * message. A key that is over its limit needs no further question until its wait is over.
 */
export function createWorkerLimit(ask: (id: number, takes: Take[]) => void): WorkerLimit {
  const asked = new Map<number, ((wait: number) => void)[]>();
  const until = lruCache<number>(16 * MiB);
  let batch: { takes: Take[]; settle: ((wait: number) => void)[] } | null = null;
  let id = 0;

  const send = () => {
    if (batch === null) return;
    const { takes, settle } = batch;
    batch = null;
    id += 1;
    asked.set(id, settle);
    ask(id, takes);
  };
  return {
    limit(key, rate, now) {
      const name = `${key} ${rate.count} ${rate.period}`;
      const over = until.get(name);
      if (over !== undefined && over > now) return over - now;
      if (batch === null) {
        batch = { takes: [], settle: [] };
        setImmediate(send);
      }
      const { takes, settle } = batch;
      takes.push([key, rate, now]);
      return new Promise((done) => {
        settle.push((wait) => {
          if (wait > 0) until.set(name, now + wait);
          done(wait);
        });
      });
    },
    taken(answered, waits) {
      const settle = asked.get(answered) ?? [];
      asked.delete(answered);
      for (const [at, done] of settle.entries()) done(waits[at] ?? 0);
    },
  };
}
