import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../http/answer.ts';
import { Refusal } from '../http/refusal.ts';
import { LoadError } from '../load/loadError.ts';

/** Answers `POST /reload`, with `?force` or without. Throws Refusal 409 with the reason when the look fails. */
export async function receiveReload(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  reload: (force: boolean) => Promise<unknown>,
): Promise<void> {
  request.resume();
  const force = url.searchParams.has('force') && url.searchParams.get('force') !== 'false';
  try {
    sendJson(response, 200, await reload(force));
  } catch (error) {
    // Why a bundle was not taken is what an operator asks here: the old one serves on.
    if (!(error instanceof LoadError)) throw error;
    throw new Refusal(409, error.code, error.message);
  }
}
