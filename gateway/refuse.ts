import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendProblem } from './problem.ts';
import { Refusal } from './refusal.ts';

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
