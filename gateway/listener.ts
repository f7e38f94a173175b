import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { GatewayConfig } from './config/config.ts';
import { drain } from './drain.ts';
import { sendProblem, writeProblem } from './http/answer.ts';
import { cutSlow } from './http/cutSlow.ts';
import { createInFlight } from './http/inFlight.ts';
import { createLastRequest } from './http/lastRequest.ts';
import { endWithAnswer, isEnding } from './http/linger.ts';
import { createPayloads } from './http/payload.ts';
import { Refusal } from './http/refusal.ts';
import type { Tls } from './http/tls.ts';
import type { Streams } from './streams/streams.ts';
import { isWebSocket } from './upstream/upgrade.ts';

type Limits = GatewayConfig['limits'];

type Options = {
  limits: Limits;
  /** Null: plain HTTP. */
  tls: Tls | null;
  onCut: (what: 'body' | 'answer') => void;
  streams: Streams;
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

/**
 * The listener for callers. `drain` stops it: requests under way may end until the drain time is over. `take` has other
 * limits: what is open keeps the size of headers and the silence that it began with.
 */
export type Listener = {
  server: Server;
  drain: (lingerMs?: number) => Promise<void>;
  take: (limits: Limits) => void;
};

/** Sets up the HTTP server: what its parser refuses, what takes too long, and how it ends. */
export function createListener(options: Options): Listener {
  const { tls, streams, onRequest, onUpgrade, onCut } = options;
  let { limits } = options;
  const sockets = new Set<Socket>();
  const inFlight = createInFlight();
  const payloads = createPayloads();
  let draining = false;
  const lastRequest = createLastRequest(() => limits.requests_per_connection);
  const late = new WeakSet<IncomingMessage>();
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // The answer before it is the connection's last: this one could get none, so nothing is done.
    if (isEnding(request.socket)) return;
    const turn = lastRequest(request.socket);
    if (turn === 'over') return;
    inFlight.begin(request.socket, response);
    if (draining || turn === 'last') response.shouldKeepAlive = false;
    const coding = request.headers['transfer-encoding'];
    if (coding !== undefined) payloads.count(request);
    // The body goes on with a framing of ours, so no coding but this one would be told to the upstream.
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      const refusal = new Refusal(400, 'coding-unsupported', 'Only chunked transfer coding is served here.');
      sendProblem(request, response, refusal, null);
    } else if (request.headers.upgrade !== undefined && late.has(request)) {
      // One that came behind an unfinished request; what follows it would be no request.
      endWithAnswer(request, response);
      sendProblem(request, response, pipelined(), null);
    } else onRequest(request, response);
  };
  const server = (tls?.createServer ?? createServer)(
    {
      maxHeaderSize: limits.headers,
      // Whatever Node is started with: what it lets through is passed on.
      insecureHTTPParser: false,
      headersTimeout: limits.headers_timeout,
      // Bodies may take long; what is cut is silence.
      requestTimeout: 0,
      keepAliveTimeout: limits.idle_timeout,
      connectionsCheckingInterval: 1000,
      // Most requests have no body: they are spared the life of a stream.
      optimizeEmptyRequests: true,
      // Its absence is answered by canonicalize, with a body that says so.
      requireHostHeader: false,
      // Node hands the connection over at once, and the answers before it would come in the middle of the WebSocket.
      shouldUpgradeCallback: (request) => {
        if (!isWebSocket(request)) return false;
        if (inFlight.answer(request.socket) === null && !isEnding(request.socket)) return true;
        late.add(request);
        return false;
      },
    },
    serve,
  );
  // Their bytes are bounded. Of their count Node would leave out what is over it, without a word: a caller could have what
  // a proxy adds behind its own thousand, who calls from where, left unread.
  server.maxHeadersCount = 0;
  // Under TLS a connection speaks HTTP only after its handshake.
  server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Silence is the caller's when it owes us its body or takes no more of ours. Otherwise it waits for the upstream,
  // whose streams may be silent for long.
  server.setTimeout(limits.idle_timeout, (socket) => {
    const response = inFlight.answer(socket);
    if (!response?.req.complete || socket.writableLength > 0) socket.destroy();
  });
  const cut = () =>
    cutSlow({ sockets, inFlight, payloads, bytes: limits.progress, windowMs: limits.idle_timeout, onCut });
  let stopCutting = cut();
  // With a listener here, Node sends no "100 Continue" before the decision.
  server.on('checkContinue', serve);
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    inFlight.begin(request.socket, response);
    const refusal = new Refusal(417, 'expectation-failed', 'This expectation is not met here.');
    sendProblem(request, response, refusal, null);
  });
  server.on('connect', (request, socket: Duplex) => {
    // The answer to what came before would be read as this one's.
    if (inFlight.answer(request.socket) !== null) socket.destroy();
    else
      writeProblem(socket, new Refusal(405, 'method-not-allowed', 'This method is not served here.'), null);
  });
  server.on('upgrade', (request, socket, head) => {
    sockets.delete(socket as Socket);
    onUpgrade(request, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const answer = inFlight.answer(socket as Socket);
    // With an answer under way, or still to come, this one would be taken for it, or for a part of it.
    if (answer?.req.complete || answer?.headersSent) socket.destroy();
    else writeProblem(socket, unreadable(error.code), null);
  });

  const stop = async (lingerMs = 0) => {
    draining = true;
    const drainMs = limits.drain_timeout;
    if (server.listening) await drain({ server, sockets, inFlight, tls, streams, drainMs, lingerMs });
    stopCutting();
  };
  const take = (next: Limits) => {
    limits = next;
    Object.assign(server, {
      maxHeaderSize: limits.headers,
      headersTimeout: limits.headers_timeout,
      keepAliveTimeout: limits.idle_timeout,
      timeout: limits.idle_timeout,
    });
    stopCutting();
    if (!draining) stopCutting = cut();
  };
  return { server, drain: stop, take };
}

const pipelined = () =>
  new Refusal(400, 'upgrade-pipelined', 'An upgrade must wait for the answers to the requests before it.');

/** What the HTTP parser gave up on. */
function unreadable(code: string | undefined): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal(431, 'headers-too-large', 'The request headers are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal(408, 'request-timeout', 'The request headers took too long.');
    default:
      return new Refusal(400, 'request-malformed', 'The request is malformed.');
  }
}
