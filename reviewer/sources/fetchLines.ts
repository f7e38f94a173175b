import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Options = {
  /** The admin token, if they want one. */
  token: string | null;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
};

/**
 * Asks the admin listener at `url` for the lines at `path` (`/usage?since=2026-03-01`, `/decisions`) and keeps them as
 * `file`. Answers why it could not, or null. What was said is not repeated: an answer may hold anything.
 */
export async function fetchLines(
  url: string,
  path: string,
  file: string,
  { token, timeoutMs, signal }: Options,
): Promise<string | null> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url.replace(/\/$/, '') + path, {
      headers: {
        accept: 'application/x-ndjson',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      // A redirect would carry the token to where nobody meant it to go.
      redirect: 'error',
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      return response.status === 401 || response.status === 403
        ? 'it wants another admin token'
        : `it answered ${response.status}`;
    }
    await pipeline(Readable.from(response.body), createWriteStream(file, { mode: 0o600 }));
    return null;
  } catch {
    return deadline.aborted ? 'it did not answer in time' : 'it cannot be reached, or broke off';
  }
}
