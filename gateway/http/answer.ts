import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasBody } from './body.ts';
import { endWithAnswer } from './linger.ts';
import { Refusal } from './refusal.ts';

/** RFC 9457. `decision_id` leads an operator to the record; the caller learns nothing else about the decision. */
function render(
  refusal: Refusal,
  decisionId: string | null,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[refusal.status] ?? 'Error',
    status: refusal.status,
    detail: refusal.message,
    code: refusal.code,
    ...(decisionId === null ? {} : { decision_id: decisionId }),
  });
  return {
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      ...refusal.headers,
    },
    body,
  };
}

/** Answers a request with a refusal. A body the client may still be sending is of no use: the connection ends. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
  decisionId: string | null,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { headers, body } = render(refusal, decisionId);
  if (hasBody(request)) endWithAnswer(request, response);
  response.writeHead(refusal.status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** How long a caller that was refused may take to close its side. */
const lingerMs = 1000;

/** The same on a bare socket: for upgrades, and for what the HTTP parser refused. The connection ends. */
export function writeProblem(socket: Duplex, refusal: Refusal, decisionId: string | null): void {
  // Node has taken its listener off a socket that it hands over: a reset would end the process.
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { headers, body } = render(refusal, decisionId);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  );
  // Such a socket stays half open for as long as the other side likes.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** Answers an operator's request that failed: a refusal as it is, anything else as 500, which `onFailure` is told of. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  onFailure: (error: unknown) => void,
): void {
  if (!(error instanceof Refusal)) onFailure(error);
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, 'internal-error', 'The request failed; the log says why.');
  sendProblem(request, response, refusal, null);
}

/** Answers with a value as JSON that nobody may keep. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}
