import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit, ReceivedRequest } from '../decision/admission.ts';
import type { Outcome } from '../decision/outcome.ts';
import { sendProblem } from '../http/answer.ts';
import { hasBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import { createClientAddress, createContains } from '../request/clientAddress.ts';
import { identityHeaders } from '../upstream/upstreamRequest.ts';
import { incomplete, originalRequest } from './originalRequest.ts';

type Options = {
  admit: Admit;
  /** CIDR blocks of the proxies that may ask. */
  proxies: readonly string[];
  /** CIDR blocks of further proxies in front of those. */
  before: readonly string[];
  onOutcome: (outcome: Outcome) => void;
};

/**
 * Answers a proxy's question whether a request may pass: 200 with the identity headers for it to copy, or the refusal
 * that the gateway itself would have answered. The decision is on record before the answer.
 */
export function createForwardAuth({ admit, proxies, before, onOutcome }: Options) {
  const mayAsk = createContains(proxies);
  const clientAddress = createClientAddress([...proxies, ...before]);
  return (request: IncomingMessage, response: ServerResponse): void => {
    const refused = (refusal: Refusal, decisionId: string | null) =>
      sendProblem(request, response, refusal, decisionId);
    let received: ReceivedRequest;
    try {
      // Whoever else could ask could also say who is calling from where.
      if (!mayAsk(request.socket.remoteAddress ?? ''))
        throw new Refusal(403, 'peer-untrusted', 'Only the configured proxies may ask here.');
      received = { ...originalRequest(request), fromProxy: () => true, address: clientAddress(request) };
      if (received.address === 'unknown') throw incomplete();
    } catch (error) {
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, 'internal-error', 'The request failed.');
      onOutcome({ api: '', operation: '', outcome: 'refused', reason: refusal.code });
      refused(refusal, null);
      return;
    }
    admit(received, {
      refused,
      // To a proxy that goes on all the same its copies of our headers must not be the caller's.
      preflight: (cors) => {
        const nobody = ['subject', 'groups', 'grants', 'decision', 'assertion'];
        const own = nobody.map((name) => [`x-grantgate-${name}`, '']);
        response.writeHead(204, { ...Object.fromEntries(own), ...cors });
        response.end();
      },
      admitted: (admission) => {
        response.writeHead(200, [
          ...identityHeaders(admission),
          ...Object.entries(admission.cors ?? {}).flat(),
          ...['content-length', '0', 'cache-control', 'no-store'],
          ...(hasBody(request) ? ['connection', 'close'] : []),
        ]);
        response.end();
      },
    });
  };
}
