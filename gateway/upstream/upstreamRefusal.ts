import errors from 'undici/lib/core/errors.js';
import { AnswerError } from '../http/fault.ts';
import { Refusal } from '../http/refusal.ts';

const isSilence = (error: unknown) =>
  error instanceof errors.HeadersTimeoutError ||
  error instanceof errors.ConnectTimeoutError ||
  (error instanceof AnswerError && error.fault === 'answer-timeout');

/** What a caller is told when there is no answer to pass on; a refusal of our own stays what it is. */
export function upstreamRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return isSilence(error)
    ? new Refusal(504, 'upstream-timeout', 'The API did not answer in time.')
    : new Refusal(502, 'upstream-failed', 'The API could not be reached or answered badly.');
}
