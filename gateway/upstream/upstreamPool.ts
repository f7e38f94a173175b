import type { Socket } from 'node:net';
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';

/** A place for one connection, made anew when it has ended. */
export type UpstreamConnection = {
  readonly client: Client;
  /** The connection made last, if any; it may have ended. */
  socket: Socket | null;
};

/** Connections to one upstream, each for one request at a time. */
export type UpstreamPool = {
  /** A connection that nobody uses; a new one where there is none. */
  take(): UpstreamConnection;
  /** Gives it back when the answer has ended, however that came. */
  release(connection: UpstreamConnection): void;
  /** One that is used once and is no part of the pool. */
  single(): Client;
  destroy(): Promise<void>;
};

/**
 * Each caller holds at most one connection here. A bound would make callers wait, without any time-out, for others'
 * streams to end. What was used last is used next, so that under less load the others fall idle and are closed. undici's
 * own Pool looks through all of its connections at each request, twice where many are busy.
 */
export function createUpstreamPool(
  origin: string,
  connectTimeoutMs: number,
  maxHeaderSize: number,
): UpstreamPool {
  // One protocol: what is known of framing and aborts was measured with it.
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false });
  const open = (): UpstreamConnection => {
    const connection: UpstreamConnection = {
      client: new Client(origin, {
        allowH2: false,
        maxHeaderSize,
        connect: (options, done) =>
          connect(options, (...[failed, socket]) => {
            // Beside an error undici hands over no socket, though its types promise null.
            connection.socket = socket ?? null;
            if (failed === null) done(null, socket);
            else done(failed, null);
          }),
      }),
      socket: null,
    };
    return connection;
  };
  const all: UpstreamConnection[] = [];
  const free: UpstreamConnection[] = [];
  return {
    take() {
      const connection = free.pop();
      if (connection !== undefined) return connection;
      const made = open();
      all.push(made);
      return made;
    },
    release: (connection) => void free.push(connection),
    single: () => open().client,
    destroy: async () => void (await Promise.all(all.map(({ client }) => client.destroy()))),
  };
}
