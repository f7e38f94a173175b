import { setTimeout as sleep } from 'node:timers/promises';

/** A look at the source that somebody asked for; those who ask before it begins share it. */
export type LookRequest = { readonly waiters: number[]; readonly force: boolean };

/** Who waits for the next look. */
export type LookQueue = {
  readonly isEmpty: boolean;
  ask(request: LookRequest): void;
  /** What the next look is for; nobody may have asked. */
  take(): LookRequest;
  /** Waits until somebody asks, is woken, or the time is up. */
  pause(ms: number): Promise<void>;
  wake(): void;
};

export function createLookQueue(): LookQueue {
  let queued: LookRequest | null = null;
  let pausing: AbortController | null = null;
  return {
    get isEmpty() {
      return queued === null;
    },
    ask({ waiters, force }) {
      queued = {
        waiters: [...(queued?.waiters ?? []), ...waiters],
        force: force || (queued?.force ?? false),
      };
      pausing?.abort();
    },
    take() {
      const taken = queued ?? { waiters: [], force: false };
      queued = null;
      return taken;
    },
    async pause(ms) {
      pausing = new AbortController();
      await sleep(ms, undefined, { signal: pausing.signal }).catch(() => {});
      pausing = null;
    },
    wake: () => pausing?.abort(),
  };
}
