// Sharp edges of http-proxy-3 2.0, held by test/gateway/upgrade.test.ts: it takes path and headers from the request
// object, so both are replaced by the decided ones first; a request body on an upgrade poisons a pooled socket, so
// bodies are refused and no agent is used; without an error listener it throws; it reports an error of the open
// connection like one of the handshake; it waits for a silent upstream for ever, also when the caller has gone; what an
// upstream answers it passes on unseen, so checkHandshake.ts stands before that; FORCE_FETCH_PATH in the environment
// switches it to another code path (serve.ts refuses to start then).
import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer } from 'http-proxy-3';
import type { Admission, Carrier, Doors } from '../decision/admission.ts';
import { writeProblem } from '../http/answer.ts';
import { AnswerError } from '../http/fault.ts';
import { Refusal } from '../http/refusal.ts';
import type { CloseReason, Streams } from '../streams/streams.ts';
import { answerHeaders } from './answerHeaders.ts';
import { checkHandshake } from './checkHandshake.ts';
import type { ForwardedHeaders } from './forwardedHeaders.ts';
import { createForwardable, headersOf } from './headers.ts';
import { createRelays } from './relays.ts';
import { upstreamRefusal } from './upstreamRefusal.ts';
import { serverName, upstreamHeaders, upstreamPath } from './upstreamRequest.ts';

/** Handles Node's `upgrade` event for WebSocket requests. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

type Options = {
  admit: (request: IncomingMessage, answer: null, carrier: Carrier, doors: Doors) => void;
  streams: Pick<Streams, 'add'>;
  forwarded: ForwardedHeaders;
  /** How long an upstream may take to answer the handshake. */
  upstreamTimeoutMs: number;
  /** How long nothing may move on an open one. */
  idleMs: number;
  onIdle: () => void;
  onOpen: () => void;
  onClosed: () => void;
  onUpstreamFailure: (admission: Admission, error: unknown) => void;
};

/** Whether a request asks for a WebSocket; any other upgrade is answered as the plain request it also is. */
export const isWebSocket = ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

export function createUpgrade(options: Options): Upgrade {
  const {
    admit,
    streams,
    forwarded,
    upstreamTimeoutMs,
    idleMs,
    onIdle,
    onOpen,
    onClosed,
    onUpstreamFailure,
  } = options;
  const proxy = createProxyServer({ agent: false, ws: true, xfwd: false, toProxy: true });
  proxy.on('error', () => undefined);
  const relays = createRelays(proxy);
  const forwardable = createForwardable();
  const upgraded = new WeakSet<Duplex>();
  const admissions = new WeakMap<IncomingMessage, { admission: Admission; carrier: Answered }>();
  proxy.on('proxyReqWs', (handshake, request, socket) => {
    const timer = setTimeout(
      () => handshake.destroy(new AnswerError('answer-timeout', 'it did not answer a handshake')),
      upstreamTimeoutMs,
    );
    socket.once('close', () => {
      clearTimeout(timer);
      handshake.destroy();
    });
    const admitted = admissions.get(request);
    if (admitted === undefined) {
      handshake.destroy();
      return;
    }
    const { admission, carrier } = admitted;
    checkHandshake(handshake, request, socket, {
      answerHeaders: ({ headers, statusCode = 0 }) => answerHeaders(headers, admission, statusCode),
      onAnswer: (status) => {
        clearTimeout(timer);
        carrier.answer(status);
      },
      onOpen: () => void upgraded.add(socket),
    });
  });
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const malformed = faultOf(request);
    if (malformed !== null) {
      writeProblem(socket, malformed, null);
      return;
    }
    const carrier = carrierOf(socket);
    admit(request, null, carrier, {
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
        admissions.set(request, { admission, carrier });
        request.headers = headersOf([
          ...['connection', 'Upgrade', 'upgrade', 'websocket'],
          ...upstreamHeaders(request, admission, forwardable, forwarded),
        ]);
        request.url = upstreamPath(admission);
        proxy.ws(request, socket, head, targetOf(admission), (error) => {
          // An answer written into the open connection would be read as frames; the connection ends, and that is all.
          if (upgraded.has(socket) || socket.destroyed || !socket.writable) return;
          onUpstreamFailure(admission, error);
          const refusal = upstreamRefusal(error);
          carrier.answer(refusal.status);
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

/** Node, too, would ask for a certificate of the Host header's name. */
function targetOf({ route }: Admission) {
  const target = route.upstream;
  if (route.keepsHost !== true || !target.startsWith('https:')) return { target };
  return { target, agent: new Agent({ servername: serverName(route) ?? '' }) };
}

/** A connection that is told with what its handshake was answered. */
type Answered = Carrier & { readonly answer: (status: number) => void };

function carrierOf(socket: Duplex): Answered {
  let answered: number | undefined;
  return {
    get destroyed() {
      return socket.destroyed;
    },
    get answered() {
      return answered;
    },
    onEnd: (listener) => void socket.once('close', listener),
    answer: (status) => {
      answered = status;
    },
  };
}

const keyForm = /^[A-Za-z0-9+/]{22}==$/;

/** What is wrong with a handshake (RFC 6455, 4.2.1); null when nothing is. */
function faultOf({ headers }: IncomingMessage): Refusal | null {
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
    return new Refusal(400, 'upgrade-with-body', 'An upgrade request must not have a body.');
  if (headers['sec-websocket-version'] !== '13')
    return new Refusal(426, 'upgrade-version', 'WebSockets of version 13 are served here.', {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    });
  if (!keyForm.test(headers['sec-websocket-key'] ?? ''))
    return new Refusal(400, 'upgrade-malformed', 'A WebSocket handshake needs one Sec-WebSocket-Key.');
  return null;
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
