import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { InFlight } from './inFlight.ts';
import type { Payloads } from './payload.ts';

type Handle = { bytesWritten?: number; writeQueueSize?: number };
type Mark = { request: IncomingMessage; sinceMs: number; received: number; sent: number };

type Options = {
  sockets: Iterable<Socket>;
  inFlight: Pick<InFlight, 'answer'>;
  payloads: Pick<Payloads, 'of'>;
  /** Bytes of bodies, framing not counted, that must move within `windowMs`. */
  bytes: number;
  windowMs: number;
  onCut: (what: 'body' | 'answer') => void;
};

/**
 * Cuts callers that send a body, or take an answer, ever so slowly: a time-out that starts anew with each byte never
 * ends them. A connection that waits for its upstream, or for its next request, is left alone. Call the result to stop.
 */
export function cutSlow({ sockets, inFlight, payloads, bytes, windowMs, onCut }: Options): () => void {
  const marks = new WeakMap<Socket, Mark>();
  const look = () => {
    const nowMs = performance.now();
    for (const socket of sockets) {
      const response = inFlight.answer(socket);
      const what = waitsFor(socket, response);
      if (response === null || what === null) {
        marks.delete(socket);
        continue;
      }
      const { req: request } = response;
      const [received, sent] = [payloads.of(request), sentOf(socket)];
      const mark = marks.get(socket);
      const isKnown = mark !== undefined && mark.request === request;
      if (!isKnown || received - mark.received >= bytes || sent - mark.sent >= bytes) {
        marks.set(socket, { request, sinceMs: nowMs, received, sent });
      } else if (nowMs - mark.sinceMs >= windowMs) {
        onCut(what);
        socket.destroy();
      }
    }
  };
  const timer = setInterval(look, Math.max(50, Math.min(5000, windowMs / 6)));
  return () => clearInterval(timer);
}

/** What the caller owes: bytes of its body (none lie here unread), or room for bytes of the answer. */
function waitsFor(socket: Socket, response: ServerResponse | null): 'body' | 'answer' | null {
  if (response === null) return null;
  if (socket.writableLength > 0) return 'answer';
  return !response.req.complete && response.req.readableLength === 0 ? 'body' : null;
}

/** Bytes that the operating system has taken; one write of many bytes is taken in parts. */
function sentOf(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = (socket as { _handle?: Handle | null })._handle ?? {};
  return typeof bytesWritten === 'number' && typeof writeQueueSize === 'number'
    ? bytesWritten - writeQueueSize
    : socket.bytesWritten - socket.writableLength;
}
