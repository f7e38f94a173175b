import type { Dispatcher } from 'undici';
import { readCapped } from '../../../bundle/format/readCapped.ts';
import { SourceError } from '../contract/source.ts';

/** All of an answer's body. Throws SourceError `source-too-large`, as soon as it is known to be. */
export async function readAnswer(response: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new SourceError('source-too-large', `the bundle server sends more than ${maxBytes} bytes`);
  const announced = Number(response.headers['content-length']);
  if (announced > maxBytes) {
    // A body thrown away unread says so by an error, which would be nobody's, and end the loader.
    response.body.on('error', () => {}).destroy();
    throw tooLarge();
  }
  const body = await readCapped(response.body as AsyncIterable<Buffer>, maxBytes);
  if (body === null) throw tooLarge();
  return body;
}

/** What an answer with an unwanted status stands for; its body is thrown away. */
export async function refusalOf(response: Dispatcher.ResponseData): Promise<SourceError> {
  await response.body.dump({ limit: 65_536 });
  const status = response.statusCode;
  const wish = Number(response.headers['retry-after']);
  const retryAfterMs = Number.isFinite(wish) && wish >= 0 ? Math.min(wish, 3600) * 1000 : null;
  const code =
    status === 401 || status === 403
      ? 'source-unauthorized'
      : status === 404 || status === 410
        ? 'source-not-found'
        : status === 429 || status >= 500
          ? 'source-unreachable'
          : 'source-answer';
  return new SourceError(code, `the bundle server answers ${status}`, { retryAfterMs });
}
