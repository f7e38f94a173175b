import { readCapped } from '../../bundle/format/readCapped.ts';
import { AnswerError } from './fault.ts';

type Options = {
  /** Bytes of the largest answer. */
  largest: number;
  /** Milliseconds for all of it. */
  timeoutMs: number;
  init?: RequestInit;
  /** Is told what came before the body, whatever the status. */
  onHeaders?: (headers: Headers) => void;
};

/**
 * Asks somebody we need an answer of, and trusts nothing but the answer: no redirect, no delay, no size without end.
 * What is compressed all the same counts as what it unpacks to, piece by piece.
 */
export async function fetchJson(
  uri: string,
  { largest, timeoutMs, init = {}, onHeaders }: Options,
): Promise<unknown> {
  const response = await fetch(uri, {
    ...init,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', ...init.headers },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  onHeaders?.(response.headers);
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new AnswerError('status', `${uri} answered ${response.status}`);
  }
  const body = await readCapped(response.body, largest);
  if (body === null) throw new AnswerError('too-large', `${uri} answered more than ${largest} bytes`);
  try {
    return JSON.parse(body.toString());
  } catch {
    // JSON.parse quotes what it could not read.
    throw new AnswerError('no-json', `${uri} answered what is no JSON`);
  }
}
