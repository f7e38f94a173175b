// Sharp edge of node:cluster in Node 24: the primary accepts connections and sends each to a worker, which
// acknowledges it. One sent to a worker that dies before that stays open in the primary, unknown to anybody, and its
// caller waits for ever. Node has no event for it, so what is sent is watched here: the messages are Node's own.
import type { Worker } from 'node:cluster';

type Handle = { close: () => void };
type Message = { cmd?: unknown; act?: unknown; seq?: unknown; ack?: unknown };

/**
 * Closes, when the worker ends, connections that were on their way to it: their callers see that and try again. Before
 * a worker listens it has talked with the primary in the same messages; `onUnseen` is told when none of them was seen,
 * which means that this Node does it otherwise.
 */
export function closeLostConnections(worker: Worker, onUnseen: () => void): void {
  const { process: child } = worker;
  const seen = { sent: false, received: false };
  const underway = new Map<unknown, Handle>();
  const send = child.send.bind(child) as (...args: unknown[]) => boolean;
  child.send = (message: Message, handle?: unknown, ...rest: unknown[]) => {
    if (message.cmd === 'NODE_CLUSTER') seen.sent = true;
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && handle)
      underway.set(message.seq, handle as Handle);
    return send(message, handle, ...rest);
  };
  child.on('internalMessage', ({ ack, cmd }: Message) => {
    if (cmd === 'NODE_CLUSTER') seen.received = true;
    if (ack !== undefined) underway.delete(ack);
  });
  worker.once('listening', () => {
    if (!seen.sent || !seen.received) onUnseen();
  });
  child.once('exit', () => {
    for (const handle of underway.values()) handle.close();
    underway.clear();
  });
}
