import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Options = {
  /** The first day asked for, YYYY-MM-DD. */
  since: string;
  /** The admin token, if they want one. */
  token: string | null;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
};

/**
 * Asks the admin listener at `url` for its roll-ups and keeps them as `file`. Answers why it could not, or null. What
 * was said is not repeated: an answer may hold anything.
 */
export async function fetchRollups(url: string, file: string, options: Options): Promise<string | null> {
  const { since, token, timeoutMs, signal } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/usage?since=${since}`, {
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
