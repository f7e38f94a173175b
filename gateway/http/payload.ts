import { IncomingMessage } from 'node:http';

/** How much of requests' bodies has come. */
export type Payloads = {
  /**
   * Counts what comes of a chunked body less its framing: chunk extensions and trailers are bytes of the connection,
   * yet bring no body on. Node's parser hands each piece over by `push`.
   */
  count(request: IncomingMessage): void;
  /** Bytes of a request's body that have come so far, of a body with a length what the connection has brought. */
  of(request: IncomingMessage): number;
};

export function createPayloads(): Payloads {
  const counted = new WeakMap<IncomingMessage, { bytes: number }>();
  return {
    count(request) {
      const count = { bytes: 0 };
      counted.set(request, count);
      request.push = (chunk: Uint8Array | null, encoding?: BufferEncoding) => {
        count.bytes += chunk?.length ?? 0;
        return IncomingMessage.prototype.push.call(request, chunk, encoding);
      };
    },
    of: (request) => counted.get(request)?.bytes ?? request.socket.bytesRead,
  };
}
