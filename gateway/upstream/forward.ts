// Sharp edges of undici 8: it strips no hop-by-hop headers of a request; what it does with answers is in transfer.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Admission, Carrier } from '../decision/admission.ts';
import { hasBody } from '../http/body.ts';
import { mostBytes } from '../limits/bodyLimit.ts';
import { createCountStreamed } from '../memory/countStreamed.ts';
import { createAnswerTimeout } from './answerTimeout.ts';
import { CallerBody } from './callerBody.ts';
import { createFlushSoon } from './flushSoon.ts';
import type { ForwardedHeaders } from './forwardedHeaders.ts';
import { createForwardable } from './headers.ts';
import { Transfer } from './transfer.ts';
import { createUpstreamPool, type UpstreamPool } from './upstreamPool.ts';
import { serverName, upstreamHeaders, upstreamPath } from './upstreamRequest.ts';

/** How a forwarded request ended: the upstream's status (0: no whole answer), and what it failed of, if it did. */
export type ForwardResult = { status: number; failure: Error | null; milliseconds: number };

/** Sends an admitted request to its upstream and the answer back, streaming both ways. */
export type Forward = (
  exchange: Exchange,
  admission: Admission,
  done: (result: ForwardResult, admission: Admission) => void,
) => void;

type Exchange = Pick<Carrier, 'onEnd'> & { request: IncomingMessage; response: ServerResponse };

type Options = {
  upstreamTimeoutMs: number;
  forwarded: ForwardedHeaders;
  /** Bytes of an answer's headers. */
  answerHeaders: number;
  /** The most bytes of a body, for APIs that say nothing of their own. */
  bodyBytes: number;
  elapsed: () => number;
};

/** Keeps one connection pool per upstream. `close()` waits for what is under way. */
export function createForward({ upstreamTimeoutMs, forwarded, answerHeaders, bodyBytes, elapsed }: Options): {
  forward: Forward;
  close: () => Promise<void>;
} {
  const forwardable = createForwardable();
  const pools = new Map<string, UpstreamPool>();
  const answers = createAnswerTimeout(upstreamTimeoutMs);
  const shared = { flushSoon: createFlushSoon(), countStreamed: createCountStreamed() };
  const poolOf = (origin: string): UpstreamPool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = createUpstreamPool(origin, Math.min(upstreamTimeoutMs, 10_000), answerHeaders);
      pools.set(origin, pool);
    }
    return pool;
  };
  const forward: Forward = (exchange, admission, done) => {
    const { request, response } = exchange;
    const startedMs = elapsed();
    const pool = poolOf(admission.route.upstream);
    const connection = pool.take();
    const { client, socket } = connection;
    // Bytes that had come on a kept connection before; a fresh one has none to be compared with.
    const heard = socket === null || socket.destroyed ? null : socket.bytesRead;
    const finish = (status: number, failure: Error | null) => {
      pool.release(connection);
      done({ status, failure, milliseconds: elapsed() - startedMs }, admission);
    };
    const most = mostBytes(admission.enforcement.snapshot, admission.route.api, bodyBytes);
    const body = hasBody(request) ? new CallerBody(request, most) : null;
    const sent: Dispatcher.DispatchOptions = {
      path: upstreamPath(admission),
      method: admission.canonical.method,
      headers: upstreamHeaders(request, admission, forwardable, forwarded),
      body,
      ...named(admission),
      // While a body is under way nobody waits for the answer yet, and undici knows when that is.
      headersTimeout: body === null ? 0 : upstreamTimeoutMs,
      // A stream may be silent for long; what bounds it is its client, its grant and the drain at shutdown.
      bodyTimeout: 0,
    };
    // A kept connection may be closed by the upstream just as a request is on its way: nothing came of that one, and
    // where nothing can come of doing it twice (RFC 9110, 9.2.2), it is done again, once, on a connection of its own.
    // One that was made for it, or on which anything came back, was lost for another reason.
    const again = () => {
      if (connection.socket !== socket || socket?.bytesRead !== heard) return false;
      const single = pool.single();
      single.dispatch({ ...sent, reset: true }, transfer);
      void single.close();
      return true;
    };
    const repeatable = heard !== null && body === null && safe.has(sent.method);
    const transfer = new Transfer({
      request,
      response,
      admission,
      finish,
      again: repeatable ? again : null,
      answers: body === null ? answers : null,
      shared,
    });
    exchange.onEnd(() => transfer.clientGone());
    client.dispatch(sent, transfer);
  };
  return {
    forward,
    close: async () => {
      answers.close();
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

/** Without this, undici asks for a certificate of the Host header's name. */
function named({ route }: Admission): { servername?: string } {
  if (route.keepsHost !== true) return {};
  const servername = serverName(route);
  return servername === undefined ? {} : { servername };
}

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
