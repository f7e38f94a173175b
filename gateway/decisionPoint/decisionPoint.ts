import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { GatewayConfig } from '../config/config.ts';
import type { Admit, AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Outcome } from '../decision/outcome.ts';
import { sendProblem } from '../http/answer.ts';
import { listen, urlOf } from '../http/listen.ts';
import { Refusal } from '../http/refusal.ts';
import type { Authenticate } from '../identity/authenticate.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import { createAuthzen, endpointAt, sendConfiguration } from './authzen.ts';
import { createForwardAuth } from './forwardAuth.ts';
import { authorizePath } from './originalRequest.ts';

/** Answers a question; `own` is the address of the listener that it came to. */
export type AnswerQuestion = (request: IncomingMessage, response: ServerResponse, own: string) => void;

export type DecisionPoint = {
  start: (onError: (error: Error) => void) => Promise<void>;
  /** `http://HOST:PORT`, or null when none is configured. */
  url: () => string | null;
  /** Has other limits for connections made from now on. */
  take: (limits: GatewayConfig['limits']) => void;
  /** Answers what has been asked, and nothing more. */
  close: () => Promise<void>;
};

type Options = {
  config: GatewayConfig;
  admit: Admit;
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  writer: Pick<RecordWriter, 'write'>;
  now: () => number;
  onAllowed: (call: AllowedCall) => void;
  onOutcome: (outcome: Outcome) => void;
  onFailure: (error: unknown, decisionId: string | null) => void;
};

/** What is answered to proxies (`/authorize`) and applications (AuthZEN); null when none may ask. */
export function createAnswerQuestion({
  config,
  admit,
  onOutcome,
  ...options
}: Options): AnswerQuestion | null {
  const point = config.decision_point;
  if (point === undefined) return null;
  const { forward_auth, authzen } = point;
  const authorize =
    forward_auth === undefined
      ? null
      : createForwardAuth({
          admit,
          proxies: forward_auth.trusted_proxies,
          before: config.trusted_proxies,
          onOutcome,
        });
  const evaluate =
    authzen === undefined
      ? null
      : createAuthzen({ ...options, onOutcome, callers: authzen.callers, searchers: authzen.search });

  const canSearch = (authzen?.search ?? []).length > 0;
  return (request, response, own) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const endpoint = endpointAt(path, canSearch);
    if (authorize !== null && (path === authorizePath || path.startsWith(`${authorizePath}/`))) {
      authorize(request, response);
    } else if (evaluate !== null && endpoint !== null) {
      void evaluate(request, response, endpoint);
    } else if (evaluate !== null && path === '/.well-known/authzen-configuration') {
      sendConfiguration(response, authzen?.url ?? own, canSearch);
    } else {
      sendProblem(request, response, new Refusal(404, 'not-found', 'There is nothing to ask here.'), null);
    }
  };
}

/**
 * The listener for those who ask and enforce themselves. It is one of its own, so that no path of an API can be taken
 * for a question, nor the other way round.
 */
export function createDecisionPoint(
  { decision_point: point, limits }: Pick<GatewayConfig, 'decision_point' | 'limits'>,
  answer: AnswerQuestion,
): DecisionPoint {
  if (point === undefined)
    return { start: async () => {}, url: () => null, take: () => {}, close: async () => {} };
  const server = createServer({ ...bounds(limits), requireHostHeader: false }, (request, response) =>
    answer(request, response, urlOf(server)),
  );
  // As in the listener: what a proxy adds behind a thousand others is read too.
  server.maxHeadersCount = 0;
  return {
    start: (onError) => listen(server, point.listen, onError, 'decision_point.listen'),
    url: () => urlOf(server),
    take: (next) => void Object.assign(server, bounds(next)),
    close: async () => {
      if (!server.listening) return;
      const closed = new Promise((done) => server.close(done));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), 1000);
      await closed;
      clearTimeout(timer);
    },
  };
}

const bounds = ({ headers, headers_timeout, idle_timeout }: GatewayConfig['limits']) => ({
  maxHeaderSize: headers,
  headersTimeout: headers_timeout,
  requestTimeout: headers_timeout + 10_000,
  keepAliveTimeout: idle_timeout,
});
