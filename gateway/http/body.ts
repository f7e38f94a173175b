import type { IncomingMessage } from 'node:http';
import { readCapped } from '../../bundle/format/readCapped.ts';
import { Refusal } from './refusal.ts';

/**
 * The whole body of a request. `arrived` is told of each piece, and may throw a Refusal. Throws Refusal 413 when it is
 * larger than `most` bytes, 400 when it ends before its time.
 */
export async function readBody(
  request: IncomingMessage,
  most: number,
  arrived: (bytes: number) => void = () => {},
): Promise<Buffer> {
  // Left early it stays open: to destroy the connection would take the answer along that says why.
  const chunks = counted(request.iterator({ destroyOnReturn: false }), arrived);
  const body = await readCapped(chunks, most).catch((error: unknown) => {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'body-incomplete', 'The body did not come whole.');
  });
  if (body === null) throw new Refusal(413, 'body-too-large', 'The body is too large.');
  return body;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  arrived: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    arrived(chunk.byteLength);
    yield chunk;
  }
}

/** Whether a request has a body: it tells a length above zero, or none but that there is one. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
