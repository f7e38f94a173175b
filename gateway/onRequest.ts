import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit, Doors } from './admit.ts';
import type { Assertions } from './assertion.ts';
import { createClientAddress } from './clientAddress.ts';
import { certificateOf } from './clientCertificate.ts';
import { endAnswer } from './endAnswer.ts';
import type { Forward } from './forward.ts';
import type { Metrics } from './metrics.ts';
import { sendProblem } from './problem.ts';
import type { Carrier } from './quota.ts';
import type { CloseReason, Streams } from './streams.ts';

type Options = {
  trustedProxies: readonly string[];
  admit: Admit;
  assertions: Pick<Assertions, 'answer'>;
  forward: Forward;
  streams: Streams;
  metrics: Pick<Metrics, 'upstream' | 'upstreamFailures'>;
};

/** What is done with a request as Node gives it: facts taken, admitted, forwarded, or told why not. */
export function createOnRequest(options: Options) {
  const { admit, assertions, forward, streams, metrics } = options;
  const clientAddress = createClientAddress(options.trustedProxies);
  const admitRequest = (request: IncomingMessage, carrier: Carrier, doors: Doors) => {
    const { method = '', url: target = '', rawHeaders } = request;
    const bodyBytes = Number(request.headers['content-length'] ?? 0);
    const certificate = certificateOf(request.socket);
    const address = clientAddress(request);
    admit({ method, target, rawHeaders, address, certificate, bodyBytes, carrier }, doors);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (assertions.answer(request, response)) return;
    admitRequest(request, response, {
      refused: (refusal, decisionId) => sendProblem(request, response, refusal, decisionId),
      admitted: (admission) => {
        if (response.destroyed) return;
        // HTTP/1.0 knows no interim answers.
        if (request.headers.expect !== undefined && request.httpVersionMinor > 0) response.writeContinue();
        const close = (reason: CloseReason) => endAnswer(request, response, reason, admission.id);
        const done = streams.add({ admission, upgraded: false, close });
        response.once('close', done);
        forward(request, response, admission, ({ failed, milliseconds }) => {
          const { api } = admission.route;
          metrics.upstream(milliseconds / 1000, api);
          if (failed) metrics.upstreamFailures(api);
        });
      },
    });
  };
  return { admitRequest, onRequest };
}
