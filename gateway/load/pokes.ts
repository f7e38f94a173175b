import type { LoadError } from './loadError.ts';

/** What a look at the source came to, for whoever has asked for it. */
export type PokeResult = { changed: boolean; revision: string };

type Waiting = { resolve: (result: PokeResult) => void; reject: (error: LoadError) => void };

/** Those who wait for a look that the loader makes for them, by numbers that it tells back. */
export type Pokes = {
  add(send: (id: number) => void): Promise<PokeResult>;
  settle(ids: readonly number[], result: PokeResult | LoadError): void;
  rejectAll(error: LoadError): void;
};

export function createPokes(): Pokes {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const settle: Pokes['settle'] = (ids, result) => {
    for (const id of ids) {
      const poke = waiting.get(id);
      waiting.delete(id);
      if (result instanceof Error) poke?.reject(result);
      else poke?.resolve(result);
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
