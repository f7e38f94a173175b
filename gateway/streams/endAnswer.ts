import type { IncomingMessage, ServerResponse } from 'node:http';
import { lapsedRefusal } from '../decision/lapse.ts';
import { sendProblem } from '../http/answer.ts';
import { Refusal } from '../http/refusal.ts';
import type { CloseReason } from './streams.ts';

/**
 * Ends a request whose access has ended. Of an answer that has begun the connection is cut, so that half of it cannot
 * pass for the whole. Where none has, the caller is told: silence would look like a fault of ours and be tried again.
 */
export function endAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  reason: CloseReason,
  decisionId: string,
): void {
  if (response.headersSent || reason === 'shutdown') response.destroy();
  else sendProblem(request, response, refusalOf(reason), decisionId);
}

const refusalOf = (reason: CloseReason): Refusal =>
  reason === 'bundle-expired' || reason === 'policy-stale' ? lapsedRefusal(reason) : accessEnded();

const accessEnded = () =>
  new Refusal(
    403,
    'access-ended',
    'Access ended while the API was at work; it may have done what was asked.',
  );
