import type { Socket } from 'node:net';

/** Whether a request is the last one of its connection, or comes after it and gets no answer. */
export type LastRequest = (socket: Socket) => 'last' | 'over' | null;

/**
 * Counts the requests of each connection up to `most`, at the moment (undefined: as many as come). Node's own bound tells
 * the caller to close, and leaves it at that.
 */
export function createLastRequest(most: () => number | undefined): LastRequest {
  const served = new WeakMap<Socket, number>();
  const ending = new WeakSet<Socket>();
  return (socket) => {
    if (ending.has(socket)) return 'over';
    const bound = most();
    if (bound === undefined) return null;
    const count = (served.get(socket) ?? 0) + 1;
    served.set(socket, count);
    if (count < bound) return null;
    ending.add(socket);
    return 'last';
  };
}
