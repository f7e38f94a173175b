import { hash } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AnswerError } from '../http/fault.ts';
import { headersOf } from './headers.ts';

type Options = {
  /** What the caller may see of an upstream's headers, and ours, as a flat list. */
  answerHeaders: (answer: IncomingMessage) => string[];
  /** The upstream answered with that status. */
  onAnswer: (status: number) => void;
  /** The upstream agreed; what follows are frames. */
  onOpen: () => void;
};

/**
 * Stands between the answer to a handshake and http-proxy-3, which would pass on whatever came. To be called in its
 * `proxyReqWs`: its own listeners come after that, and are replaced by ours before anything is sent. A refusal goes the
 * way of every other answer; an agreement must be one to this very handshake (RFC 6455, 4.1), and is handed to the
 * proxy less what is not for callers.
 */
export function checkHandshake(
  handshake: ClientRequest,
  request: IncomingMessage,
  socket: Duplex,
  { answerHeaders, onAnswer, onOpen }: Options,
): void {
  const { 'sec-websocket-key': key = '' } = request.headers;
  queueMicrotask(() => {
    const joins = handshake.listeners('upgrade');
    handshake.removeAllListeners('upgrade').removeAllListeners('response');
    const refuse = (...fault: ConstructorParameters<typeof AnswerError>) => {
      handshake.destroy();
      handshake.emit('error', new AnswerError(...fault));
    };
    handshake.once('upgrade', (answer, upstream, head) => {
      onAnswer(101);
      if (!agrees(answer, key)) {
        upstream.destroy();
        refuse('no-handshake', 'it did not agree to a WebSocket');
        return;
      }
      onOpen();
      // Only what is written to the caller is taken from them.
      answer.headers = headersOf([
        ...answerHeaders(answer),
        ...['connection', 'Upgrade', 'upgrade', 'websocket'],
      ]);
      for (const join of joins) join.call(handshake, answer, upstream, head);
    });
    handshake.once('response', (answer) => {
      const status = answer.statusCode ?? 0;
      onAnswer(status);
      if (status < 200 || status > 599 || !(socket instanceof Socket)) {
        refuse('bad-answer', 'it answered an impossible status');
        return;
      }
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.writeHead(status, answerHeaders(answer));
      response.once('finish', () => {
        response.detachSocket(socket);
        socket.destroySoon();
      });
      answer.once('close', () => {
        if (!answer.complete) socket.destroy();
      });
      answer.pipe(response);
    });
  });
}

// RFC 6455, 1.3.
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function agrees({ statusCode, headers }: IncomingMessage, key: string): boolean {
  return (
    statusCode === 101 &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.connection ?? '') &&
    headers['sec-websocket-accept'] === hash('sha1', key + guid, 'base64')
  );
}
