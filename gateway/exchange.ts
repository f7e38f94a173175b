import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission, Admit, Carrier, Decided, Doors } from './decision/admission.ts';
import type { Faults } from './faults.ts';
import { sendProblem } from './http/answer.ts';
import { hasBody } from './http/body.ts';
import { endWithAnswer } from './http/linger.ts';
import type { Refusal } from './http/refusal.ts';
import { createCertificateOf } from './identity/clientCertificate.ts';
import type { AccessLog, Noted } from './log/accessLog.ts';
import type { Metrics } from './metrics/metrics.ts';
import { createClientAddress, createContains, peerAddress } from './request/clientAddress.ts';
import type { CorsHeaders } from './request/cors.ts';
import { endAnswer } from './streams/endAnswer.ts';
import type { CloseReason, Streams } from './streams/streams.ts';
import type { Assertions } from './upstream/assertion.ts';
import type { Forward, ForwardResult } from './upstream/forward.ts';

type Options = {
  trustedProxies: readonly string[];
  admit: Admit;
  assertions: Pick<Assertions, 'answer'>;
  forward: Forward;
  streams: Pick<Streams, 'add'>;
  metrics: Pick<Metrics, 'upstream' | 'answered'>;
  faults: Pick<Faults, 'upstream'>;
  access: Pick<AccessLog, 'begin'>;
  /** A request has begun; the result is called when it has ended. */
  begun: () => () => void;
};

/** What is done with a request as Node gives it: facts taken, admitted, forwarded, or told why not. */
export function createExchange(options: Options) {
  const { admit, assertions, forward, streams, metrics, faults, access, begun } = options;
  const clientAddress = createClientAddress(options.trustedProxies);
  const isProxy = createContains(options.trustedProxies);
  const trusts = options.trustedProxies.length > 0;
  const certificateOf = createCertificateOf();
  /** `answer` is null where the request asks for an upgrade. */
  const admitRequest = (
    request: IncomingMessage,
    answer: ServerResponse | null,
    carrier: Carrier,
    doors: Doors,
  ) => {
    const { method = '', url: target = '', rawHeaders } = request;
    const bodyBytes = Number(request.headers['content-length'] ?? 0);
    const certificate = certificateOf(request.socket);
    const address = clientAddress(request);
    const noted = access.begin(request, answer, address);
    const led = noted === null ? doors : noting(noted, answer, carrier, doors);
    // Who sent it is looked at only where an API asks.
    const fromProxy = trusts ? once(() => isProxy(peerAddress(request))) : undefined;
    admit({ method, target, rawHeaders, fromProxy, address, certificate, bodyBytes, carrier }, led);
  };
  const forwarded = ({ status, failure, milliseconds }: ForwardResult, { route }: Admission) => {
    metrics.upstream(milliseconds / 1000, route.api);
    if (failure === null) metrics.answered(route.api, status);
    else faults.upstream(route.api, failure);
  };
  const onAdmitted = (exchange: Exchange, admission: Admission) => {
    const { request, response } = exchange;
    if (response.destroyed) return;
    // HTTP/1.0 knows no interim answers.
    if (request.headers.expect !== undefined && request.httpVersionMinor > 0) response.writeContinue();
    const close = (reason: CloseReason) => endAnswer(request, response, reason, admission.id);
    exchange.onEnd(streams.add({ admission, upgraded: false, close }));
    forward(exchange, admission, forwarded);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (assertions.answer(request, response)) return;
    const exchange = new Exchange(request, response, onAdmitted);
    exchange.onEnd(begun());
    admitRequest(request, response, exchange, exchange);
  };
  return { admitRequest, onRequest };
}

/** What a socket is no longer asked when it has been closed. */
function once(ask: () => boolean): () => boolean {
  let known: boolean | null = null;
  return () => {
    known ??= ask();
    return known;
  };
}

/** The same doors; what goes through them is told to the access log. */
function noting(noted: Noted, answer: ServerResponse | null, carrier: Carrier, doors: Doors): Doors {
  let status = 499;
  carrier.onEnd(() => noted.end(answer === null ? (carrier.answered ?? status) : undefined));
  const decided = ({ identity, route }: Decided, decisionId: string) =>
    noted.decided({ subject: identity.subject, api: route.api, operation: route.operation, decisionId });
  return {
    admitted(admission) {
      status = 101;
      decided(admission, admission.id);
      doors.admitted(admission);
    },
    refused(refusal, decisionId, of) {
      status = refusal.status;
      if (of !== undefined) decided(of, of.id);
      doors.refused(refusal, decisionId, of);
    },
    ...(doors.preflight === undefined ? {} : { preflight: (headers) => doors.preflight?.(headers) }),
  };
}

/** One request and its answer: the doors it goes out by, and what it is over with. */
class Exchange implements Doors, Carrier {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #onAdmitted: (exchange: Exchange, admission: Admission) => void;
  #ends: (() => void)[] | null = null;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    onAdmitted: (exchange: Exchange, admission: Admission) => void,
  ) {
    this.request = request;
    this.response = response;
    this.#onAdmitted = onAdmitted;
  }

  admitted(admission: Admission): void {
    this.#onAdmitted(this, admission);
  }

  refused(refusal: Refusal, decisionId: string | null): void {
    sendProblem(this.request, this.response, refusal, decisionId);
  }

  preflight(headers: CorsHeaders): void {
    const { request, response } = this;
    if (hasBody(request)) endWithAnswer(request, response);
    response.writeHead(204, headers);
    response.end();
  }

  get destroyed(): boolean {
    return this.response.destroyed;
  }

  onEnd(listener: () => void): void {
    if (this.#ends === null) {
      const ends: (() => void)[] = [];
      this.#ends = ends;
      // One listener of Node's for all of ours.
      const over = () => {
        for (const end of ends.splice(0)) end();
      };
      this.response.on('close', over);
      // One whose turn has not yet come, behind others of its connection, is not told when that ends.
      const { socket } = this.request;
      if (this.response.socket === null) {
        socket.setMaxListeners(0).on('close', over);
        this.response.on('close', () => socket.off('close', over));
      }
    }
    this.#ends.push(listener);
  }
}
