import type { LoadError } from './loadError.ts';

/** What a look at the source came to, for whoever has asked for it. */
export type LookResult = { changed: boolean; revision: string };

type Waiting = { resolve: (result: LookResult) => void; reject: (error: LoadError) => void };

/** Those who wait for a look that the loader makes for them, by numbers that it tells back. */
export type LookWaiters = {
  add(send: (id: number) => void): Promise<LookResult>;
  settle(ids: readonly number[], result: LookResult | LoadError): void;
  rejectAll(error: LoadError): void;
};

export function createLookWaiters(): LookWaiters {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const settle: LookWaiters['settle'] = (ids, result) => {
    for (const id of ids) {
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (result instanceof Error) waiter?.reject(result);
      else waiter?.resolve(result);
    }
  };
  return {
    add(send) {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        send(id);
      });
    },
    settle,
    rejectAll: (error) => settle([...waiting.keys()], error),
  };
}
