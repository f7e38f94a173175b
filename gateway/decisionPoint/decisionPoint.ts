import { createServer } from 'node:http';
import type { GatewayConfig } from '../config/config.ts';
import type { Admit, AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Outcome } from '../decision/outcome.ts';
import { sendProblem } from '../http/answer.ts';
import { listen, urlOf } from '../http/listen.ts';
import { Refusal } from '../http/refusal.ts';
import type { Authenticate } from '../identity/authenticate.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import { createAuthzen, evaluationPath, evaluationsPath, sendConfiguration } from './authzen.ts';
import { createForwardAuth } from './forwardAuth.ts';
import { authorizePath } from './originalRequest.ts';

export type DecisionPoint = {
  start: (onError: (error: Error) => void) => Promise<void>;
  /** `http://HOST:PORT`, or null when none is configured. */
  url: () => string | null;
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

/**
 * The listener for those who ask and enforce themselves: proxies (`/authorize`) and applications (AuthZEN). It is one
 * of its own, so that no path of an API can be taken for a question, nor the other way round.
 */
export function createDecisionPoint({ config, admit, onOutcome, ...options }: Options): DecisionPoint {
  const point = config.decision_point;
  if (point === undefined) return { start: async () => {}, url: () => null, close: async () => {} };
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
    authzen === undefined ? null : createAuthzen({ ...options, onOutcome, callers: authzen.callers });

  const server = createServer(
    {
      maxHeaderSize: config.limits.headers,
      headersTimeout: config.limits.headers_timeout,
      requestTimeout: config.limits.headers_timeout + 10_000,
      keepAliveTimeout: config.limits.idle_timeout,
      requireHostHeader: false,
    },
    (request, response) => {
      const [path = ''] = (request.url ?? '').split('?', 1);
      if (authorize !== null && (path === authorizePath || path.startsWith(`${authorizePath}/`))) {
        authorize(request, response);
      } else if (evaluate !== null && (path === evaluationPath || path === evaluationsPath)) {
        void evaluate(request, response, path);
      } else if (evaluate !== null && path === '/.well-known/authzen-configuration') {
        sendConfiguration(response, authzen?.url ?? urlOf(server));
      } else {
        sendProblem(request, response, new Refusal(404, 'not-found', 'There is nothing to ask here.'), null);
      }
    },
  );
  return {
    start: (onError) => listen(server, point.listen, onError, 'decision_point.listen'),
    url: () => urlOf(server),
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
