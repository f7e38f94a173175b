import { Client } from 'undici';

/** Connections to one upstream, each for one request at a time. */
export type UpstreamPool = {
  /** A connection that nobody uses; a new one where there is none. */
  take(): Client;
  /** Gives it back when the answer has ended, however that came. */
  release(client: Client): void;
  /** One that is used once and is no part of the pool. */
  single(): Client;
  destroy(): Promise<void>;
};

/**
 * Each caller holds at most one connection here. A bound would make callers wait, without any time-out, for others'
 * streams to end. What was used last is used next, so that under less load the others fall idle and are closed. undici's
 * own Pool looks through all of its connections at each request, twice where many are busy.
 */
export function createUpstreamPool(origin: string, connectTimeoutMs: number): UpstreamPool {
  // One protocol: what is known of framing and aborts was measured with it.
  const open = () => new Client(origin, { allowH2: false, connect: { timeout: connectTimeoutMs } });
  const all: Client[] = [];
  const free: Client[] = [];
  return {
    take() {
      const client = free.pop();
      if (client !== undefined) return client;
      const made = open();
      all.push(made);
      return made;
    },
    release: (client) => void free.push(client),
    single: open,
    destroy: async () => void (await Promise.all(all.map((client) => client.destroy()))),
  };
}
