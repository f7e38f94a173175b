// Sharp edges of undici 8: it strips no hop-by-hop headers in either direction; a body that dies upstream must
// destroy the client's response (an `end` would pass off half an answer as whole); the dispatcher calls back with
// 1xx responses too.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Client, type Dispatcher, errors, Pool } from 'undici';
import type { Admission } from './admit.ts';
import { peerAddress } from './clientAddress.ts';
import { forwardable, respondable } from './headers.ts';
import { limitBody, mostBytes } from './limitBody.ts';
import { sendProblem } from './problem.ts';
import type { Carrier } from './quota.ts';
import { Refusal } from './refusal.ts';

/** How a forwarded request ended: the upstream's status, or why there is none. */
export type ForwardResult = { status: number; failed: boolean; milliseconds: number };

/** Sends an admitted request to its upstream and the answer back, streaming both ways. */
export type Forward = (
  exchange: Exchange,
  admission: Admission,
  done: (result: ForwardResult, admission: Admission) => void,
) => void;

type Exchange = Pick<Carrier, 'onEnd'> & { request: IncomingMessage; response: ServerResponse };

type Options = {
  upstreamTimeoutMs: number;
  /** The most bytes of a body, for APIs that say nothing of their own. */
  bodyBytes: number;
  now: () => number;
};

/** Keeps one connection pool per upstream. `close()` waits for what is under way. */
export function createForward({ upstreamTimeoutMs, bodyBytes, now }: Options): {
  forward: Forward;
  close: () => Promise<void>;
} {
  const pools = new Map<string, Pool>();
  // One protocol: what is known of framing and aborts was measured with it.
  const transport = { allowH2: false, connect: { timeout: Math.min(upstreamTimeoutMs, 10_000) } };
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      // Each caller holds at most one connection here. A bound would make callers wait, without any time-out, for
      // others' streams to end.
      pool = new Pool(origin, { ...transport, connections: null });
      pools.set(origin, pool);
    }
    return pool;
  };
  const forward: Forward = (exchange, admission, done) => {
    const { request, response } = exchange;
    const started = now();
    const finish = (status: number, failed: boolean) =>
      done({ status, failed, milliseconds: now() - started }, admission);
    const origin = admission.route.upstream;
    const sent: Dispatcher.DispatchOptions = {
      path: upstreamPath(admission),
      method: admission.canonical.method,
      headers: upstreamHeaders(request, admission),
      body: bodyOf(request, mostBytes(admission.enforcement.snapshot, admission.route.api, bodyBytes)),
      headersTimeout: upstreamTimeoutMs,
      // A stream may be silent for long; what bounds it is its client, its grant and the drain at shutdown.
      bodyTimeout: 0,
    };
    // A kept connection may be closed by the upstream just as a request is on its way: nothing came of that one, and
    // where nothing can come of doing it twice (RFC 9110, 9.2.2), it is done again, once, on a connection of its own.
    const again = () => {
      const client = new Client(origin, transport);
      client.dispatch({ ...sent, reset: true }, transfer);
      void client.close();
    };
    const repeatable = sent.body === null && safe.has(sent.method);
    const transfer = new Transfer({
      request,
      response,
      admission,
      finish,
      again: repeatable ? again : null,
    });
    exchange.onEnd(() => transfer.clientGone());
    poolOf(origin).dispatch(sent, transfer);
  };
  return {
    forward,
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

export const upstreamTimeout = () => new Refusal(504, 'upstream-timeout', 'The API did not answer in time.');
export const upstreamFailed = () =>
  new Refusal(502, 'upstream-failed', 'The API could not be reached or answered badly.');

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const isClosed = ({ code }: NodeJS.ErrnoException) =>
  code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';

const hasBody = (request: IncomingMessage) =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

/** Its length is checked where it is told; where it is not, the bytes are counted. */
function bodyOf(request: IncomingMessage, most: number): Readable | null {
  if (request.headers['transfer-encoding'] !== undefined) return limitBody(request, most);
  return hasBody(request) ? request : null;
}

/** The upstream's headers, and ours: an upstream that has limits of its own tells them beside ours. */
function answerHeaders(headers: Parameters<typeof respondable>[0], { id, quota }: Admission): string[] {
  const own = ['x-grantgate-decision', id];
  if (quota !== undefined) own.push('ratelimit-policy', quota.policy, 'ratelimit', quota.state);
  return respondable(headers, own);
}

/** The decided path less the API's prefix, then the query as it came. */
export function upstreamPath({ canonical, route }: Admission): string {
  const path = route.strip === 0 ? canonical.path : canonical.path.slice(route.strip);
  return canonical.query === '' ? path : path + canonical.query;
}

/** The client's harmless headers, then ours: who calls, by which grants, and where from. */
export function upstreamHeaders(request: IncomingMessage, admission: Admission): string[] {
  const { canonical, address, trace } = admission;
  const headers = forwardable(request.rawHeaders, trace?.malformed);
  const length = request.headers['content-length'];
  if (length !== undefined) headers.push('content-length', length);
  headers.push(
    'x-forwarded-for',
    address,
    'x-forwarded-host',
    canonical.host,
    'x-forwarded-proto',
    schemeOf(request, address),
    ...identityHeaders(admission),
  );
  return headers;
}

/** An address other than the peer's was named by a proxy we trust: then its word on the scheme counts too. */
function schemeOf(request: IncomingMessage, address: string): string {
  const named = request.headers['x-forwarded-proto'];
  if (address !== peerAddress(request) && (named === 'https' || named === 'http')) return named;
  return 'encrypted' in request.socket ? 'https' : 'http';
}

/** Who calls and by which grants, as a flat list of names and values; each is always there, if need be empty. */
export function identityHeaders({ identity, decision, id, assertion }: Admission): string[] {
  const { derived, input, result } = decision;
  derived.headers ??= [
    'x-grantgate-subject',
    identity.subject,
    'x-grantgate-groups',
    input.groups.join(','),
    'x-grantgate-grants',
    result.grants.join(','),
  ];
  return [...derived.headers, 'x-grantgate-decision', id, 'x-grantgate-assertion', assertion ?? ''];
}

type TransferOptions = {
  request: IncomingMessage;
  response: ServerResponse;
  admission: Admission;
  finish: (status: number, failed: boolean) => void;
  /** Sends the request once more; null where that could do harm. */
  again: (() => void) | null;
};

/** A flat list of names and values, as Node takes trailers. */
function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []));
}

/** Bytes; above, what one copy costs is no longer little beside one write less. */
const smallBody = 16 * 1024;

const flush = (transfer: Transfer) => transfer.flush();

class Transfer implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #admission: Admission;
  readonly #finish: (status: number, failed: boolean) => void;
  #again: (() => void) | null;
  #controller: Dispatcher.DispatchController | null = null;
  #gone = false;
  #begun = false;
  #over = false;
  /** The first bytes of an answer whose length was told, until it is known whether they are all of it. */
  #held: Buffer | null = null;
  #sized = false;

  constructor({ request, response, admission, finish, again }: TransferOptions) {
    this.#request = request;
    this.#response = response;
    this.#admission = admission;
    this.#finish = finish;
    this.#again = again;
  }

  /** The client's side closed; when the answer was not complete, nobody waits for the upstream any more. */
  clientGone(): void {
    this.#gone = true;
    if (!this.#over) this.#controller?.abort(new Error('the client is gone'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#gone) controller.abort(new Error('the client is gone'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<typeof respondable>[0],
  ): void {
    if (status < 200 && status >= 100) return;
    // Access ended meanwhile, and the caller has been told so.
    if (this.#response.headersSent) {
      controller.abort(new Error('the request is over'));
      return;
    }
    // Node would throw on 099; a status outside the registry's range is no answer.
    if (status < 100 || status > 599)
      throw new errors.InvalidArgumentError('the upstream answered an impossible status');
    this.#response.writeHead(status, answerHeaders(headers, this.#admission));
    this.#sized = headers['content-length'] !== undefined;
    process.nextTick(flush, this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#begun && this.#sized && chunk.length <= smallBody) this.#held = chunk;
    else {
      this.#release();
      this.#write(controller, chunk);
    }
    this.#begun = true;
  }

  /**
   * What came with the headers has all been taken. Headers of a stream that has no bytes yet must reach the client all
   * the same; where the first bytes came along, they go out together in one packet.
   */
  flush(): void {
    if (this.#over) return;
    if (this.#begun) this.#release();
    else this.#response.flushHeaders();
  }

  #release(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && this.#controller !== null) this.#write(this.#controller, held);
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  /** Headers and body leave in one piece of text: that costs the kernel and Node less than several buffers do. */
  #endWhole(body: Buffer): void {
    this.#response.write(body.toString('latin1'), 'latin1');
    this.#response.socket?.uncork();
    this.#response.end();
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.#over = true;
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#endWhole(held);
    else {
      if (Object.keys(trailers).length > 0) this.#response.addTrailers(pairsOf(respondable(trailers, [])));
      this.#response.end();
    }
    this.#finish(this.#response.statusCode, false);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#over = true;
    if (this.#gone) {
      this.#finish(499, false);
      return;
    }
    if (this.#again !== null && !this.#response.headersSent && isClosed(error)) {
      const again = this.#again;
      this.#again = null;
      this.#over = false;
      again();
      return;
    }
    if (this.#response.headersSent) {
      this.#response.destroy();
      this.#finish(this.#response.statusCode, true);
      return;
    }
    const slow = error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError;
    // A refusal is what our own bound on the body says; the upstream is not to blame for it.
    const own = error instanceof Refusal;
    const refusal = own ? error : slow ? upstreamTimeout() : upstreamFailed();
    sendProblem(this.#request, this.#response, refusal, this.#admission.id);
    this.#finish(refusal.status, !own);
  }
}
