import { IncomingMessage } from 'node:http';

const counted = new WeakMap<IncomingMessage, { bytes: number }>();

/**
 * Counts what comes of a chunked body less its framing: chunk extensions and trailers are bytes of the connection, yet
 * bring no body on. Node's parser hands each piece over by `push`.
 */
export function countPayload(request: IncomingMessage): void {
  const count = { bytes: 0 };
  counted.set(request, count);
  request.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) => {
    count.bytes += chunk?.length ?? 0;
    return IncomingMessage.prototype.push.call(request, chunk, encoding);
  };
}

/** Bytes of a request's body that have come so far, of a body with a length what the connection has brought. */
export const payloadOf = (request: IncomingMessage): number =>
  counted.get(request)?.bytes ?? request.socket.bytesRead;
