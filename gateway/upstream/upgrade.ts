// Sharp edges of http-proxy-3 2.0, held by test/gateway/upgrade.test.ts: it takes path and headers from the request
// object, so both are replaced by the decided ones first; a request body on an upgrade poisons a pooled socket, so
// bodies are refused and no agent is used; without an error listener it throws; it reports an error of the open
// connection like one of the handshake; it waits for a silent upstream for ever, also when the caller has gone, and
// with a caller whose upstream died in the middle of a refusal; FORCE_FETCH_PATH in the environment switches it to
// another code path (main.ts refuses to start then).
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer } from 'http-proxy-3';
import type { Admission, Carrier, Doors } from '../decision/admission.ts';
import { writeProblem } from '../http/answer.ts';
import { Refusal } from '../http/refusal.ts';
import type { CloseReason, Streams } from '../streams/streams.ts';
import { createForwardable, type Forwardable } from './headers.ts';
import { createRelays } from './relays.ts';
import { upstreamFailed, upstreamTimeout } from './transfer.ts';
import { upstreamHeaders, upstreamPath } from './upstreamRequest.ts';

/** Handles Node's `upgrade` event for WebSocket requests. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

type Options = {
  admit: (request: IncomingMessage, carrier: Carrier, doors: Doors) => void;
  streams: Streams;
  /** How long an upstream may take to answer the handshake, ms. */
  upstreamTimeoutMs: number;
  /** How long nothing may move on an open one, ms. */
  idleMs: number;
  onIdle: () => void;
  onOpen: () => void;
  onClosed: () => void;
  onUpstreamFailure: (admission: Admission) => void;
};

/** Whether a request asks for a WebSocket; any other upgrade is answered as the plain request it also is. */
export const isWebSocket = ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

export function createUpgrade(options: Options): Upgrade {
  const { admit, streams, upstreamTimeoutMs, idleMs, onIdle, onOpen, onClosed, onUpstreamFailure } = options;
  const proxy = createProxyServer({ agent: false, ws: true, xfwd: false, changeOrigin: true, toProxy: true });
  proxy.on('error', () => undefined);
  const relays = createRelays(proxy);
  const forwardable = createForwardable();
  const upgraded = new WeakSet<Duplex>();
  proxy.on('proxyReqWs', (handshake, _request, socket) => {
    const timer = setTimeout(() => handshake.destroy(new SilenceError()), upstreamTimeoutMs);
    handshake.once('upgrade', () => {
      clearTimeout(timer);
      upgraded.add(socket);
    });
    handshake.once('response', (answer) => {
      clearTimeout(timer);
      answer.once('close', () => {
        if (!answer.complete) socket.destroy();
      });
    });
    socket.once('close', () => {
      clearTimeout(timer);
      handshake.destroy();
    });
  });
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (
      request.headers['content-length'] !== undefined ||
      request.headers['transfer-encoding'] !== undefined
    ) {
      writeProblem(
        socket,
        new Refusal(400, 'upgrade-with-body', 'An upgrade request must not have a body.'),
        null,
      );
      return;
    }
    admit(request, carrierOf(socket), {
      refused: (refusal, decisionId) => writeProblem(socket, refusal, decisionId),
      admitted: (admission) => {
        if (socket.destroyed) return;
        const done = streams.add({
          admission,
          upgraded: true,
          close: (reason) => relays.end(socket, closeFrame(reason)),
        });
        onOpen();
        socket.once('close', () => {
          done();
          onClosed();
        });
        request.headers = outgoing(request, admission, forwardable);
        request.url = upstreamPath(admission);
        proxy.ws(request, socket, head, { target: admission.route.upstream }, (error) => {
          // An answer written into the open connection would be read as frames; the connection ends, and that is all.
          if (upgraded.has(socket) || socket.destroyed) return;
          onUpstreamFailure(admission);
          const refusal = error instanceof SilenceError ? upstreamTimeout() : upstreamFailed();
          writeProblem(socket, refusal, admission.id);
        });
        if (socket instanceof Socket) {
          socket.setTimeout(idleMs, () => {
            onIdle();
            relays.end(socket, closeFrame('idle'));
          });
        }
      },
    });
  };
}

const carrierOf = (socket: Duplex): Carrier => ({
  get destroyed() {
    return socket.destroyed;
  },
  onEnd: (listener) => void socket.once('close', listener),
});

/** The upstream did not answer the handshake in time. */
class SilenceError extends Error {}

function outgoing(
  request: IncomingMessage,
  admission: Admission,
  forwardable: Forwardable,
): IncomingMessage['headers'] {
  const flat = upstreamHeaders(request, admission, forwardable);
  const headers: Record<string, string | string[]> = { connection: 'Upgrade', upgrade: 'websocket' };
  for (let index = 0; index < flat.length; index += 2) {
    const name = (flat[index] ?? '').toLowerCase();
    const value = flat[index + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers as IncomingMessage['headers'];
}

const closeCodes: Record<CloseReason | 'idle', [number, string]> = {
  idle: [1001, 'nothing moved'],
  revoked: [1008, 'access revoked'],
  expired: [1008, 'access expired'],
  'credential-expired': [1008, 'credential expired'],
  'bundle-expired': [1013, 'access policy expired'],
  'policy-stale': [1013, 'access policy stale'],
  shutdown: [1001, 'going away'],
};

/** RFC 6455, 5.5.1. */
function closeFrame(reason: CloseReason | 'idle'): Buffer {
  const [code, text] = closeCodes[reason];
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt8(0x88, 0);
  frame.writeUInt8(2 + text.length, 1);
  frame.writeUInt16BE(code, 2);
  frame.write(text, 4, 'ascii');
  return frame;
}
