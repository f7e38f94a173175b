import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** How long, and for how many bytes, a caller that goes on sending is heard out after its answer. */
const bounds = { milliseconds: 2000, bytes: 16 * 1024 * 1024, lookMs: 50 };

/** Whether the connection ends with the answer under way: what comes behind that request is not served. */
export const isEnding = (socket: Socket): boolean => Object.hasOwn(socket, 'destroySoon');

/**
 * Makes the answer to a request whose body has not come whole the last one of its connection; to be called before its
 * headers are written. The rest of the body is nobody's: a connection that is used again would wait behind it for ever.
 * Yet one that is closed over unread bytes is reset, and the caller may lose the answer with it; so they are read and
 * dropped for a while first.
 */
export function endWithAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  response.shouldKeepAlive = false;
  if (isEnding(socket)) return;
  // What Node calls when the last answer has gone out.
  socket.destroySoon = () => {
    socket.destroySoon = Socket.prototype.destroySoon;
    if (request.complete || socket.destroyed) socket.destroySoon();
    else hearOut(request, socket);
  };
}

function hearOut(request: IncomingMessage, socket: Socket): void {
  socket.end();
  request.on('error', () => undefined);
  request.resume();
  const most = socket.bytesRead + bounds.bytes;
  let looks = bounds.milliseconds / bounds.lookMs;
  const timer = setInterval(() => {
    looks -= 1;
    if (!request.complete && looks > 0 && socket.bytesRead < most) return;
    clearInterval(timer);
    socket.destroySoon();
  }, bounds.lookMs);
  socket.once('close', () => clearInterval(timer));
}
