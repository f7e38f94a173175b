import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** The whole body of a request. Throws Refusal 413 when it is larger than `most` bytes. */
export function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not `for await`: leaving it early destroys the connection, and with it the answer that says why.
  return new Promise((done, fail) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else {
        request.removeAllListeners('data').pause();
        fail(new Refusal(413, 'body-too-large', 'The body is too large.'));
      }
    });
    request.on('end', () => done(Buffer.concat(chunks)));
    request.on('error', () => fail(new Refusal(400, 'body-incomplete', 'The body did not come whole.')));
  });
}

/** Whether a request has a body: it tells a length above zero, or none but that there is one. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
