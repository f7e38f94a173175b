import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { InFlight } from './http/inFlight.ts';
import type { Tls } from './http/tls.ts';
import type { Streams } from './streams/streams.ts';

type Options = {
  server: Server;
  /** The connections that it has open. */
  sockets: Iterable<Socket>;
  inFlight: Pick<InFlight, 'answer'>;
  tls: Pick<Tls, 'abandon'> | null;
  streams: Pick<Streams, 'closeAll'>;
  /** How long requests under way may take to end. */
  drainMs: number;
  /** How long idle connections are left open, each to be told with its next answer. */
  lingerMs: number;
};

/** Stops a server that listens: nobody comes in any more, and those inside may end until the time is over. */
export async function drain(options: Options): Promise<void> {
  const { server, sockets, inFlight, tls, streams, drainMs, lingerMs } = options;
  const begunMs = performance.now();
  // Node's own close, and its closeIdleConnections, cut answers that have ended here but have not yet gone out.
  const closed = new Promise((done) => NetServer.prototype.close.call(server, done));
  streams.closeAll('upgraded');
  const closeIdle = () => {
    tls?.abandon();
    for (const socket of sockets) {
      // A connection kept alive past its answer would be used again and again until the time is over.
      const answer = inFlight.answer(socket);
      if (answer !== null) answer.shouldKeepAlive = false;
      else if (performance.now() - begunMs >= lingerMs) socket.destroy();
    }
  };
  closeIdle();
  const idle = setInterval(closeIdle, 50);
  const timer = setTimeout(() => {
    streams.closeAll('all');
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
  server.close();
}
